// This machine as the target of a copy: makes files and trees, and gives them all that is kept.
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/openat2.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include <muster/node_error.h>

#include "harness/rpc/file/copy_ends.h"
#include "harness/rpc/file/copy_local.h"
#include "harness/rpc/file/send_window.h"
#include "harness/rpc/file/staged_file.h"
#include "harness/values/failure_text.h"
#include "schema/support/base/block_digest.h"
#include "schema/support/base/file_metadata.h"

namespace harness {
namespace {

using Kind = muster::NodeError::Kind;

// The longest entry of a user or group that is read. One with more members is given its number.
constexpr size_t kAccountLineBytesMax = 64 << 10;
constexpr size_t kBlockBytes = support::BlockDigest::kBlockBytes;

// The largest content that is written in place with one call.
constexpr uint64_t kInPlaceAtOnceBytes = 256 << 10;

// The deepest tree that is removed; each level holds a descriptor.
constexpr size_t kRemoveDepthMax = 500;

// Opens a directory that is no link and no mount point.
int openPlain(int parent, const std::string& name) {
  open_how how{};
  how.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
  return static_cast<int>(::syscall(SYS_openat2, parent, name.c_str(), &how, sizeof how));
}

// Removes a file, or a directory with all below it. It follows no links and enters no other file
// system, as the agent does.
void removeBelow(int parent, const std::string& name, const std::string& path, size_t depth) {
  if (::unlinkat(parent, name.c_str(), 0) == 0 || errno == ENOENT) return;
  if (errno != EISDIR && errno != EPERM) failLocal(path);
  if (depth > kRemoveDepthMax) {
    errno = ELOOP;
    failLocal(path);
  }
  Fd directory = opened(openPlain(parent, name), path);
  std::string via = "/proc/self/fd/" + std::to_string(directory.get());
  std::vector<std::string> names;
  std::error_code failed;
  for (std::filesystem::directory_iterator entry(via, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    names.push_back(entry->path().filename().string());
  }
  if (failed) {
    errno = failed.value();
    failLocal(path);
  }
  for (const std::string& each : names) {
    removeBelow(directory.get(), each, path + "/" + each, depth + 1);
  }
  if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) failLocal(path);
}

// Opens directories below the root by descriptor, and never through a link, so that the names that
// a node sends do not reach beyond the root.
class LocalTarget final : public CopyTarget {
 public:
  LocalTarget(std::string path, const CopyOptions& options)
      : root_(std::move(path)), options_(options) {}

  void makeRoot(const TreeItem& root) override {
    bool made = ::mkdir(root_.c_str(), 0700) == 0;
    if (!made && errno != EEXIST) failLocal(root_);
    if (made || options_.root == CopyOptions::Root::kLikeSource) directories_.push_back(root);
  }

  void add(TreeItem item) override {
    if (!item.linkTo.empty()) {
      addHardLink(item);
      return;
    }
    if (item.type == muster::FileType::kRegular) {
      addFile(item, feedOf(item.content));
      return;
    }
    if (specialTypeOf(item.type) != 0) {
      addSpecial(item);
      return;
    }
    Place place = enter(item.path);
    if (item.type == muster::FileType::kDirectory) {
      bool made = ::mkdirat(place.directory.get(), place.name.c_str(), 0700) == 0;
      if (!made && errno != EEXIST) failLocal(place.path);
      directories_.push_back(std::move(item));
      return;
    }
    std::string temporary = temporaryName();
    if (::symlinkat(item.target.c_str(), place.directory.get(), temporary.c_str()) != 0) {
      failLocal(place.path);
    }
    giveOwner(item, place.directory.get(), temporary);
    setTime(item, place.directory.get(), temporary.c_str());
    publish(place, temporary);
  }

