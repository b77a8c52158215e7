// This machine as the source of a copy: lists a tree and reads its files, without their holes.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <map>
#include <memory>
#include <utility>

#include <muster/node_error.h>

#include "harness/rpc/file/copy_ends.h"
#include "harness/rpc/file/copy_local.h"
#include "harness/values/failure_text.h"
#include "schema/support/base/file_metadata.h"

namespace harness {
namespace {

using Kind = muster::NodeError::Kind;

constexpr uint64_t kInlineFileBytesMax = 64 << 10;
constexpr size_t kPageFilesMax = 500;

std::map<std::string, std::string> attributesOf(const std::string& path) {
  std::map<std::string, std::string> attributes;
  char names[kAttributeBytesMax];
  ssize_t size = ::llistxattr(path.c_str(), names, sizeof names);
  for (ssize_t at = 0; at < size;) {
    std::string name = names + at;
    at += static_cast<ssize_t>(name.size()) + 1;
    if (!support::isKeptAttribute(name)) continue;
    std::string value(kAttributeBytesMax, '\0');
    ssize_t length = ::lgetxattr(path.c_str(), name.c_str(), value.data(), value.size());
    if (length >= 0) attributes.emplace(name, value.substr(0, static_cast<size_t>(length)));
  }
  return attributes;
}

muster::FileType typeOf(mode_t mode) {
  if (S_ISREG(mode)) return muster::FileType::kRegular;
  if (S_ISDIR(mode)) return muster::FileType::kDirectory;
  if (S_ISLNK(mode)) return muster::FileType::kSymlink;
  if (S_ISFIFO(mode)) return muster::FileType::kFifo;
  if (S_ISSOCK(mode)) return muster::FileType::kSocket;
  if (S_ISCHR(mode)) return muster::FileType::kCharacter;
  if (S_ISBLK(mode)) return muster::FileType::kBlock;
  return muster::FileType::kUnspecified;
}

// Reads an open file piece by piece, without its holes.
class LocalReader {
 public:
  LocalReader(Fd file, std::string path) : file_(std::move(file)), path_(std::move(path)) {
    if (::fstat(file_.get(), &before_) != 0) failLocal(path_);
    size_ = static_cast<uint64_t>(before_.st_size);
    if (static_cast<uint64_t>(before_.st_blocks) * kStatBlockBytes >= size_) dataEnd_ = UINT64_MAX;
  }

  FilePiece next(size_t bytesMax) {
    if (at_ >= dataEnd_ && !findData()) return {at_, ""};
    uint64_t most = std::min<uint64_t>(bytesMax, dataEnd_ - at_);
    // The buffer holds the bytes that are left and one more, by which a grown file shows itself.
    if (at_ < size_) most = std::min(most, size_ - at_ + 1);
    FilePiece piece{at_, std::string(static_cast<size_t>(most), '\0')};
    ssize_t count =
        ::pread(file_.get(), piece.bytes.data(), piece.bytes.size(), static_cast<off_t>(at_));
    if (count < 0) failLocal(path_);
    piece.bytes.resize(static_cast<size_t>(count));
    at_ += piece.bytes.size();
    return piece;
  }

  void check() const {
    struct stat now;
    if (::fstat(file_.get(), &now) != 0) failLocal(path_);
    if (now.st_size == before_.st_size && now.st_mtim.tv_sec == before_.st_mtim.tv_sec &&
        now.st_mtim.tv_nsec == before_.st_mtim.tv_nsec) {
      return;
    }
    throw muster::NodeError(Kind::kConflict, "", "copy",
                            "local " + inQuotes(path_) + ": was changed while it was being read");
  }

 private:
  // The unit of st_blocks, whatever the file system's blocks are.
  static constexpr uint64_t kStatBlockBytes = 512;

  // Moves to the next data. False: there is none, and at_ is the end of the file.
  bool findData() {
    off_t begin = ::lseek(file_.get(), static_cast<off_t>(at_), SEEK_DATA);
    if (begin < 0 && errno == ENXIO) {
      at_ = std::max(at_, size_);
      return false;
    }
    off_t end = begin < 0 ? -1 : ::lseek(file_.get(), begin, SEEK_HOLE);
    if (end >= 0) {
      at_ = static_cast<uint64_t>(begin);
      dataEnd_ = static_cast<uint64_t>(end);
    } else if (errno == EINVAL || errno == EOPNOTSUPP) {
      dataEnd_ = UINT64_MAX;  // The file system knows nothing of holes.
    } else {
      failLocal(path_);
    }
    return true;
  }

  Fd file_;
  std::string path_;
  struct stat before_ = {};
  uint64_t size_ = 0;
  uint64_t at_ = 0;

  // The end of the data that at_ is in. UINT64_MAX: all is data.
  uint64_t dataEnd_ = 0;
};

class LocalSource final : public CopySource {
 public:
  LocalSource(std::string path, muster::SteadyTime until, Wants wants)
      : root_(std::move(path)), until_(until), wants_(std::move(wants)) {}

