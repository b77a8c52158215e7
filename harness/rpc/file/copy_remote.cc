// A node's side of a copy: reads and writes files and trees on nodes, and touches no local file.
#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

#include "harness/rpc/file/copy_ends.h"
#include "harness/rpc/file/file_wire.h"
#include "harness/rpc/file/files.h"
#include "harness/rpc/file/send_window.h"
#include "harness/rpc/file/transfer.h"
#include "harness/values/failure_text.h"
#include "schema/support/base/file_metadata.h"
#include "schema/support/base/id.h"

namespace harness {
namespace {

using Kind = muster::NodeError::Kind;

constexpr int kLinksFollowedMax = 40;
constexpr uint64_t kBatchBytesMax = 256 << 10;
constexpr size_t kBatchItemsMax = 500;

std::string placeOf(const std::string& path) {
  return path.substr(0, path.find_last_of('/') + 1);
}

// Tells whether a path that a peer sent stays below the root, as it must.
bool staysBelow(const std::string& path) {
  return !path.empty() && path.front() != '/' &&
         ("/" + path + "/").find("/../") == std::string::npos;
}

// Reads one file of a node from its begin to its end, several chunks ahead, while the node computes
// its digest. With DigestKind::kBlocks, the holes of the file are not asked for.
class RemoteReader {
 public:
  // `size` 0: the file does not tell it.
  RemoteReader(ControllerNode& node, std::string path, uint64_t size, DigestKind kind,
               muster::SteadyTime until)
      : node_(node),
        path_(std::move(path)),
        size_(size),
        kind_(kind),
        until_(until),
        moreExtents_(kind == DigestKind::kBlocks) {}

  // Returns the next piece. The window is kept full. A node that gives less than it was asked for
  // sets the size of the further questions.
  FilePiece next(size_t bytesMax) {
    chunkBytes_ = std::min(chunkBytes_, bytesMax);
    if (!ahead_.empty() && ahead_.front().bytes > bytesMax) askAnewFrom(ahead_.front().offset);
    while (hasMore() && window_.allows(ahead_.size())) ask();
    if (ahead_.empty() && size_ > 0) return {size_, ""};
    // A file that does not tell its size is read until nothing comes.
    if (ahead_.empty()) ask();
    Asked asked = std::move(ahead_.front());
    ahead_.pop_front();
    FilePart part = asked.answer.wait(until_);
    window_.note(now() - asked.at);
    requireVersion(part.size, part.version);
    FilePiece piece{asked.offset, std::move(part.bytes)};
    uint64_t end = piece.offset + piece.bytes.size();
    while (!extents_.empty() && endOf(extents_.front()) <= end) extents_.pop_front();
    bool isPart = piece.bytes.size() < asked.bytes && (end < part.size || size_ == 0);
    if (isPart && !piece.bytes.empty()) {
      if (size_ > 0) chunkBytes_ = std::min(chunkBytes_, piece.bytes.size());
      askAnewFrom(end);
    }
    return piece;
  }

  void check(const TransferDigest& sent) {
    if (size_ == 0) return;
    bool wasAhead = digest_.has_value();
    if (!wasAhead) beginDigest();
    std::string digest = digest_->wait(until_);
    // The digest may be older than the last chunk, so that the version is compared once more.
    if (wasAhead) {
      FilePart last = readPart(node_, path_, size_, 1, until_);
      requireVersion(last.size, last.version);
    }
    support::Digest ours = sent.compared(kind_);
    if (digest == support::hex(kj::arrayPtr(ours.data(), ours.size()))) return;
    throw error(Kind::kCorrupt, "the digest differs, or it was changed");
  }

 private:
  struct Asked {
    uint64_t offset;
    size_t bytes;
    muster::SteadyTime at;
    Answer<FilePart> answer;
  };

  static muster::SteadyTime now() { return std::chrono::steady_clock::now(); }
  static uint64_t endOf(const Extent& extent) { return extent.offset + extent.size; }

  void beginDigest() { digest_.emplace(harness::beginDigest(node_, path_, kind_, until_)); }