  // Fills a file that has no name yet, compares it with its source, gives it mode and owner, and
  // only then renames it to its place. A failure on the way leaves the old file as it was.
  std::string addFile(const TreeItem& item, const FileFeed& feed) override {
    Place place = enter(item.path);
    if (options_.write.way == muster::WriteWay::kInPlace) return writeInPlace(item, feed, place);

    int directory = place.directory.get();
    if (options_.what == CopyOptions::What::kFile) {
      requireReplaceable(directory, place.name, place.path);
    }
    StagedFile staged = openStaged(directory, keepsAll(item) ? 0600 : 0666, place.path);
    try {
      TransferDigest digest = fill(staged.file.get(), item, feed, place.path);
      feed.check(digest);
      dress(staged.file.get(), item, place);
      giveTemporaryName(staged, directory, place.path);
      publish(place, staged.name);
      return digest.content();
    } catch (...) {
      if (!staged.name.empty()) ::unlinkat(directory, staged.name.c_str(), 0);
      throw;
    }
  }

  std::vector<LeftOutItem> finish() override {
    for (auto item = directories_.rbegin(); item != directories_.rend(); ++item) {
      Place place = enter(item->path);
      int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | (item->path.empty() ? 0 : O_NOFOLLOW);
      Fd directory = opened(::openat(place.directory.get(), place.name.c_str(), flags), place.path);
      dress(directory.get(), *item, place);
    }
    return std::move(leftOut_);
  }

  void remove(const std::string& path) override {
    Place place = enter(path);
    removeBelow(place.directory.get(), place.name, place.path, 1);
  }

 private:
  struct Place {
    Fd directory;
    std::string name;

    // The path in messages.
    std::string path;
  };

  bool keepsAll(const TreeItem& item) const {
    return !item.path.empty() || options_.keep == CopyOptions::Keep::kAll ||
           options_.what == CopyOptions::What::kTree;
  }

  Place enter(const std::string& relative) const {
    std::string path = relative.empty() ? root_ : root_ + "/" + relative;
    std::string within = relative;
    std::string base = root_;
    if (relative.empty()) {
      // The root itself may be reached through whatever links the caller has.
      size_t slash = root_.find_last_of('/');
      base = slash == std::string::npos ? "." : slash == 0 ? "/" : root_.substr(0, slash);
      within = slash == std::string::npos ? root_ : root_.substr(slash + 1);
    }
    Fd top = opened(::open(base.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC), path);
    size_t slash = within.find_last_of('/');
    if (slash == std::string::npos) return {std::move(top), nameOf(within, path), path};
    open_how how{};
    how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
    std::string parent = within.substr(0, slash);
    Fd directory = opened(
        static_cast<int>(::syscall(SYS_openat2, top.get(), parent.c_str(), &how, sizeof how)),
        path);
    return {std::move(directory), nameOf(within.substr(slash + 1), path), path};
  }

  // Returns the last component. The kernel refuses ".." among the others.
  static std::string nameOf(const std::string& name, const std::string& path) {
    if (!name.empty() && name != "." && name != "..") return name;
    throw muster::NodeError(Kind::kCorrupt, "", "copy", inQuotes(path) + ": is no name of a file");
  }

  TransferDigest fill(int file, const TreeItem& item, const FileFeed& feed,
                      const std::string& path) {
    TransferDigest digest(feed.kind, std::nullopt, item.size);
    while (true) {
      FilePiece piece = feed.next(kChunkBytes);
      if (piece.bytes.empty()) {
        digest.end(piece.offset);
        if (::ftruncate(file, static_cast<off_t>(piece.offset)) != 0) failLocal(path);
        return digest;
      }
      digest.add(piece.offset, piece.bytes);
      write(file, piece.bytes, piece.offset, item.sparse() ? Zeros::kLeftOut : Zeros::kWritten,
            path);
    }
  }

  enum class Zeros { kWritten, kLeftOut };

  // Writes bytes, perhaps without whole blocks of zeros.
  static void write(int file, const std::string& bytes, uint64_t offset, Zeros zeros,
                    const std::string& path) {
    auto all = kj::arrayPtr(reinterpret_cast<const kj::byte*>(bytes.data()), bytes.size());
    for (size_t at = 0; at < bytes.size();) {
      size_t size = bytes.size() - at;
      if (zeros == Zeros::kLeftOut) {
        size = std::min<size_t>(size, kBlockBytes - (offset + at) % kBlockBytes);
        if (support::isZeros(all.slice(at, at + size))) {
          at += size;
          continue;
        }
      }
      ssize_t count = ::pwrite(file, bytes.data() + at, size, static_cast<off_t>(offset + at));
      if (count < 0) failLocal(path);
      at += static_cast<size_t>(count);
    }
  }

