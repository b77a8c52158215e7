#include "nodeagent/disk/layer_requests.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace nodeagent::disk {
namespace {

constexpr size_t kXattrBytesMax = 65536;

// The answer of a call that returns -1 and sets errno.
void answer(fuse_req_t request, int result) {
  fuse_reply_err(request, result < 0 ? errno : 0);
}

struct Listing {
  explicit Listing(DIR* opened) : directory(opened, ::closedir) {}
  std::unique_ptr<DIR, int (*)(DIR*)> directory;
};

Listing& listingOf(struct fuse_file_info* info) {
  return *reinterpret_cast<Listing*>(info->fh);
}

int fileOf(struct fuse_file_info* info) {
  return static_cast<int>(info->fh);
}

}  // namespace

// The calls of the library, one for each request. None of them throws.
struct Requests {
  static LayerSession& session(fuse_req_t request) {
    return *static_cast<LayerSession*>(fuse_req_userdata(request));
  }
  static Inode& inode(fuse_req_t request, fuse_ino_t number) {
    return session(request).inodes_.at(number);
  }

  static void init(void* layer, struct fuse_conn_info* connection) {
    // Each cut of a file is a request of its own, and reaches the layer before the next write.
    connection->want &= ~static_cast<unsigned>(FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_WRITEBACK_CACHE |
                                               FUSE_CAP_HANDLE_KILLPRIV | FUSE_CAP_SPLICE_READ |
                                               FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
    static_cast<LayerSession*>(layer)->served_();
  }

  // Answers with a file that exists now.
  static void entry(fuse_req_t request, fuse_ino_t parent, const char* name,
                    struct fuse_file_info* info = nullptr) {
    struct fuse_entry_param entry {};
    uint64_t number = 0;
    auto& inodes = session(request).inodes_;
    int error = inodes.lookUp(inodes.at(parent), name, number, entry.attr);
    if (error != 0) {
      if (info != nullptr) ::close(fileOf(info));
      fuse_reply_err(request, error);
      return;
    }
    entry.ino = number;
    if (info == nullptr) {
      fuse_reply_entry(request, &entry);
    } else if (fuse_reply_create(request, &entry, info) == -ENOENT) {
      ::close(fileOf(info));
    }
  }

  static void lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
    entry(request, parent, name);
  }

  static void forget(fuse_req_t request, fuse_ino_t number, uint64_t lookups) {
    session(request).inodes_.forget(number, lookups);
    fuse_reply_none(request);
  }

  static void forgetMany(fuse_req_t request, size_t count, struct fuse_forget_data* all) {
    for (size_t i = 0; i < count; ++i) {
      session(request).inodes_.forget(all[i].ino, all[i].nlookup);
    }
    fuse_reply_none(request);
  }

  static void getattr(fuse_req_t request, fuse_ino_t number, struct fuse_file_info*) {
    struct stat status {};
    if (::fstat(inode(request, number).file, &status) < 0) {
      fuse_reply_err(request, errno);
    } else {
      fuse_reply_attr(request, &status, 0);
    }
  }

  static int resize(fuse_req_t request, Inode& inode, off_t size) {
    LayerSession& layer = session(request);
    kj::AutoCloseFd file(
        ::open(inode.path().c_str(), (layer.losesUnsynced_ ? O_RDWR : O_WRONLY) | O_CLOEXEC));
    if (file.get() < 0) return -1;
    std::lock_guard<std::mutex> lock(inode.mutex);
    int error = layer.keep(inode, file, static_cast<uint64_t>(size), UINT64_MAX);
    if (error == 0) return ::ftruncate(file, size);
    errno = error;
    return -1;
  }