  void askAnewFrom(uint64_t offset) {
    ahead_.clear();
    next_ = offset;
  }

  // Moves next_ over a hole. False: all of a file that tells its size was asked for.
  bool hasMore() {
    if (kind_ == DigestKind::kContent) return next_ < size_;
    while (true) {
      auto found = std::find_if(extents_.begin(), extents_.end(),
                                [&](const Extent& extent) { return endOf(extent) > next_; });
      if (found != extents_.end()) {
        next_ = std::max(next_, found->offset);
        dataEnd_ = endOf(*found);
        return true;
      }
      if (!moreExtents_) return false;
      ExtentPage page = extentsPage(node_, path_, next_, until_);
      requireVersion(page.size, page.version);
      if (page.size != size_) throw error(Kind::kConflict, "was changed before it was read");
      moreExtents_ = page.more && !page.extents.empty();
      extents_.insert(extents_.end(), page.extents.begin(), page.extents.end());
    }
  }

  void ask() {
    uint64_t bytes = kind_ == DigestKind::kContent
                         ? chunkBytes_
                         : std::min<uint64_t>(chunkBytes_, dataEnd_ - next_);
    auto answer = beginRead(node_, path_, next_, bytes, until_);
    ahead_.push_back({next_, static_cast<size_t>(bytes), now(), std::move(answer)});
    next_ += bytes;
    if (next_ < size_ && !digest_) beginDigest();
  }

  void requireVersion(uint64_t size, const std::string& version) {
    if (size > 0 && !version_.empty() && version_ != version) {
      throw error(Kind::kConflict, "was changed while it was being read");
    }
    version_ = version;
  }

  muster::NodeError error(Kind kind, const std::string& text) const {
    return muster::NodeError(kind, node_.description().name, "copy " + inQuotes(path_), text);
  }

  ControllerNode& node_;
  std::string path_;
  uint64_t size_;
  DigestKind kind_;
  muster::SteadyTime until_;
  std::string version_;
  size_t chunkBytes_ = kChunkBytes;
  SendWindow window_;
  std::deque<Asked> ahead_;
  uint64_t next_ = 0;

  // The data from next_ on as far as it is known, and whether the node can tell of more.
  std::deque<Extent> extents_;
  bool moreExtents_;

  // The end of the data that next_ is in.
  uint64_t dataEnd_ = 0;
  std::optional<Answer<std::string>> digest_;
};

class RemoteSource final : public CopySource {
 public:
  RemoteSource(ControllerNode& node, std::string path, muster::SteadyTime until, Contents contents)
      : node_(node), root_(std::move(path)), until_(until), contents_(contents) {}

  TreeItem root() override {
    follow();
    auto stat = rpc::Files(node_).stat(root_, muster::SymlinkPolicy::kKeep, until_);
    if (!stat) throw error(Kind::kNotFound, "no such file or directory");
    TreeItem item;
    item.type = stat->type;
    item.mode = stat->mode;
    item.uid = stat->uid;
    item.gid = stat->gid;
    item.user = stat->user;
    item.group = stat->group;
    item.size = stat->size;
    item.allocatedBytes = stat->allocatedBytes;
    item.modifiedNs = keptTime(
        std::chrono::duration_cast<std::chrono::nanoseconds>(stat->modified.time_since_epoch())
            .count());
    item.attributes = rpc::Files(node_).attributes(root_, until_);
    return item;
  }

  std::vector<TreeItem> next() override {
    if (ended_) return {};
    TreePage page = walkPage(node_, root_, after_, contents_, until_);
    for (const TreeItem& item : page.items) {
      if (!staysBelow(item.path)) {
        throw error(Kind::kCorrupt, "the node names a path outside: " + inQuotes(item.path));
      }
    }
    ended_ = !page.more || page.items.empty();
    // A node that sends one page again and again would keep the copy here for ever.
    if (!ended_ && page.items.back().path == after_) {
      throw error(Kind::kCorrupt, "the node repeats " + inQuotes(after_));
    }
    if (!page.items.empty()) after_ = page.items.back().path;
    return std::move(page.items);
  }