  // Writes into the file that is there once all of the new content is here and checked. A small
  // one goes with one write: each is a value of its own to a file of /proc/sys or /sys.
  std::string writeInPlace(const TreeItem& item, const FileFeed& feed, const Place& place) {
    std::string small;
    Fd staged;
    if (item.size > kInPlaceAtOnceBytes) {
      int file = ::openat(place.directory.get(), ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
      staged = opened(file, place.path);
    }
    TransferDigest digest(feed.kind, std::nullopt, item.size);
    if (staged.get() >= 0) {
      digest = fill(staged.get(), item, feed, place.path);
    } else {
      small = readWhole(feed, kInPlaceAtOnceBytes);
      digest.add(0, small);
    }
    feed.check(digest);
    Fd target = opened(::openat(place.directory.get(), place.name.c_str(),
                                O_WRONLY | O_TRUNC | O_NONBLOCK | O_NOCTTY | O_CLOEXEC),
                       place.path);
    if (staged.get() < 0) writeAll(target.get(), small, place.path);
    for (uint64_t at = 0; staged.get() >= 0 && at < item.size;) {
      std::string piece(kChunkBytes, '\0');
      ssize_t count = ::pread(staged.get(), piece.data(), piece.size(), static_cast<off_t>(at));
      if (count < 0) failLocal(place.path);
      piece.resize(static_cast<size_t>(count));
      if (piece.empty()) break;
      writeAll(target.get(), piece, place.path);
      at += piece.size();
    }
    return digest.content();
  }

  static void writeAll(int file, const std::string& bytes, const std::string& path) {
    for (size_t at = 0; at < bytes.size();) {
      ssize_t count = ::write(file, bytes.data() + at, bytes.size() - at);
      if (count < 0) failLocal(path + " (written in place, a part of it may be new)");
      at += static_cast<size_t>(count);
    }
  }

  void addHardLink(const TreeItem& item) {
    Place first = enter(item.linkTo);
    Place place = enter(item.path);
    std::string temporary = temporaryName();
    if (::linkat(first.directory.get(), first.name.c_str(), place.directory.get(),
                 temporary.c_str(), 0) != 0) {
      // The other name of a special file that was left out is not there.
      if (errno != ENOENT || specialTypeOf(item.type) == 0) failLocal(place.path);
      leftOut_.push_back({item.path, strerrordesc_np(errno)});
      return;
    }
    publish(place, temporary);
    // rename(2) leaves both names if they are the same file already.
    ::unlinkat(place.directory.get(), temporary.c_str(), 0);
  }

  void addSpecial(const TreeItem& item) {
    Place place = enter(item.path);
    std::string temporary = temporaryName();
    int directory = place.directory.get();
    if (::mknodat(directory, temporary.c_str(), specialTypeOf(item.type) | 0600,
                  item.specialDevice) != 0) {
      leftOut_.push_back({item.path, strerrordesc_np(errno)});
      return;
    }
    giveOwner(item, directory, temporary);
    if (::fchmodat(directory, temporary.c_str(), item.mode, 0) != 0) failLocal(place.path);
    std::string via = "/proc/self/fd/" + std::to_string(directory) + "/" + temporary;
    setAttributes({-1, via}, item, place);
    setTime(item, directory, temporary.c_str());
    publish(place, temporary);
  }

  // Keeps numbers by name, each looked up once, since that reads the whole user database.
  class Numbers {
   public:
    template <typename Look>
    uint32_t of(const std::string& name, uint32_t otherwise, Look look) {
      if (name.empty()) return otherwise;
      auto found = known_.find(name);
      if (found == known_.end()) found = known_.emplace(name, look(name.c_str())).first;
      return found->second.value_or(otherwise);
    }

   private:
    std::map<std::string, std::optional<uint32_t>> known_;
  };

  // Gives the owner by name where this machine knows it, because numbers differ between machines.
  // Only root can.
  void giveOwner(const TreeItem& item, int directory, const std::string& name) {
    if (::geteuid() != 0) return;
    // These are the variants with a buffer, since several copies may run at once.
    std::array<char, kAccountLineBytesMax> line;
    auto lookUser = [&](const char* user) -> std::optional<uint32_t> {
      passwd entry;
      passwd* found = nullptr;
      ::getpwnam_r(user, &entry, line.data(), line.size(), &found);
      return found == nullptr ? std::nullopt : std::optional<uint32_t>(found->pw_uid);
    };
    auto lookGroup = [&](const char* owning) -> std::optional<uint32_t> {
      struct group entry;
      struct group* found = nullptr;
      ::getgrnam_r(owning, &entry, line.data(), line.size(), &found);
      return found == nullptr ? std::nullopt : std::optional<uint32_t>(found->gr_gid);
    };
    if (::fchownat(directory, name.c_str(), users_.of(item.user, item.uid, lookUser),
                   groups_.of(item.group, item.gid, lookGroup),
                   AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0) {
      failLocal(item.path);
    }
  }

  // Sets the time of a name in a directory, or of the open file if `name` is null.
  static void setTime(const TreeItem& item, int file, const char* name) {
    int64_t ns = timeOf(item);
    errno = support::setModified(file, name, ns);
    // Some file systems have no times of links.
    if (errno == 0 || (name != nullptr && errno == EOPNOTSUPP)) return;
    if (errno != ERANGE) failLocal(item.path);
    throw muster::NodeError(Kind::kUnsupported, "", "copy",
                            "local " + inQuotes(item.path) +
                                ": its file system cannot hold the time @" +
                                std::to_string(support::timespecOf(ns).tv_sec));
  }

  // The file whose attributes are set: an open one, or a path where it cannot be opened.
  struct AttributeFile {
    int file = -1;
    std::string path;

    ssize_t list(char* names, size_t size) const {
      return path.empty() ? ::flistxattr(file, names, size)
                          : ::llistxattr(path.c_str(), names, size);
    }
    bool set(const std::string& name, const std::string& value) const {
      int result = path.empty()
                       ? ::fsetxattr(file, name.c_str(), value.data(), value.size(), 0)
                       : ::lsetxattr(path.c_str(), name.c_str(), value.data(), value.size(), 0);
      return result == 0;
    }
    bool remove(const std::string& name) const {
      return (path.empty() ? ::fremovexattr(file, name.c_str())
                           : ::lremovexattr(path.c_str(), name.c_str())) == 0;
    }
  };

  // Sets the attributes of a file, and removes others of the kind that is kept, such as an ACL that
  // it inherited.
  static void setAttributes(const AttributeFile& to, const TreeItem& item, const Place& place) {
    char names[kAttributeBytesMax];
    ssize_t size = to.list(names, sizeof names);
    for (ssize_t at = 0; at < size;) {
      std::string name = names + at;
      at += static_cast<ssize_t>(name.size()) + 1;
      if (!support::isKeptAttribute(name) || item.attributes.contains(name)) continue;
      if (!to.remove(name) && errno != ENODATA) {
        failLocal(place.path + " (attribute " + name + ")");
      }
    }
    for (const auto& [name, value] : item.attributes) {
      if (!support::isKeptAttribute(name)) continue;
      bool set = to.set(name, value);
      // A file system without attributes gets none, and only root can give capabilities.
      if (!set && errno != EOPNOTSUPP && !(errno == EPERM && name == "security.capability")) {
        failLocal(place.path + " (attribute " + name + ")");
      }
    }
  }

  // The owner comes first, because changing it clears setuid bits and capabilities; the times come
  // last.
  void dress(int file, const TreeItem& item, const Place& place) {
    if (!keepsAll(item)) return;
    giveOwner(item, file, "");
    if (::fchmod(file, item.mode) != 0) failLocal(place.path);
    setAttributes({file, ""}, item, place);
    setTime(item, file, nullptr);
  }

  void publish(const Place& place, const std::string& temporary) const {
    publishStaged(place.directory.get(), temporary, place.name, options_.write.existing,
                  place.path);
  }

  std::string root_;
  const CopyOptions& options_;
  Numbers users_;
  Numbers groups_;

  // Directories that get their mode and times when nothing is put into them any more.
  std::vector<TreeItem> directories_;
  std::vector<LeftOutItem> leftOut_;
};

}  // namespace

std::unique_ptr<CopyTarget> localTarget(const std::string& path, const CopyOptions& options) {
  return std::make_unique<LocalTarget>(path, options);
}

}  // namespace harness
