// Whole files and trees between here and a node.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <memory>

#include "harness/rpc/failure_text.h"
#include "harness/rpc/files.h"
#include "harness/rpc/files_ask.h"
#include "schema/support/crc32c.h"
#include "schema/support/sha256.h"

namespace harness {
namespace {

using Kind = muster::NodeError::Kind;

constexpr uint64_t kInlineBytesMax = 64 << 10;  // Larger files of a tree go by upload.
constexpr uint64_t kBatchBytesMax = 256 << 10;
constexpr size_t kBatchEntriesMax = 500;

[[noreturn]] void failLocal(const std::string& operation, const std::string& path) {
  int errnoValue = errno;
  throw muster::NodeError(Kind::kSystem, "", operation,
                          "local " + quoted(path) + ": " + strerrordesc_np(errnoValue), errnoValue);
}

// A local file, open for the scope.
class LocalFile {
 public:
  LocalFile(const std::string& operation, const std::string& path, int flags, mode_t mode = 0600)
      : operation_(operation), path_(path), fd_(open(path.c_str(), flags | O_CLOEXEC, mode)) {
    if (fd_ < 0) failLocal(operation_, path_);
  }
  ~LocalFile() { close(fd_); }
  LocalFile(const LocalFile&) = delete;
  LocalFile& operator=(const LocalFile&) = delete;

  int fd() const { return fd_; }

  std::string readAt(uint64_t offset, size_t bytesMax) const {
    std::string bytes(bytesMax, '\0');
    ssize_t count = pread(fd_, bytes.data(), bytesMax, static_cast<off_t>(offset));
    if (count < 0) failLocal(operation_, path_);
    bytes.resize(static_cast<size_t>(count));
    return bytes;
  }
  void write(const std::string& bytes) const {
    for (size_t at = 0; at < bytes.size();) {
      ssize_t count = ::write(fd_, bytes.data() + at, bytes.size() - at);
      if (count < 0) failLocal(operation_, path_);
      at += static_cast<size_t>(count);
    }
  }