  static int setTimes(const std::string& path, const struct stat& wanted, int fields) {
    struct timespec times[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}};
    if (fields & FUSE_SET_ATTR_ATIME) times[0] = wanted.st_atim;
    if (fields & FUSE_SET_ATTR_ATIME_NOW) times[0].tv_nsec = UTIME_NOW;
    if (fields & FUSE_SET_ATTR_MTIME) times[1] = wanted.st_mtim;
    if (fields & FUSE_SET_ATTR_MTIME_NOW) times[1].tv_nsec = UTIME_NOW;
    return ::utimensat(AT_FDCWD, path.c_str(), times, 0);
  }

  static void setattr(fuse_req_t request, fuse_ino_t number, struct stat* wanted, int fields,
                      struct fuse_file_info* info) {
    constexpr int kTimes = FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_ATIME_NOW | FUSE_SET_ATTR_MTIME |
                           FUSE_SET_ATTR_MTIME_NOW;
    Inode& changed = inode(request, number);
    int result = 0;
    if (fields & FUSE_SET_ATTR_MODE) result = ::chmod(changed.path().c_str(), wanted->st_mode);
    if (result == 0 && (fields & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID))) {
      uid_t user = fields & FUSE_SET_ATTR_UID ? wanted->st_uid : static_cast<uid_t>(-1);
      gid_t group = fields & FUSE_SET_ATTR_GID ? wanted->st_gid : static_cast<gid_t>(-1);
      result = ::fchownat(changed.file, "", user, group, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
    }
    if (result == 0 && (fields & FUSE_SET_ATTR_SIZE)) {
      result = resize(request, changed, wanted->st_size);
    }
    if (result == 0 && (fields & kTimes)) result = setTimes(changed.path(), *wanted, fields);
    if (result < 0) {
      fuse_reply_err(request, errno);
    } else {
      getattr(request, number, info);
    }
  }

  static void readlink(fuse_req_t request, fuse_ino_t number) {
    char target[PATH_MAX + 1];
    ssize_t count = ::readlinkat(inode(request, number).file, "", target, sizeof target - 1);
    if (count < 0) {
      fuse_reply_err(request, errno);
      return;
    }
    target[count] = '\0';
    fuse_reply_readlink(request, target);
  }

  // Gives a new file to the process that makes it. A directory of a group gives its own group.
  static void give(fuse_req_t request, const Inode& parent, const char* name, mode_t mode) {
    const struct fuse_ctx* maker = fuse_req_ctx(request);
    struct stat status {};
    bool isOfGroup = ::fstat(parent.file, &status) == 0 && (status.st_mode & S_ISGID) != 0;
    gid_t group = isOfGroup ? static_cast<gid_t>(-1) : maker->gid;
    ::fchownat(parent.file, name, maker->uid, group, AT_SYMLINK_NOFOLLOW);
    // A change of owner takes these bits away.
    if (mode & (S_ISUID | S_ISGID)) ::fchmodat(parent.file, name, mode & 07777, 0);
  }

  static void made(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode,
                   int result) {
    if (result < 0) {
      fuse_reply_err(request, errno);
      return;
    }
    give(request, inode(request, parent), name, mode);
    entry(request, parent, name);
  }

  static void mknod(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode,
                    dev_t device) {
    made(request, parent, name, mode, ::mknodat(inode(request, parent).file, name, mode, device));
  }

  static void mkdir(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode) {
    made(request, parent, name, 0, ::mkdirat(inode(request, parent).file, name, mode));
  }

  static void symlink(fuse_req_t request, const char* target, fuse_ino_t parent, const char* name) {
    made(request, parent, name, 0, ::symlinkat(target, inode(request, parent).file, name));
  }

  static void link(fuse_req_t request, fuse_ino_t number, fuse_ino_t parent, const char* name) {
    int result = ::linkat(AT_FDCWD, inode(request, number).path().c_str(),
                          inode(request, parent).file, name, AT_SYMLINK_FOLLOW);
    if (result < 0) {
      fuse_reply_err(request, errno);
    } else {
      entry(request, parent, name);
    }
  }

  static void unlink(fuse_req_t request, fuse_ino_t parent, const char* name) {
    answer(request, ::unlinkat(inode(request, parent).file, name, 0));
  }

  static void rmdir(fuse_req_t request, fuse_ino_t parent, const char* name) {
    answer(request, ::unlinkat(inode(request, parent).file, name, AT_REMOVEDIR));
  }

  static void rename(fuse_req_t request, fuse_ino_t from, const char* oldName, fuse_ino_t to,
                     const char* newName, unsigned flags) {
    answer(request,
           static_cast<int>(::syscall(SYS_renameat2, inode(request, from).file.get(), oldName,
                                      inode(request, to).file.get(), newName, flags)));
  }

  // The library's buffers are not aligned as O_DIRECT needs it.
  static int openFlags(int flags) {
    return (flags & ~(O_CREAT | O_EXCL | O_TRUNC | O_NOFOLLOW | O_DIRECT)) | O_CLOEXEC;
  }

  static void open(fuse_req_t request, fuse_ino_t number, struct fuse_file_info* info) {
    int file = ::open(inode(request, number).path().c_str(), openFlags(info->flags));
    if (file < 0) {
      fuse_reply_err(request, errno);
      return;
    }
    info->fh = static_cast<uint64_t>(file);
    if (fuse_reply_open(request, info) == -ENOENT) ::close(file);
  }

  static void create(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode,
                     struct fuse_file_info* info) {
    Inode& above = inode(request, parent);
    int flags = openFlags(info->flags) | O_NOFOLLOW;
    int file = ::openat(above.file, name, flags | O_CREAT | O_EXCL, mode);
    bool isNew = file >= 0;
    // Somebody else has made it below the layer.
    if (!isNew && errno == EEXIST && !(info->flags & O_EXCL)) {
      file = ::openat(above.file, name, flags);
    }
    if (file < 0) {
      fuse_reply_err(request, errno);
      return;
    }
    if (isNew) give(request, above, name, mode);
    info->fh = static_cast<uint64_t>(file);
    entry(request, parent, name, info);
  }

  static void read(fuse_req_t request, fuse_ino_t, size_t size, off_t offset,
                   struct fuse_file_info* info) {
    session(request).disturbance_.wait(size);
    std::vector<char> buffer(size);
    ssize_t count = ::pread(fileOf(info), buffer.data(), size, offset);
    if (count < 0) {
      fuse_reply_err(request, errno);
    } else {
      fuse_reply_buf(request, buffer.data(), static_cast<size_t>(count));
    }
  }

  static void write(fuse_req_t request, fuse_ino_t number, const char* buffer, size_t size,
                    off_t offset, struct fuse_file_info* info) {
    LayerSession& layer = session(request);
    int error = layer.disturbance_.nextWrite();
    if (error == 0) {
      layer.disturbance_.wait(size);
      Inode& written = inode(request, number);
      std::lock_guard<std::mutex> lock(written.mutex);
      error = layer.keep(written, -1, static_cast<uint64_t>(offset), size);
      ssize_t count = error != 0 ? -1 : ::pwrite(fileOf(info), buffer, size, offset);
      if (count >= 0) {
        fuse_reply_write(request, static_cast<size_t>(count));
        return;
      }
      if (error == 0) error = errno;
    }
    fuse_reply_err(request, error);
  }

  static void flush(fuse_req_t request, fuse_ino_t, struct fuse_file_info* info) {
    int copy = ::dup(fileOf(info));
    answer(request, copy < 0 ? copy : ::close(copy));
  }

  static void release(fuse_req_t request, fuse_ino_t, struct fuse_file_info* info) {
    ::close(fileOf(info));
    fuse_reply_err(request, 0);
  }

  static void fsync(fuse_req_t request, fuse_ino_t number, int onlyData,
                    struct fuse_file_info* info) {
    LayerSession& layer = session(request);
    layer.disturbance_.wait(0);
    Inode& synced = inode(request, number);
    std::lock_guard<std::mutex> lock(synced.mutex);
    if (layer.isLost_) {
      fuse_reply_err(request, EIO);
      return;
    }
    int result = onlyData ? ::fdatasync(fileOf(info)) : ::fsync(fileOf(info));
    if (result == 0) synced.unsynced.forget();
    answer(request, result);
  }

  static void fallocate(fuse_req_t request, fuse_ino_t number, int mode, off_t offset, off_t length,
                        struct fuse_file_info* info) {
    LayerSession& layer = session(request);
    bool movesContent = mode & (FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE);
    if (layer.losesUnsynced_ && movesContent) {
      fuse_reply_err(request, EOPNOTSUPP);
      return;
    }
    bool changesContent = mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE);
    Inode& allocated = inode(request, number);
    std::lock_guard<std::mutex> lock(allocated.mutex);
    int error = layer.keep(allocated, -1, static_cast<uint64_t>(offset),
                           changesContent ? static_cast<uint64_t>(length) : 0);
    if (error != 0) {
      fuse_reply_err(request, error);
    } else {
      answer(request, ::fallocate(fileOf(info), mode, offset, length));
    }
  }

  static void lseek(fuse_req_t request, fuse_ino_t, off_t offset, int whence,
                    struct fuse_file_info* info) {
    off_t place = ::lseek(fileOf(info), offset, whence);
    if (place < 0) {
      fuse_reply_err(request, errno);
    } else {
      fuse_reply_lseek(request, place);
    }
  }

  static void opendir(fuse_req_t request, fuse_ino_t number, struct fuse_file_info* info) {
    int file = ::openat(inode(request, number).file, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR* opened = file < 0 ? nullptr : ::fdopendir(file);
    if (opened == nullptr) {
      int error = errno;
      if (file >= 0) ::close(file);
      fuse_reply_err(request, error);
      return;
    }
    // Freed by releasedir.
    auto listing = std::make_unique<Listing>(opened);
    info->fh = reinterpret_cast<uint64_t>(listing.get());
    if (fuse_reply_open(request, info) != -ENOENT) listing.release();
  }

  static void readdir(fuse_req_t request, fuse_ino_t, size_t size, off_t offset,
                      struct fuse_file_info* info) {
    DIR* directory = listingOf(info).directory.get();
    if (offset != ::telldir(directory)) ::seekdir(directory, offset);
    std::vector<char> buffer(size);
    size_t used = 0;
    for (;;) {
      errno = 0;
      struct dirent* found = ::readdir(directory);
      if (found == nullptr) {
        if (errno == 0 || used > 0) break;
        fuse_reply_err(request, errno);
        return;
      }
      struct stat status {};
      status.st_ino = found->d_ino;
      status.st_mode = static_cast<mode_t>(found->d_type) << 12;
      size_t needed = fuse_add_direntry(request, buffer.data() + used, size - used, found->d_name,
                                        &status, found->d_off);
      if (needed > size - used) break;
      used += needed;
    }
    fuse_reply_buf(request, buffer.data(), used);
  }

  static void releasedir(fuse_req_t request, fuse_ino_t, struct fuse_file_info* info) {
    std::unique_ptr<Listing> listing(&listingOf(info));
    fuse_reply_err(request, 0);
  }

  static void fsyncdir(fuse_req_t request, fuse_ino_t, int onlyData, struct fuse_file_info* info) {
    session(request).disturbance_.wait(0);
    int file = ::dirfd(listingOf(info).directory.get());
    answer(request, onlyData ? ::fdatasync(file) : ::fsync(file));
  }

  static void statfs(fuse_req_t request, fuse_ino_t number) {
    struct statvfs status {};
    if (::fstatvfs(inode(request, number).file, &status) < 0) {
      fuse_reply_err(request, errno);
    } else {
      fuse_reply_statfs(request, &status);
    }
  }

  static void setxattr(fuse_req_t request, fuse_ino_t number, const char* name, const char* value,
                       size_t size, int flags) {
    answer(request, ::setxattr(inode(request, number).path().c_str(), name, value, size, flags));
  }

  static void removexattr(fuse_req_t request, fuse_ino_t number, const char* name) {
    answer(request, ::removexattr(inode(request, number).path().c_str(), name));
  }

  // Answers the bytes, or how many there are if `size` is 0.
  static void answerBytes(fuse_req_t request, const std::vector<char>& bytes, size_t size,
                          ssize_t count) {
    if (count < 0) {
      fuse_reply_err(request, errno);
    } else if (size == 0) {
      fuse_reply_xattr(request, static_cast<size_t>(count));
    } else {
      fuse_reply_buf(request, bytes.data(), static_cast<size_t>(count));
    }
  }

  static void getxattr(fuse_req_t request, fuse_ino_t number, const char* name, size_t size) {
    std::vector<char> value(std::min(size, kXattrBytesMax));
    auto path = inode(request, number).path();
    answerBytes(request, value, size, ::getxattr(path.c_str(), name, value.data(), value.size()));
  }

  static void listxattr(fuse_req_t request, fuse_ino_t number, size_t size) {
    std::vector<char> names(std::min(size, kXattrBytesMax));
    auto path = inode(request, number).path();
    answerBytes(request, names, size, ::listxattr(path.c_str(), names.data(), names.size()));
  }

  static struct fuse_lowlevel_ops all() {
    struct fuse_lowlevel_ops calls {};
    calls.init = init;
    calls.lookup = lookup;
    calls.forget = forget;
    calls.forget_multi = forgetMany;
    calls.getattr = getattr;
    calls.setattr = setattr;
    calls.readlink = readlink;
    calls.mknod = mknod;
    calls.mkdir = mkdir;
    calls.symlink = symlink;
    calls.link = link;
    calls.unlink = unlink;
    calls.rmdir = rmdir;
    calls.rename = rename;
    calls.open = open;
    calls.create = create;
    calls.read = read;
    calls.write = write;
    calls.flush = flush;
    calls.release = release;
    calls.fsync = fsync;
    calls.fallocate = fallocate;
    calls.lseek = lseek;
    calls.opendir = opendir;
    calls.readdir = readdir;
    calls.releasedir = releasedir;
    calls.fsyncdir = fsyncdir;
    calls.statfs = statfs;
    calls.setxattr = setxattr;
    calls.getxattr = getxattr;
    calls.listxattr = listxattr;
    calls.removexattr = removexattr;
    return calls;
  }
};

struct fuse_lowlevel_ops layerCalls() {
  return Requests::all();
}

}  // namespace nodeagent::disk
