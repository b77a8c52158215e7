// This machine's side of a copy: reads and writes local files and trees, and talks to no node.
#include <dirent.h>
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
#include <climits>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include <muster/node_error.h>

#include "harness/os/fd.h"
#include "harness/rpc/file/copy_ends.h"
#include "harness/rpc/file/send_window.h"
#include "harness/values/failure_text.h"
#include "schema/support/base/id.h"
#include "schema/support/base/sha256.h"

namespace harness {
namespace {

using Kind = muster::NodeError::Kind;

constexpr uint64_t kInlineBytesMax = 64 << 10;
constexpr size_t kPageItemsMax = 500;
constexpr size_t kAttributeBytesMax = 64 << 10;

// The longest entry of a user or group that is read. One with more members is given its number.
constexpr size_t kUserLineBytesMax = 64 << 10;
constexpr size_t kBlockBytes = 4096;

[[noreturn]] void failLocal(const std::string& path) {
  int number = errno;
  throw muster::NodeError(Kind::kSystem, "", "copy",
                          "local " + harness::quoted(path) + ": " + strerrordesc_np(number),
                          number);
}

Fd opened(int number, const std::string& path) {
  if (number < 0) failLocal(path);
  return Fd(number);
}

std::map<std::string, std::string> attributesOf(const std::string& path) {
  std::map<std::string, std::string> attributes;
  char names[kAttributeBytesMax];
  ssize_t size = ::llistxattr(path.c_str(), names, sizeof names);
  for (ssize_t at = 0; at < size;) {
    std::string name = names + at;
    at += static_cast<ssize_t>(name.size()) + 1;
    if (!isKeptAttribute(name)) continue;
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
  return muster::FileType::kUnspecified;
}

int64_t nanoseconds(const timespec& time) {
  return time.tv_sec * int64_t{1'000'000'000} + time.tv_nsec;
}

class LocalSource final : public CopySource {
 public:
  LocalSource(std::string path, muster::SteadyTime until) : root_(std::move(path)), until_(until) {}

  TreeItem root() override {
    std::string real(PATH_MAX, '\0');
    if (::realpath(root_.c_str(), real.data()) == nullptr) failLocal(root_);
    root_ = real.c_str();
    return itemOf("");
  }

  std::vector<TreeItem> next() override {
    if (!collected_) collect("");
    collected_ = true;
    std::vector<TreeItem> page;
    for (; at_ < paths_.size() && page.size() < kPageItemsMax; ++at_) {
      TreeItem& item = page.emplace_back(itemOf(paths_[at_]));
      item.hasContent = item.type == muster::FileType::kRegular && item.size <= kInlineBytesMax &&
                        item.size > 0 && !item.sparse;
      if (!item.hasContent) continue;
      FileFeed feed = open(item);
      item.content = feed.read(0, kInlineBytesMax);
      feed.check("");
    }
    return page;
  }

  FileFeed open(const TreeItem& item) override {
    std::string path = pathOf(item.path);
    // The two functions of the feed own the file.
    auto file = std::make_shared<Fd>(opened(
        ::open(path.c_str(), O_RDONLY | O_CLOEXEC | (item.path.empty() ? 0 : O_NOFOLLOW)), path));
    struct stat before;
    if (::fstat(file->get(), &before) != 0) failLocal(path);
    FileFeed feed;
    uint64_t size = static_cast<uint64_t>(before.st_size);
    feed.read = [file, path, size](uint64_t offset, size_t bytesMax) {
      // The buffer holds the bytes that are left and one more, by which a grown file shows itself.
      if (offset < size) bytesMax = std::min<uint64_t>(bytesMax, size - offset + 1);
      std::string bytes(bytesMax, '\0');
      ssize_t count = ::pread(file->get(), bytes.data(), bytesMax, static_cast<off_t>(offset));
      if (count < 0) failLocal(path);
      bytes.resize(static_cast<size_t>(count));
      return bytes;
    };
    feed.check = [file, path, before](const std::string&) {
      struct stat now;
      if (::fstat(file->get(), &now) != 0) failLocal(path);
      if (now.st_size == before.st_size &&
          nanoseconds(now.st_mtim) == nanoseconds(before.st_mtim)) {
        return;
      }
      throw muster::NodeError(
          Kind::kConflict, "", "copy",
          "local " + harness::quoted(path) + ": was changed while it was being read");
    };
    return feed;
  }

 private:
  std::string pathOf(const std::string& relative) const {
    return relative.empty() ? root_ : root_ + "/" + relative;
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
    item.sparse = static_cast<uint64_t>(status.st_blocks) * 512 < item.size;
    item.modifiedNs = nanoseconds(status.st_mtim);
    item.attributes = attributesOf(path);
    if (item.type == muster::FileType::kSymlink) {
      char target[PATH_MAX];
      ssize_t length = ::readlink(path.c_str(), target, sizeof target);
      if (length < 0) failLocal(path);
      item.target.assign(target, static_cast<size_t>(length));
    }
    return item;
  }

  // Collects parents before children, in byte order, so that two copies of one tree do the same.
  void collect(const std::string& below) {
    if (std::chrono::steady_clock::now() >= until_) {
      throw muster::NodeError(
          Kind::kTimeout, "", "copy",
          "local " + harness::quoted(root_) + ": not listed in the time allowed");
    }
    std::string path = pathOf(below);
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
  bool collected_ = false;
  std::vector<std::string> paths_;
  size_t at_ = 0;
};

// Opens directories below the root by descriptor, and never through a link, so that the names that
// a node sends do not reach beyond the root.
class LocalTarget final : public CopyTarget {
 public:
  LocalTarget(std::string path, const CopyOptions& options)
      : root_(std::move(path)), options_(options) {}

  void makeRoot(const TreeItem& root) override {
    bool made = ::mkdir(root_.c_str(), 0700) == 0;
    if (!made && errno != EEXIST) failLocal(root_);
    if (made) directories_.push_back(root);
  }

  void add(TreeItem item) override {
    if (item.type == muster::FileType::kRegular) {
      FileFeed feed;
      feed.read = [&item](uint64_t offset, size_t bytesMax) {
        return item.content.substr(std::min<uint64_t>(offset, item.content.size()), bytesMax);
      };
      feed.check = [](const std::string&) {};
      addFile(item, feed);
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
    setTimes(item, place.directory.get(), temporary);
    publish(place, temporary);
  }

  // Fills a file that has no name yet, compares it with its source, gives it mode and owner, and
  // only then renames it to its place. A failure on the way leaves the old file as it was.
  std::string addFile(const TreeItem& item, const FileFeed& feed) override {
    Place place = enter(item.path);

    // Empty: the file has no name, and goes with this process.
    std::string temporary;
    Fd file = openStaged(place, keepsAll(item) ? 0600 : 0666, temporary);
    try {
      std::string digest = fill(file.get(), item, feed, place.path);
      feed.check(digest);
      dress(file.get(), item, place);
      if (temporary.empty()) temporary = giveName(file.get(), place);
      publish(place, temporary);
      return digest;
    } catch (...) {
      if (!temporary.empty()) ::unlinkat(place.directory.get(), temporary.c_str(), 0);
      throw;
    }
  }

  // Gives directories their modes and times from the innermost outwards, since work below a
  // directory changes its time and may need its write permission.
  void finish() override {
    for (auto item = directories_.rbegin(); item != directories_.rend(); ++item) {
      Place place = enter(item->path);
      Fd directory = opened(::openat(place.directory.get(), place.name.c_str(),
                                     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
                            place.path);
      dress(directory.get(), *item, place);
    }
  }

 private:
  struct Place {
    Fd directory;
    std::string name;

    // The path in messages.
    std::string path;
  };

  static std::string temporaryName() {
    return ".muster-" + support::Id::random().text().substr(0, 16) + ".part";
  }

  // Opens a file without a name where the file system can, which leaves nothing if the process is
  // killed, and one with a temporary name otherwise.
  static Fd openStaged(const Place& place, mode_t mode, std::string& name) {
    int file = ::openat(place.directory.get(), ".", O_RDWR | O_TMPFILE | O_CLOEXEC, mode);
    if (file >= 0) return Fd(file);
    if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT) failLocal(place.path);
    std::string chosen = temporaryName();
    file = ::openat(place.directory.get(), chosen.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
                    mode);
    Fd owned = opened(file, place.path);
    name = chosen;
    return owned;
  }

  static std::string giveName(int file, const Place& place) {
    std::string name = temporaryName();
    std::string via = "/proc/self/fd/" + std::to_string(file);
    if (::linkat(AT_FDCWD, via.c_str(), place.directory.get(), name.c_str(), AT_SYMLINK_FOLLOW) !=
        0) {
      failLocal(place.path);
    }
    return name;
  }

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
    throw muster::NodeError(Kind::kCorrupt, "", "copy",
                            harness::quoted(path) + ": is no name of a file");
  }

  std::string fill(int file, const TreeItem& item, const FileFeed& feed, const std::string& path) {
    support::Sha256 hash;
    uint64_t at = 0;
    while (true) {
      std::string bytes = feed.read(at, kChunkBytes);
      if (bytes.empty()) break;
      hash.update(kj::arrayPtr(reinterpret_cast<const kj::byte*>(bytes.data()), bytes.size()));
      write(file, bytes, at, item.sparse, path);
      at += bytes.size();
    }
    if (::ftruncate(file, static_cast<off_t>(at)) != 0) failLocal(path);
    auto digest = hash.digest();
    return support::hex(kj::arrayPtr(digest.data(), digest.size()));
  }

  // Writes bytes, and leaves out blocks of zeros of a sparse file.
  static void write(int file, const std::string& bytes, uint64_t offset, bool sparse,
                    const std::string& path) {
    for (size_t at = 0; at < bytes.size();) {
      size_t size = sparse ? std::min(bytes.size() - at, kBlockBytes - (offset + at) % kBlockBytes)
                           : bytes.size() - at;
      if (sparse && bytes.find_first_not_of('\0', at) >= at + size) {
        at += size;
        continue;
      }
      ssize_t count = ::pwrite(file, bytes.data() + at, size, static_cast<off_t>(offset + at));
      if (count < 0) failLocal(path);
      at += static_cast<size_t>(count);
    }
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
    std::array<char, kUserLineBytesMax> line;
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

  static void setTimes(const TreeItem& item, int directory, const std::string& name) {
    timespec time{static_cast<time_t>(item.modifiedNs / 1'000'000'000),
                  static_cast<long>(item.modifiedNs % 1'000'000'000)};
    timespec times[2] = {time, time};
    // A failure is ignored, as `cp -p` does.
    ::utimensat(directory, name.c_str(), times, AT_SYMLINK_NOFOLLOW);
  }

  // The owner comes first, because changing it clears setuid bits and capabilities; the times come
  // last.
  void dress(int file, const TreeItem& item, const Place& place) {
    if (!keepsAll(item)) return;
    giveOwner(item, file, "");
    if (::fchmod(file, item.mode) != 0) failLocal(place.path);
    for (const auto& [name, value] : item.attributes) {
      if (!isKeptAttribute(name)) continue;
      bool set = ::fsetxattr(file, name.c_str(), value.data(), value.size(), 0) == 0;
      // A file system without attributes gets none, and only root can give capabilities.
      if (!set && errno != EOPNOTSUPP && !(errno == EPERM && name == "security.capability")) {
        failLocal(place.path + " (attribute " + name + ")");
      }
    }
    timespec time{static_cast<time_t>(item.modifiedNs / 1'000'000'000),
                  static_cast<long>(item.modifiedNs % 1'000'000'000)};
    timespec times[2] = {time, time};
    ::futimens(file, times);
  }

  void publish(const Place& place, const std::string& temporary) const {
    unsigned flags = options_.write.existing == muster::IfExists::kRefuse ? RENAME_NOREPLACE : 0;
    if (::renameat2(place.directory.get(), temporary.c_str(), place.directory.get(),
                    place.name.c_str(), flags) == 0) {
      return;
    }
    int number = errno;
    ::unlinkat(place.directory.get(), temporary.c_str(), 0);
    errno = number;
    if (number == EEXIST) {
      throw muster::NodeError(Kind::kConflict, "", "copy",
                              "local " + harness::quoted(place.path) + ": exists");
    }
    failLocal(place.path);
  }

  std::string root_;
  const CopyOptions& options_;
  Numbers users_;
  Numbers groups_;

  // Directories that get their mode and times when nothing is put into them any more.
  std::vector<TreeItem> directories_;
};

}  // namespace

bool isKeptAttribute(const std::string& name) {
  return name.starts_with("user.") || name.starts_with("system.posix_acl_") ||
         name == "security.capability";
}

std::unique_ptr<CopySource> localSource(const std::string& path, muster::SteadyTime until) {
  return std::make_unique<LocalSource>(path, until);
}

std::unique_ptr<CopyTarget> localTarget(const std::string& path, const CopyOptions& options) {
  return std::make_unique<LocalTarget>(path, options);
}

}  // namespace harness
