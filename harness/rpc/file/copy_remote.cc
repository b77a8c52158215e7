// A node's side of a copy: reads and writes files and trees on nodes, and touches no local file.
#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

#include "harness/rpc/file/copy_ends.h"
#include "harness/rpc/file/files.h"
#include "harness/rpc/file/send_window.h"
#include "harness/rpc/file/transfer.h"
#include "harness/values/failure_text.h"

namespace harness {
namespace {

using Kind = muster::NodeError::Kind;

constexpr int kLinksFollowedMax = 40;
constexpr uint64_t kBatchBytesMax = 256 << 10;
constexpr size_t kBatchItemsMax = 500;

std::string parentOf(const std::string& path) {
  return path.substr(0, path.find_last_of('/') + 1);
}

// Tells whether a path that a peer sent stays below the root, as it must.
bool staysBelow(const std::string& path) {
  return !path.empty() && path.front() != '/' &&
         ("/" + path + "/").find("/../") == std::string::npos;
}

// Reads one file of a node from its begin to its end, several chunks ahead, while the node computes
// its digest.
class RemoteReader {
 public:
  // `size` 0: the file does not tell it.
  RemoteReader(ControllerNode& node, std::string path, uint64_t size, muster::SteadyTime until)
      : node_(node), path_(std::move(path)), size_(size), until_(until) {}

  // Returns the next bytes. Empty: the end. An offset that is not the next one drops the questions
  // that are under way and begins anew there; otherwise the window is kept full. A node that gives
  // less than it was asked for sets the size of the further questions.
  std::string read(uint64_t offset, size_t bytesMax) {
    chunkBytes_ = std::min(chunkBytes_, bytesMax);
    if (ahead_.empty() || ahead_.front().offset != offset || ahead_.front().bytes > bytesMax) {
      ahead_.clear();
      next_ = offset;
      ask();
    }
    while (next_ < size_ && window_.allows(ahead_.size())) ask();
    Asked asked = std::move(ahead_.front());
    ahead_.pop_front();
    FilePart part = asked.answer.wait(until_);
    window_.note(now() - asked.at);
    requireVersion(part);
    version_ = part.version;
    bool isPart = !part.bytes.empty() && offset + part.bytes.size() < part.size;
    if (isPart) chunkBytes_ = std::min(chunkBytes_, part.bytes.size());
    return std::move(part.bytes);
  }

  void check(const std::string& sha256) {
    if (size_ == 0) return;
    std::string digest = digest_ ? digest_->wait(until_) : rpc::Files(node_).digest(path_, until_);
    // The digest may be older than the last chunk, so that the version is compared once more.
    if (digest_) requireVersion(readPart(node_, path_, size_, 1, until_));
    if (digest != sha256) throw error(Kind::kCorrupt, "the digest differs, or it was changed");
  }

 private:
  struct Asked {
    uint64_t offset;
    size_t bytes;
    muster::SteadyTime at;
    Answer<FilePart> answer;
  };

  static muster::SteadyTime now() { return std::chrono::steady_clock::now(); }

  void ask() {
    auto answer = beginRead(node_, path_, next_, chunkBytes_, until_);
    ahead_.push_back({next_, chunkBytes_, now(), std::move(answer)});
    next_ += chunkBytes_;
    if (next_ < size_ && !digest_) digest_.emplace(beginDigest(node_, path_, until_));
  }

  void requireVersion(const FilePart& part) const {
    if (part.size == 0 || version_.empty() || version_ == part.version) return;
    throw error(Kind::kConflict, "was changed while it was being read");
  }

  muster::NodeError error(Kind kind, const std::string& text) const {
    return muster::NodeError(kind, node_.description().name, "copy " + harness::quoted(path_),
                             text);
  }

  ControllerNode& node_;
  std::string path_;
  uint64_t size_;
  muster::SteadyTime until_;
  std::string version_;
  size_t chunkBytes_ = kChunkBytes;
  SendWindow window_;
  std::deque<Asked> ahead_;
  uint64_t next_ = 0;
  std::optional<Answer<std::string>> digest_;
};

class RemoteSource final : public CopySource {
 public:
  RemoteSource(ControllerNode& node, std::string path, muster::SteadyTime until)
      : node_(node), root_(std::move(path)), until_(until) {}

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
    item.sparse = stat->allocatedBytes < stat->size;
    item.modifiedNs =
        std::chrono::duration_cast<std::chrono::nanoseconds>(stat->modified.time_since_epoch())
            .count();
    item.attributes = rpc::Files(node_).attributes(root_, until_);
    return item;
  }

  std::vector<TreeItem> next() override {
    if (ended_) return {};
    TreePage page = walkPage(node_, root_, after_, until_);
    for (const TreeItem& item : page.items) {
      if (!staysBelow(item.path)) {
        throw error(Kind::kCorrupt, "the node names a path outside: " + harness::quoted(item.path));
      }
    }
    ended_ = !page.more || page.items.empty();
    // A node that sends one page again and again would keep the copy here for ever.
    if (!ended_ && page.items.back().path == after_) {
      throw error(Kind::kCorrupt, "the node repeats " + harness::quoted(after_));
    }
    if (!page.items.empty()) after_ = page.items.back().path;
    return std::move(page.items);
  }