  TreeItem root() override {
    std::string real(PATH_MAX, '\0');
    if (::realpath(root_.c_str(), real.data()) == nullptr) failLocal(root_);
    root_ = real.c_str();
    TreeItem item = itemOf("");
    // What cannot be listed shows before the target is touched.
    if (item.type == muster::FileType::kDirectory) collect("");
    return item;
  }

  std::vector<TreeItem> next() override {
    std::vector<TreeItem> page;
    for (; at_ < paths_.size() && page.size() < kPageFilesMax; ++at_) {
      TreeItem& item = page.emplace_back(itemOf(paths_[at_]));
      item.hasContent = item.type == muster::FileType::kRegular &&
                        item.size <= kInlineFileBytesMax && item.size > 0 && !item.sparse() &&
                        wants_(item);
      if (!item.hasContent) continue;
      LocalReader reader = readerOf(item);
      item.content = reader.next(kInlineFileBytesMax).bytes;
      reader.check();
    }
    return page;
  }

  FileFeed open(const TreeItem& item) override {
    // The two functions of the feed own the reader.
    auto reader = std::make_shared<LocalReader>(readerOf(item));
    FileFeed feed;
    feed.next = [reader](size_t bytesMax) { return reader->next(bytesMax); };
    feed.check = [reader](const TransferDigest&) { reader->check(); };
    return feed;
  }

 private:
  std::string pathOf(const std::string& relative) const {
    return relative.empty() ? root_ : root_ + "/" + relative;
  }

  LocalReader readerOf(const TreeItem& item) const {
    std::string path = pathOf(item.path);
    int flags = O_RDONLY | O_CLOEXEC | (item.path.empty() ? 0 : O_NOFOLLOW);
    return LocalReader(opened(::open(path.c_str(), flags), path), path);
  }

  TreeItem itemOf(const std::string& relative) const {
    std::string path = pathOf(relative);
    struct stat status;
    if (::lstat(path.c_str(), &status) != 0) failLocal(path);
    TreeItem item;
    item.path = relative;
    item.type = typeOf(status.st_mode);
    item.mode = status.st_mode & 07777;
    item.uid = status.st_uid;
    item.gid = status.st_gid;
    item.size = static_cast<uint64_t>(status.st_size);
    item.allocatedBytes = static_cast<uint64_t>(status.st_blocks) * 512;
    item.links = status.st_nlink;
    item.device = status.st_dev;
    item.inode = status.st_ino;
    if (specialTypeOf(item.type) != 0) item.specialDevice = status.st_rdev;
    item.modifiedNs = support::nanosecondsOf(status.st_mtim);
    item.attributes = attributesOf(path);
    if (item.type == muster::FileType::kSymlink) {
      char target[PATH_MAX];
      ssize_t length = ::readlink(path.c_str(), target, sizeof target);
      if (length < 0) failLocal(path);
      item.target.assign(target, static_cast<size_t>(length));
    }
    return item;
  }

  // Refuses a tree with paths that no system call takes.
  static void requireShortNames(const std::string& path) {
    std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), ::closedir);
    while (const dirent* entry = directory ? ::readdir(directory.get()) : nullptr) {
      size_t size = path.size() + 1 + strlen(entry->d_name);
      if (size < PATH_MAX) continue;
      throw muster::NodeError(Kind::kInvalid, "", "copy",
                              "local " + inQuotes(path) + ": a path below it has " +
                                  std::to_string(size) + " bytes, and at most " +
                                  std::to_string(PATH_MAX - 1) + " can be copied");
    }
  }

  // Collects parents before children, in byte order, so that two copies of one tree do the same.
  void collect(const std::string& below) {
    if (std::chrono::steady_clock::now() >= until_) {
      throw muster::NodeError(Kind::kTimeout, "", "copy",
                              "local " + inQuotes(root_) + ": not listed in the time allowed");
    }
    std::string path = pathOf(below);
    if (path.size() + 1 + NAME_MAX >= PATH_MAX) requireShortNames(path);
    std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), ::closedir);
    if (!directory) failLocal(path);
    std::vector<std::pair<std::string, bool>> names;
    while (const dirent* entry = ::readdir(directory.get())) {
      std::string name = entry->d_name;
      if (name == "." || name == "..") continue;
      struct stat status;
      std::string full = path + "/" + name;
      if (::lstat(full.c_str(), &status) != 0) failLocal(full);
      names.emplace_back(name, S_ISDIR(status.st_mode));
    }
    std::sort(names.begin(), names.end());
    for (const auto& [name, isDirectory] : names) {
      paths_.push_back(below.empty() ? name : below + "/" + name);
      if (isDirectory) collect(std::string(paths_.back()));
    }
  }

  std::string root_;
  muster::SteadyTime until_;
  Wants wants_;
  std::vector<std::string> paths_;
  size_t at_ = 0;
};

}  // namespace

std::unique_ptr<CopySource> localSource(const std::string& path, muster::SteadyTime until,
                                        Wants wants) {
  return std::make_unique<LocalSource>(path, until, std::move(wants));
}

}  // namespace harness
