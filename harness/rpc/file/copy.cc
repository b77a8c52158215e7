#include "harness/rpc/file/copy.h"

#include <map>
#include <memory>
#include <utility>

#include <muster/node_error.h>

#include "harness/rpc/controller_node.h"
#include "harness/rpc/file/copy_ends.h"
#include "harness/rpc/file/target_tree.h"
#include "harness/values/failure_text.h"

namespace harness {
namespace {

using Kind = muster::NodeError::Kind;

// The most bytes of a file that does not tell its size, such as those in /proc: it is held whole.
constexpr size_t kUnsizedBytesMax = 64 << 20;

// The largest size that a file may claim without any space of its own. Those in /sys claim a page,
// whatever they hold.
constexpr uint64_t kClaimedBytesMax = 64 << 10;

// The special files that a result names; the others are counted.
constexpr size_t kLeftOutNamesMax = 100;

std::string endText(const CopyEnd& end) {
  return (end.node == nullptr ? "" : end.node->description().name + ":") + end.path;
}

class Copy {
 public:
  // `made` null: the target is at its own end.
  Copy(const CopyEnd& source, const CopyEnd& target, const CopyOptions& options,
       muster::SteadyTime until, std::unique_ptr<CopyTarget> made = nullptr)
      : operation_("copy " + inQuotes(endText(source)) + " to " + inQuotes(endText(target))),
        options_(options),
        until_(until),
        there_(options.existing == CopyOptions::Existing::kReplaced
                   ? nullptr
                   : std::make_unique<TargetTree>(target, options, until)),
        source_(makeSource(source)),
        target_(made != nullptr          ? std::move(made)
                : target.node == nullptr ? localTarget(target.path, options)
                                         : remoteTarget(*target.node, target.path, options, until)),
        dropsPrivileges_(source.node != nullptr && target.node == nullptr &&
                         options.privileges == CopyOptions::Privileges::kDrop) {
    bool isInPlace = options.write.way == muster::WriteWay::kInPlace;
    if (isInPlace && options.what == CopyOptions::What::kTree) {
      throw error(Kind::kInvalid, "a tree cannot be written in place, only a single file");
    }
  }

  muster::TransferResult run() {
    TreeItem root = source_->root();
    disarm(root);
    bool isTree = options_.what == CopyOptions::What::kTree;
    if (!isTree) {
      requireType(root, muster::FileType::kRegular, "is not a regular file");
      result_.digest = addFile(root);
      return result_;
    }
    requireType(root, muster::FileType::kDirectory, "is not a directory");
    target_->makeRoot(root);
    // A directory whose members change gets its time anew.
    directories_[""] = {root, options_.root == CopyOptions::Root::kLikeSource};
    for (auto page = source_->next(); !page.empty(); page = source_->next()) {
      for (TreeItem& item : page) {
        disarm(item);
        add(std::move(item));
      }
    }
    if (options_.existing == CopyOptions::Existing::kMirrored) removeExtras();
    for (const LeftOutItem& item : target_->finish()) leaveOut(item.path, item.reason);
    return result_;
  }

 private:
  std::unique_ptr<CopySource> makeSource(const CopyEnd& end) {
    bool hasAll = there_ && !there_->isEmpty();
    if (end.node != nullptr) {
      return remoteSource(*end.node, end.path, until_, hasAll ? Contents::kNone : Contents::kSmall);
    }
    if (!hasAll) return localSource(end.path, until_);
    return localSource(end.path, until_,
                       [this](const TreeItem& item) { return !there_->isUnchanged(item); });
  }

  // Takes the privileges from an item of a node. The node may have been taken over, and its files
  // will belong to the user who runs this, often root.
  void disarm(TreeItem& item) const {
    if (!dropsPrivileges_) return;
    item.mode &= ~06000u;
    item.attributes.erase("security.capability");
  }

  void requireType(const TreeItem& root, muster::FileType type, const std::string& problem) {
    if (root.type != type) throw error(Kind::kInvalid, "the source " + problem);
  }

  muster::NodeError error(Kind kind, const std::string& text) const {
    return muster::NodeError(kind, "", operation_, text);
  }

  void requireTime() const {
    if (std::chrono::steady_clock::now() >= until_) {
      throw error(Kind::kTimeout, "not done in the time that was allowed");
    }
  }

  void leaveOut(const std::string& path, const std::string& reason) {
    ++result_.leftOut;
    if (result_.leftOutFiles.size() < kLeftOutNamesMax) {
      result_.leftOutFiles.push_back(path + ": " + reason);
    }
  }

  // Makes an item a link to the first of its names if that was copied. The target needs no content
  // then.
  void linkToFirst(TreeItem& item) {
    if (item.links < 2 || item.type == muster::FileType::kDirectory) return;
    auto [found, isFirst] =
        names_.try_emplace({item.device, item.inode}, FirstName{item.path, item.links - 1});
    if (isFirst) return;
    item.linkTo = found->second.path;
    item.content.clear();
    if (--found->second.others == 0) names_.erase(found);
  }