  FileFeed open(const TreeItem& item) override {
    std::string path = item.path.empty() ? root_ : root_ + "/" + item.path;
    // The two functions of the feed own the reader.
    auto reader = std::make_shared<RemoteReader>(node_, path, item.size, until_);
    FileFeed feed;
    feed.read = [reader](uint64_t offset, size_t bytesMax) {
      return reader->read(offset, bytesMax);
    };
    feed.check = [reader](const std::string& sha256) { reader->check(sha256); };
    return feed;
  }

 private:
  muster::NodeError error(Kind kind, const std::string& text) const {
    return muster::NodeError(kind, node_.description().name, "copy " + harness::quoted(root_),
                             text);
  }

  // Follows the root's symbolic links one by one: a copy of a link would copy no file.
  void follow() {
    for (int i = 0; i < kLinksFollowedMax; ++i) {
      auto stat = rpc::Files(node_).stat(root_, muster::SymlinkPolicy::kKeep, until_);
      if (!stat || stat->type != muster::FileType::kSymlink) return;
      std::string target = rpc::Files(node_).readLink(root_, until_);
      root_ = target.starts_with("/") ? target : parentOf(root_) + target;
    }
    throw error(Kind::kInvalid, "too many symbolic links");
  }

  ControllerNode& node_;
  std::string root_;
  muster::SteadyTime until_;
  std::string after_;
  bool ended_ = false;
};

class RemoteTarget final : public CopyTarget {
 public:
  RemoteTarget(ControllerNode& node, std::string path, const CopyOptions& options,
               muster::SteadyTime until)
      : node_(node), root_(std::move(path)), options_(options), until_(until) {}

  void makeRoot(const TreeItem& root) override {
    rpc::Files(node_).makeDirectory(root_, root.mode, options_.write.undo, until_);
  }

  void add(TreeItem item) override {
    batchBytes_ += item.content.size();
    prepare(item);
    batch_.push_back(std::move(item));
    if (batchBytes_ > kBatchBytesMax || batch_.size() >= kBatchItemsMax) flush();
  }

  std::string addFile(const TreeItem& given, const FileFeed& feed) override {
    // The directory of the file must be there.
    finish();
    TreeItem item = given;
    prepare(item);
    UploadOptions wanted;
    wanted.write = options_.write;
    wanted.sparse = item.sparse;
    bool keepsAll = options_.keep == CopyOptions::Keep::kAll || !item.path.empty();
    if (keepsAll) {
      wanted.write.mode = item.mode;
      wanted.attributes = item.attributes;
      wanted.modifiedNs = item.modifiedNs;
      if (wanted.write.user.empty() && wanted.write.group.empty()) {
        wanted.uid = std::to_string(item.uid);
        wanted.gid = std::to_string(item.gid);
      }
      if (wanted.write.user.empty()) wanted.write.user = nameOf(item.user, item.uid);
      if (wanted.write.group.empty()) wanted.write.group = nameOf(item.group, item.gid);
    }
    std::string path = item.path.empty() ? root_ : root_ + "/" + item.path;
    return upload(node_, path, item.size, feed, wanted, until_);
  }

  void finish() override {
    flush();
    settle();
  }

 private:
  // Sends the items that were kept back, one batch at a time, since a later one may need the
  // directories of an earlier one. The next batch is collected meanwhile.
  void flush() {
    settle();
    if (batch_.empty()) return;
    writing_.emplace(
        beginWriteTree(node_, root_, std::exchange(batch_, {}), options_.write, until_));
    batchBytes_ = 0;
  }

  void settle() {
    if (!writing_) return;
    Answer<bool> answer = std::move(*writing_);
    writing_.reset();
    answer.wait(until_);
  }

  static std::string nameOf(const std::string& name, uint32_t number) {
    return name.empty() ? std::to_string(number) : name;
  }

  void prepare(TreeItem& item) const {
    if (options_.write.mode && item.type == muster::FileType::kRegular) {
      item.mode = *options_.write.mode;
    }
    std::erase_if(item.attributes, [](const auto& entry) { return !isKeptAttribute(entry.first); });
  }

  ControllerNode& node_;
  std::string root_;
  const CopyOptions& options_;
  muster::SteadyTime until_;
  std::vector<TreeItem> batch_;
  uint64_t batchBytes_ = 0;
  std::optional<Answer<bool>> writing_;
};

}  // namespace

std::unique_ptr<CopySource> remoteSource(ControllerNode& node, const std::string& path,
                                         muster::SteadyTime until) {
  return std::make_unique<RemoteSource>(node, path, until);
}

std::unique_ptr<CopyTarget> remoteTarget(ControllerNode& node, const std::string& path,
                                         const CopyOptions& options, muster::SteadyTime until) {
  return std::make_unique<RemoteTarget>(node, path, options, until);
}

}  // namespace harness
