#include "harness/rpc/file/copy.h"

#include <muster/node_error.h>

#include "harness/rpc/controller_node.h"
#include "harness/rpc/file/copy_ends.h"
#include "harness/values/failure_text.h"

namespace harness {
namespace {

using Kind = muster::NodeError::Kind;

// The most bytes of a file that does not tell its size, such as those in /proc: it is held whole.
constexpr size_t kUnsizedBytesMax = 64 << 20;
constexpr size_t kPieceBytes = 256 << 10;

std::string endText(const CopyEnd& end) {
  return (end.node == nullptr ? "" : end.node->description().name + ":") + end.path;
}

class Copy {
 public:
  Copy(const CopyEnd& source, const CopyEnd& target, const CopyOptions& options,
       muster::SteadyTime until)
      : operation_("copy " + harness::quoted(endText(source)) + " to " +
                   harness::quoted(endText(target))),
        options_(options),
        until_(until),
        source_(source.node == nullptr ? localSource(source.path, until)
                                       : remoteSource(*source.node, source.path, until)),
        target_(target.node == nullptr ? localTarget(target.path, options)
                                       : remoteTarget(*target.node, target.path, options, until)),
        dropsPrivileges_(source.node != nullptr && target.node == nullptr &&
                         options.privileges == CopyOptions::Privileges::kDrop) {}

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
    for (auto page = source_->next(); !page.empty(); page = source_->next()) {
      for (TreeItem& item : page) {
        disarm(item);
        add(std::move(item));
      }
    }
    target_->finish();
    return result_;
  }

 private:
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

  void add(TreeItem item) {
    requireTime();
    switch (item.type) {
      case muster::FileType::kRegular:
        if (!item.hasContent) {
          addFile(item);
          return;
        }
        count(item.content.size());
        ++result_.files;
        break;
      case muster::FileType::kDirectory:
      case muster::FileType::kSymlink:
        break;
      default:
        ++result_.leftOut;
        return;
    }
    target_->add(std::move(item));
  }

  // A file of size 0 may be one that does not tell its size. It is read whole first, because a
  // target has to know the size before the first byte; its source has no digest to compare.
  std::string addFile(TreeItem item) {
    FileFeed feed = source_->open(item);
    std::string whole;
    if (item.size == 0) {
      whole = readUnsized(feed);
      item.size = whole.size();
      if (!whole.empty()) {
        feed.check = [](const std::string&) {};
        feed.read = [&whole](uint64_t offset, size_t bytesMax) {
          return whole.substr(std::min<uint64_t>(offset, whole.size()), bytesMax);
        };
      }
    }
    FileFeed counted{[this, &feed](uint64_t offset, size_t bytesMax) {
                       requireTime();
                       std::string bytes = feed.read(offset, bytesMax);
                       count(bytes.size());
                       return bytes;
                     },
                     feed.check};
    ++result_.files;
    return target_->addFile(item, counted);
  }

  std::string readUnsized(const FileFeed& feed) const {
    std::string whole;
    while (true) {
      requireTime();
      std::string bytes = feed.read(whole.size(), kPieceBytes);
      if (bytes.empty()) return whole;
      whole += bytes;
      if (whole.size() > kUnsizedBytesMax) {
        throw error(Kind::kInvalid, "the source does not tell its size and has over 64 MiB");
      }
    }
  }

  void count(size_t bytes) {
    result_.bytes += bytes;
    if (options_.progress) options_.progress(bytes);
  }

  std::string operation_;
  const CopyOptions& options_;
  muster::SteadyTime until_;
  std::unique_ptr<CopySource> source_;
  std::unique_ptr<CopyTarget> target_;
  const bool dropsPrivileges_;
  muster::TransferResult result_;
};

}  // namespace

muster::TransferResult copy(const CopyEnd& source, const CopyEnd& target,
                            const CopyOptions& options, muster::SteadyTime until) {
  return Copy(source, target, options, until).run();
}

}  // namespace harness