  FileFeed open(const TreeItem& item) override {
    std::string path = item.path.empty() ? root_ : root_ + "/" + item.path;
    bool skipsHoles = item.sparse() && protocolMinorOf(node_, until_) >= kFaithfulMinor;
    FileFeed feed;
    DigestKind kind = skipsHoles ? DigestKind::kBlocks : DigestKind::kContent;
    feed.kind = kind;
    // The two functions of the feed own the reader.
    auto reader = std::make_shared<RemoteReader>(node_, path, item.size, kind, until_);
    feed.next = [reader](size_t bytesMax) { return reader->next(bytesMax); };
    feed.check = [reader](const TransferDigest& digest) { reader->check(digest); };
    return feed;
  }

 private:
  muster::NodeError error(Kind kind, const std::string& text) const {
    return muster::NodeError(kind, node_.description().name, "copy " + inQuotes(root_), text);
  }

  // Follows the root's symbolic links one by one: a copy of a link would copy no file.
  void follow() {
    for (int i = 0; i < kLinksFollowedMax; ++i) {
      auto stat = rpc::Files(node_).stat(root_, muster::SymlinkPolicy::kKeep, until_);
      if (!stat || stat->type != muster::FileType::kSymlink) return;
      std::string target = rpc::Files(node_).readLink(root_, until_);
      root_ = target.starts_with("/") ? target : placeOf(root_) + target;
    }
    throw error(Kind::kInvalid, "too many symbolic links");
  }

  ControllerNode& node_;
  std::string root_;
  muster::SteadyTime until_;
  Contents contents_;
  std::string after_;
  bool ended_ = false;
};

class RemoteTarget final : public CopyTarget {
 public:
  RemoteTarget(ControllerNode& node, std::string path, const CopyOptions& options,
               muster::SteadyTime until)
      : node_(node), root_(std::move(path)), options_(options), until_(until) {}

  void makeRoot(const TreeItem& root) override {
    requireFaithful(node_, "copies of trees", until_);
    bool becomesAlike = options_.root == CopyOptions::Root::kLikeSource;
    bool isLeft = leavesAlone(root) || (!becomesAlike && isThere(root_));
    rpc::Files(node_).makeDirectory(root_, root.mode | kModeToFill, options_.write.undo, until_);
    if (!isLeft) finishLater(root);
  }

  void add(TreeItem item) override {
    prepare(item);
    if (item.type == muster::FileType::kDirectory) {
      if (!leavesAlone(item)) finishLater(item);
      // It gets the rest when nothing is put into it any more.
      item.mode |= kModeToFill;
      item.attributes.clear();
    }
    keepBack(std::move(item), Directories::kBegun);
  }

  std::string addFile(const TreeItem& given, const FileFeed& feed) override {
    // The directory of the file must be there.
    flush(Directories::kBegun);
    settle();
    TreeItem item = given;
    prepare(item);
    std::string path = pathOf(item);
    if (options_.write.way == muster::WriteWay::kInPlace) return writeInPlace(path, item, feed);
    UploadOptions wanted;
    wanted.write = options_.write;
    wanted.sparse = item.sparse();
    bool keepsAll = options_.keep == CopyOptions::Keep::kAll || !item.path.empty();
    if (keepsAll) {
      wanted.write.mode = item.mode;
      wanted.attributes = item.attributes;
      wanted.exactAttributes = true;
      wanted.modifiedNs = timeOf(item);
      if (wanted.write.user.empty() && wanted.write.group.empty()) {
        wanted.uid = std::to_string(item.uid);
        wanted.gid = std::to_string(item.gid);
      }
      if (wanted.write.user.empty()) wanted.write.user = nameOf(item.user, item.uid);
      if (wanted.write.group.empty()) wanted.write.group = nameOf(item.group, item.gid);
    }
    return upload(node_, path, item.size, feed, wanted, until_);
  }

  std::vector<LeftOutItem> finish() override {
    flush(Directories::kBegun);
    for (; !directories_.empty(); directories_.pop_back()) {
      keepBack(std::move(directories_.back()), Directories::kFinished);
    }
    flush(Directories::kFinished);
    settle();
    return std::move(leftOut_);
  }