  bool isDevice(const TreeItem& item) const {
    return item.type == muster::FileType::kCharacter || item.type == muster::FileType::kBlock;
  }

  // Tells whether the target has the item already, and makes place for it if not.
  bool isThere(const TreeItem& item) {
    bool isDirectory = item.type == muster::FileType::kDirectory;
    if (there_->isUnchanged(item)) {
      there_->note(item.path, TargetTree::Written::kNo);
      ++result_.unchanged;
      if (isDirectory) directories_[item.path] = {item, false};
      return true;
    }
    if (there_->isInTheWay(item)) {
      if (options_.existing != CopyOptions::Existing::kMirrored) {
        throw error(Kind::kConflict,
                    inQuotes(item.path) +
                        " is a directory at one end and none at the other; only a copy that "
                        "deletes puts one in the place of the other");
      }
      remove(item.path);
    }
    there_->note(item.path, TargetTree::Written::kYes);
    if (isDirectory) {
      directories_[item.path] = {item, true};
    } else {
      touchParent(item.path);
    }
    return false;
  }

  // Gives the directory of a member that changes its time again when all is done.
  void touchParent(const std::string& path) {
    size_t slash = path.find_last_of('/');
    auto found = directories_.find(slash == std::string::npos ? "" : path.substr(0, slash));
    if (found == directories_.end() || found->second.isWritten || found->first.empty()) return;
    found->second.isWritten = true;
    target_->add(found->second.item);
  }

  void remove(const std::string& path) {
    requireTime();
    target_->remove(path);
    result_.deleted += there_->forget(path);
  }

  void removeExtras() {
    for (const std::string& path : there_->extras()) {
      touchParent(path);
      remove(path);
    }
  }

  void add(TreeItem item) {
    if (there_) there_->note(item.path, TargetTree::Written::kNo);
    requireTime();
    if (item.type == muster::FileType::kUnspecified) {
      leaveOut(item.path, "is of a type that is not known here");
      return;
    }
    if (dropsPrivileges_ && isDevice(item)) {
      leaveOut(item.path, "a device of a node is not made here unless privileges are kept");
      return;
    }
    linkToFirst(item);
    if (there_ && isThere(item)) return;
    if (item.type == muster::FileType::kRegular && item.linkTo.empty()) {
      if (!item.hasContent) {
        addFile(item);
        return;
      }
      count(item.content.size());
      result_.bytes += item.content.size();
      ++result_.files;
    }
    target_->add(std::move(item));
  }

  // A file that takes no space may be one that does not tell its size. It is read whole first,
  // because a target has to know the size before the first byte; where the size was wrong, its
  // source has no digest to compare.
  std::string addFile(TreeItem item) {
    FileFeed feed = source_->open(item);
    std::string whole;
    bool isDoubtful = item.allocatedBytes == 0 && item.size <= kClaimedBytesMax;
    if (isDoubtful) {
      whole = readWhole(feed, kUnsizedBytesMax);
      FileFeed original = std::exchange(feed, feedOf(whole));
      if (whole.size() == item.size) {
        feed.kind = original.kind;
        feed.check = original.check;
      } else {
        item.size = item.allocatedBytes = whole.size();
      }
    }
    FileFeed counted = feed;
    counted.next = [this, &feed](size_t bytesMax) {
      requireTime();
      FilePiece piece = feed.next(bytesMax);
      count(piece.bytes.size());
      return piece;
    };
    ++result_.files;
    result_.bytes += item.size;
    return target_->addFile(item, counted);
  }

  void count(size_t bytes) {
    if (options_.progress) options_.progress(bytes);
  }

  std::string operation_;
  const CopyOptions& options_;
  muster::SteadyTime until_;
  // Null: whatever the target has is replaced.
  std::unique_ptr<TargetTree> there_;
  std::unique_ptr<CopySource> source_;
  std::unique_ptr<CopyTarget> target_;
  const bool dropsPrivileges_;

  // The first name of each file with several, by device and inode, until all have been met.
  struct FirstName {
    std::string path;
    uint64_t others = 0;
  };
  std::map<std::pair<uint64_t, uint64_t>, FirstName> names_;

  // The directories that were met, if the target is compared.
  struct Directory {
    TreeItem item;
    bool isWritten = false;
  };
  std::map<std::string, Directory> directories_;
  muster::TransferResult result_;
};

}  // namespace

muster::TransferResult copy(const CopyEnd& source, const CopyEnd& target,
                            const CopyOptions& options, muster::SteadyTime until) {
  return Copy(source, target, options, until).run();
}

muster::TransferResult copyInto(std::unique_ptr<CopyTarget> target, const CopyEnd& source,
                                const std::string& path, const CopyOptions& options,
                                muster::SteadyTime until) {
  return Copy(source, {nullptr, path}, options, until, std::move(target)).run();
}

}  // namespace harness