 private:
  std::string operation_;
  std::string path_;
  int fd_;
};

std::map<std::string, std::string> localAttributes(const std::string& path) {
  std::map<std::string, std::string> attributes;
  ssize_t size = llistxattr(path.c_str(), nullptr, 0);
  if (size <= 0) return attributes;  // None, or a file system without them.
  std::string names(static_cast<size_t>(size), '\0');
  size = llistxattr(path.c_str(), names.data(), names.size());
  for (ssize_t at = 0; at < size; at += static_cast<ssize_t>(strlen(names.data() + at)) + 1) {
    std::string name = names.data() + at;
    if (!name.starts_with("user.")) continue;  // Others belong to this machine's policy.
    char value[65536];
    ssize_t length = lgetxattr(path.c_str(), name.c_str(), value, sizeof value);
    if (length >= 0) attributes.emplace(name, std::string(value, static_cast<size_t>(length)));
  }
  return attributes;
}

muster::FileType typeOf(mode_t mode) {
  if (S_ISREG(mode)) return muster::FileType::kRegular;
  if (S_ISDIR(mode)) return muster::FileType::kDirectory;
  if (S_ISLNK(mode)) return muster::FileType::kSymlink;
  return muster::FileType::kUnspecified;
}

LocalEntry localEntry(const std::string& operation, const std::string& root,
                      const std::string& relative) {
  std::string path = root + "/" + relative;
  struct stat status;
  if (lstat(path.c_str(), &status) != 0) failLocal(operation, path);
  LocalEntry entry;
  entry.path = relative;
  entry.type = typeOf(status.st_mode);
  entry.mode = status.st_mode & 07777;
  entry.uid = status.st_uid;
  entry.gid = status.st_gid;
  entry.size = static_cast<uint64_t>(status.st_size);
  entry.modifiedNs = status.st_mtim.tv_sec * int64_t{1000000000} + status.st_mtim.tv_nsec;
  entry.attributes = localAttributes(path);
  if (entry.type == muster::FileType::kSymlink) {
    char target[4096];
    ssize_t length = readlink(path.c_str(), target, sizeof target);
    if (length < 0) failLocal(operation, path);
    entry.target.assign(target, static_cast<size_t>(length));
  }
  return entry;
}

// Names in byte order, so that two pushes of one tree do the same.
std::vector<std::string> localNames(const std::string& operation, const std::string& path) {
  std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(path.c_str()), closedir);
  if (!directory) failLocal(operation, path);
  std::vector<std::string> names;
  while (const dirent* entry = readdir(directory.get())) {
    std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

// What is done here takes from the same time as what the node does.
void requireTime(const std::string& operation, SteadyTime until) {
  if (std::chrono::steady_clock::now() < until) return;
  throw muster::NodeError(Kind::kTimeout, "", operation, "not done in the time that was allowed");
}

// Parents before children. Sockets, pipes and devices are left out.
void collect(const std::string& operation, const std::string& root, const std::string& below,
             SteadyTime until, std::vector<LocalEntry>& entries) {
  for (const std::string& name : localNames(operation, below.empty() ? root : root + "/" + below)) {
    requireTime(operation, until);
    LocalEntry entry = localEntry(operation, root, below.empty() ? name : below + "/" + name);
    if (entry.type == muster::FileType::kUnspecified) continue;
    entries.push_back(entry);
    if (entry.type == muster::FileType::kDirectory) {
      collect(operation, root, entry.path, until, entries);
    }
  }
}

void setLocalTimes(const std::string& path, int64_t modifiedNs) {
  timespec time{static_cast<time_t>(modifiedNs / 1000000000), modifiedNs % 1000000000};
  timespec times[2] = {time, time};
  utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW);  // Best effort, as cp -p does.
}

// A path of a peer must stay below the local root.
bool staysBelow(const std::string& path) {
  return !path.empty() && path.front() != '/' &&
         ("/" + path + "/").find("/../") == std::string::npos;
}

wire::FileType wireType(muster::FileType type) {
  return static_cast<wire::FileType>(type);
}

void writeEntry(wire::TreeEntry::Builder to, const LocalEntry& from,
                const muster::WriteOptions& options) {
  to.setPath(dataOf(from.path));
  auto stat = to.initStat();
  stat.setType(wireType(from.type));
  stat.setMode(options.mode && from.type == muster::FileType::kRegular ? *options.mode : from.mode);
  stat.setSize(from.size);
  stat.setModifiedNs(from.modifiedNs);
  stat.setUid(from.uid);
  stat.setGid(from.gid);
  stat.setUser(options.user);
  stat.setGroup(options.group);
  to.setTarget(dataOf(from.target));
  if (from.type == muster::FileType::kRegular) {
    to.setContent(dataOf(from.content));
    to.setContentInline(true);
  }
  auto attributes = to.initAttributes(static_cast<unsigned>(from.attributes.size()));
  unsigned at = 0;
  for (const auto& [name, value] : from.attributes) {
    attributes[at].setName(dataOf(name));
    attributes[at++].setValue(dataOf(value));
  }
}

}  // namespace

std::string Files::upload(const std::string& path, uint64_t size, const Source& source,
                          const muster::WriteOptions& options, SteadyTime until) {
  support::Id id = support::Id::random();
  std::string operation = "write " + quoted(path);
  uint64_t offset = ask<uint64_t>(operation, until, [&](Live& live) {
    auto request = live.files.beginUploadRequest();
    request.setUploadId(id.data());
    request.setPath(dataOf(path));
    request.setSize(size);
    writeOptions(request.initOptions(), options);
    return request.send().then([](auto&& response) {
      requireNoError(response);
      return response.getReceivedTo();
    });
  });
  support::Sha256 hash;
  while (offset < size) {
    std::string bytes = source(offset, kBatchBytesMax);
    size_t count = 0;
    uint64_t received = ask<uint64_t>(operation, until, [&](Live& live) {
      count = std::min<size_t>(bytes.size(), live.chunkBytesMax);
      auto data = dataOf(bytes).slice(0, count);
      auto request = live.files.writeUploadRequest();
      request.setUploadId(id.data());
      auto chunk = request.initChunk();
      chunk.setOffset(offset);
      chunk.setData(data);
      chunk.setCrc32c(support::crc32c(data));
      return request.send().then([](auto&& response) {
        requireNoError(response);
        return response.getReceivedTo();
      });
    });
    if (count == 0 || received != offset + count) {
      throw muster::NodeError(Kind::kCorrupt, node_.description().name, operation,
                              "the source became shorter, or the node took another count of bytes");
    }
    hash.update(dataOf(bytes).slice(0, count));
    offset = received;
  }
  auto digest = hash.digest();
  ask<bool>(operation, until, [&](Live& live) {
    auto request = live.files.finishUploadRequest();
    request.setUploadId(id.data());
    request.setSha256(kj::arrayPtr(digest.data(), digest.size()));
    return request.send().then(answered);
  });
  return support::hex(kj::arrayPtr(digest.data(), digest.size()));
}

muster::TransferResult Files::push(const std::string& local, const std::string& remote,
                                   const muster::WriteOptions& options, SteadyTime until) {
  std::string operation = "push to " + quoted(remote);
  LocalFile file(operation, local, O_RDONLY);
  struct stat status;
  if (fstat(file.fd(), &status) != 0) failLocal(operation, local);
  auto source = [&](uint64_t offset, size_t bytesMax) { return file.readAt(offset, bytesMax); };
  muster::TransferResult result;
  result.files = 1;
  result.bytes = static_cast<uint64_t>(status.st_size);
  result.digest = upload(remote, result.bytes, source, options, until);
  return result;
}

muster::TransferResult Files::pull(const std::string& remote, const std::string& local,
                                   SteadyTime until) {
  std::string operation = "pull " + quoted(remote);
  std::string partial = local + ".muster-part";
  muster::TransferResult result;
  support::Sha256 hash;
  try {
    LocalFile file(operation, partial, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    readAll(remote, 0, UINT64_MAX, until, [&](const std::string& bytes) {
      file.write(bytes);
      hash.update(dataOf(bytes));
      result.bytes += bytes.size();
    });
    if (::rename(partial.c_str(), local.c_str()) != 0) failLocal(operation, local);
  } catch (...) {
    unlink(partial.c_str());
    throw;
  }
  auto digest = hash.digest();
  result.digest = support::hex(kj::arrayPtr(digest.data(), digest.size()));
  result.files = 1;
  // Files without a size, such as those in /proc, have no digest to compare with.
  auto remoteStat = stat(remote, muster::Links::kFollow, until);
  if (remoteStat && remoteStat->size > 0 && this->digest(remote, until) != result.digest) {
    unlink(local.c_str());
    throw muster::NodeError(Kind::kCorrupt, node_.description().name, operation,
                            "the digest differs, or the file was changed meanwhile");
  }
  return result;
}

void Files::plant(const std::string& root, const std::vector<LocalEntry>& entries,
                  const muster::WriteOptions& options, SteadyTime until) {
  if (entries.empty()) return;
  ask<bool>("push to " + quoted(root), until, [&](Live& live) {
    auto request = live.files.plantRequest();
    request.setRoot(dataOf(root));
    auto list = request.initEntries(static_cast<unsigned>(entries.size()));
    for (unsigned i = 0; i < list.size(); ++i) writeEntry(list[i], entries[i], options);
    writeOptions(request.initOptions(), options);
    return request.send().then(answered);
  });
}

muster::TransferResult Files::pushTree(const std::string& local, const std::string& remote,
                                       const muster::WriteOptions& options, SteadyTime until) {
  std::string operation = "push to " + quoted(remote);
  std::vector<LocalEntry> entries;
  collect(operation, local, "", until, entries);
  makeDirectory(remote, 0755, options.undo, until);
  muster::TransferResult result;
  std::vector<LocalEntry> batch;
  uint64_t batchBytes = 0;
  auto flush = [&]() {
    plant(remote, batch, options, until);
    batch.clear();
    batchBytes = 0;
  };
  for (LocalEntry& entry : entries) {
    std::string path = local + "/" + entry.path;
    requireTime(operation, until);
    if (entry.type == muster::FileType::kRegular) {
      ++result.files;
      result.bytes += entry.size;
      if (entry.size > kInlineBytesMax) {
        flush();  // Its directory must be there.
        muster::WriteOptions own = options;
        if (!own.mode) own.mode = entry.mode;
        push(path, remote + "/" + entry.path, own, until);
        setTimes(remote + "/" + entry.path, entry.modifiedNs, entry.modifiedNs, until);
        continue;
      }
      entry.content = LocalFile(operation, path, O_RDONLY).readAt(0, kInlineBytesMax);
      batchBytes += entry.content.size();
    }
    batch.push_back(std::move(entry));
    if (batchBytes > kBatchBytesMax || batch.size() >= kBatchEntriesMax) flush();
  }
  flush();
  return result;
}

muster::TransferResult Files::pullTree(const std::string& remote, const std::string& local,
                                       SteadyTime until) {
  struct Page {
    std::vector<LocalEntry> entries;
    std::vector<bool> isInline;
    bool more = false;
  };
  std::string operation = "pull " + quoted(remote);
  if (mkdir(local.c_str(), 0755) != 0 && errno != EEXIST) failLocal(operation, local);
  muster::TransferResult result;
  std::vector<LocalEntry> directories;
  std::string after;
  for (bool more = true; more;) {
    Page page = ask<Page>(operation, until, [&](Live& live) {
      auto request = live.files.walkRequest();
      request.setRoot(dataOf(remote));
      request.setAfter(dataOf(after));
      request.setEntriesMax(kBatchEntriesMax);
      request.setInlineBytesMax(16 << 10);
      return request.send().then([](auto&& response) {
        requireNoError(response);
        Page read;
        for (auto from : response.getEntries()) {
          LocalEntry& entry = read.entries.emplace_back();
          entry.path = stringOf(from.getPath());
          entry.type = readStat(from.getStat()).type;
          entry.mode = from.getStat().getMode();
          entry.modifiedNs = from.getStat().getModifiedNs();
          entry.target = stringOf(from.getTarget());
          entry.content = stringOf(from.getContent());
          read.isInline.push_back(from.getContentInline());
        }
        read.more = response.getMore();
        return read;
      });
    });
    for (size_t i = 0; i < page.entries.size(); ++i) {
      const LocalEntry& entry = page.entries[i];
      requireTime(operation, until);
      if (!staysBelow(entry.path)) {
        throw muster::NodeError(Kind::kCorrupt, node_.description().name, operation,
                                "the node names a path outside: " + quoted(entry.path));
      }
      std::string path = local + "/" + entry.path;
      if (entry.type == muster::FileType::kDirectory) {
        if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) failLocal(operation, path);
        directories.push_back(entry);
      } else if (entry.type == muster::FileType::kSymlink) {
        unlink(path.c_str());
        if (symlink(entry.target.c_str(), path.c_str()) != 0) failLocal(operation, path);
      } else if (entry.type == muster::FileType::kRegular) {
        unlink(path.c_str());  // Never through a link that stands there.
        if (page.isInline[i]) {
          LocalFile(operation, path, O_WRONLY | O_CREAT | O_EXCL).write(entry.content);
          result.bytes += entry.content.size();
        } else {
          result.bytes += pull(remote + "/" + entry.path, path, until).bytes;
        }
        ++result.files;
        if (chmod(path.c_str(), entry.mode) != 0) failLocal(operation, path);
        setLocalTimes(path, entry.modifiedNs);
      }
    }
    more = page.more && !page.entries.empty();
    if (!page.entries.empty()) after = page.entries.back().path;
  }
  for (auto entry = directories.rbegin(); entry != directories.rend(); ++entry) {
    std::string path = local + "/" + entry->path;
    if (chmod(path.c_str(), entry->mode) != 0) failLocal(operation, path);
    setLocalTimes(path, entry->modifiedNs);
  }
  return result;
}

}  // namespace harness