  void remove(const std::string& path) override {
    rpc::Files(node_).remove(root_ + "/" + path, rpc::Removal::kTree, until_);
  }

 private:
  // What we need ourselves to put something into a directory.
  static constexpr uint32_t kModeToFill = 0700;

  std::string pathOf(const TreeItem& item) const {
    return item.path.empty() ? root_ : root_ + "/" + item.path;
  }

  bool isThere(const std::string& path) const {
    return rpc::Files(node_).stat(path, muster::SymlinkPolicy::kFollow, until_).has_value();
  }

  // Tells whether a directory stays as it is because the session's end could not take it back.
  bool leavesAlone(const TreeItem& item) const {
    return options_.write.undo != muster::UndoAt::kNever && isThere(pathOf(item));
  }

  void finishLater(TreeItem directory) {
    prepare(directory);
    directories_.push_back(std::move(directory));
  }

  void keepBack(TreeItem item, Directories directories) {
    batchBytes_ += item.content.size();
    for (const auto& [name, value] : item.attributes) batchBytes_ += value.size();
    batch_.push_back(std::move(item));
    if (batchBytes_ > kBatchBytesMax || batch_.size() >= kBatchItemsMax) flush(directories);
  }

  // Sends the items that were kept back, one batch at a time, since a later one may need the
  // directories of an earlier one. The next batch is collected meanwhile.
  void flush(Directories directories) {
    settle();
    if (batch_.empty()) return;
    writing_.emplace(beginWriteTree(node_, root_, std::exchange(batch_, {}), directories,
                                    options_.write, until_));
    batchBytes_ = 0;
  }

  void settle() {
    if (!writing_) return;
    Answer<std::vector<LeftOutItem>> answer = std::move(*writing_);
    writing_.reset();
    for (LeftOutItem& item : answer.wait(until_)) leftOut_.push_back(std::move(item));
  }

  // Files of /proc/sys and /sys take small contents only, and nothing beside them.
  std::string writeInPlace(const std::string& path, const TreeItem& item, const FileFeed& feed) {
    UploadOptions wanted;
    wanted.write = options_.write;
    wanted.sparse = item.sparse();
    if (item.size > rpc::kWriteAtOnceBytes) {
      return upload(node_, path, item.size, feed, wanted, until_);
    }
    std::string content = readWhole(feed, rpc::kWriteAtOnceBytes);
    TransferDigest digest(feed.kind, std::nullopt, content.size());
    digest.add(0, content);
    feed.check(digest);
    rpc::Files(node_).write(path, content, options_.write, until_);
    return digest.content();
  }

  static std::string nameOf(const std::string& name, uint32_t number) {
    return name.empty() ? std::to_string(number) : name;
  }

  void prepare(TreeItem& item) const {
    if (options_.write.mode && item.type == muster::FileType::kRegular) {
      item.mode = *options_.write.mode;
    }
    std::erase_if(item.attributes,
                  [](const auto& entry) { return !support::isKeptAttribute(entry.first); });
  }

  ControllerNode& node_;
  std::string root_;
  const CopyOptions& options_;
  muster::SteadyTime until_;
  std::vector<TreeItem> batch_;
  uint64_t batchBytes_ = 0;
  std::optional<Answer<std::vector<LeftOutItem>>> writing_;

  // Directories that get their modes and times when nothing is put into them any more.
  std::vector<TreeItem> directories_;
  std::vector<LeftOutItem> leftOut_;
};

}  // namespace

std::unique_ptr<CopySource> remoteSource(ControllerNode& node, const std::string& path,
                                         muster::SteadyTime until, Contents contents) {
  return std::make_unique<RemoteSource>(node, path, until, contents);
}

std::unique_ptr<CopyTarget> remoteTarget(ControllerNode& node, const std::string& path,
                                         const CopyOptions& options, muster::SteadyTime until) {
  return std::make_unique<RemoteTarget>(node, path, options, until);
}

}  // namespace harness
