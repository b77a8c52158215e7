#include "tests_d/muster/robustness/hung_mount.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <vector>

namespace robustness {
namespace {

enum Node : uint64_t { kTop = FUSE_ROOT_ID, kFile, kProgram };

constexpr size_t kRequestBytesMax = 256 << 10;
constexpr uint64_t kFileBytes = 4096;

fuse_attr attributesOf(uint64_t node) {
  fuse_attr attributes{};
  attributes.ino = node;
  attributes.nlink = 1;
  attributes.blksize = kFileBytes;
  attributes.mode = node == kTop ? S_IFDIR | 0755 : S_IFREG | 0755;
  attributes.size = node == kTop ? 0 : kFileBytes;
  return attributes;
}

uint64_t nodeOf(const std::string& name) {
  if (name == "file") return kFile;
  return name == "program" ? uint64_t{kProgram} : 0;
}

void reply(int device, uint64_t unique, int error, const void* content, size_t bytes) {
  fuse_out_header header{};
  header.unique = unique;
  header.error = -error;
  header.len = static_cast<uint32_t>(sizeof(header) + bytes);
  iovec pieces[2] = {{&header, sizeof(header)}, {const_cast<void*>(content), bytes}};
  // A caller that was killed meanwhile is gone.
  if (writev(device, pieces, bytes > 0 ? 2 : 1) < 0) return;
}

template <typename Content>
void reply(int device, uint64_t unique, const Content& content) {
  reply(device, unique, 0, &content, sizeof(content));
}

}  // namespace

bool HungMount::available() {
  int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

HungMount::HungMount(std::string path) : path_(std::move(path)) {
  std::filesystem::create_directory(path_);
  device_ = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  if (device_ < 0 || pipe2(stop_, O_CLOEXEC) != 0) throw std::runtime_error("no /dev/fuse");
  std::string options =
      "fd=" + std::to_string(device_) + ",rootmode=40755,user_id=0,group_id=0,allow_other";
  if (mount("hung", path_.c_str(), "fuse", MS_NOSUID | MS_NODEV, options.c_str()) != 0) {
    close(device_);
    throw std::runtime_error("cannot mount " + path_ + ": " + std::strerror(errno));
  }
  thread_ = std::thread([this] { serve(); });
}

HungMount::~HungMount() {
  close(stop_[1]);
  thread_.join();
  close(device_);  // Everybody who waits for an answer gets ECONNABORTED.
  umount2(path_.c_str(), MNT_DETACH);
  close(stop_[0]);
}

void HungMount::serve() {
  std::vector<char> request(kRequestBytesMax);
  for (;;) {
    pollfd ready[2] = {{device_, POLLIN, 0}, {stop_[0], POLLIN, 0}};
    if (poll(ready, 2, -1) < 0) continue;
    if (ready[1].revents != 0) return;
    ssize_t count = read(device_, request.data(), request.size());
    if (count < static_cast<ssize_t>(sizeof(fuse_in_header))) continue;
    fuse_in_header header{};
    std::memcpy(&header, request.data(), sizeof(header));
    answer(header, request.data() + sizeof(header));
  }
}

void HungMount::answer(const fuse_in_header& request, const char* arguments) {
  switch (request.opcode) {
    case FUSE_INIT: {
      fuse_init_out init{};
      init.major = FUSE_KERNEL_VERSION;
      init.minor = 31;
      init.max_write = kFileBytes;
      return reply(device_, request.unique, init);
    }
    case FUSE_LOOKUP: {
      fuse_entry_out entry{};
      entry.nodeid = nodeOf(arguments);
      if (entry.nodeid == 0 && std::strncmp(arguments, "lost", 4) == 0) return;
      if (entry.nodeid == 0) return reply(device_, request.unique, ENOENT, nullptr, 0);
      entry.attr = attributesOf(entry.nodeid);
      return reply(device_, request.unique, entry);
    }
    case FUSE_GETATTR: {
      fuse_attr_out attributes{};
      attributes.attr = attributesOf(request.nodeid);
      return reply(device_, request.unique, attributes);
    }
    case FUSE_OPEN: {
      fuse_open_in wish{};
      std::memcpy(&wish, arguments, sizeof(wish));
      fuse_open_out opened{};
      if ((wish.flags & O_SYNC) == O_SYNC) opened.open_flags = FOPEN_DIRECT_IO;
      return reply(device_, request.unique, opened);
    }
    case FUSE_READ: {
      static const std::vector<char> kZeroes(kFileBytes);
      if (request.nodeid == kProgram) return;
      return reply(device_, request.unique, 0, kZeroes.data(), kZeroes.size());
    }
    case FUSE_WRITE:
    case FUSE_STATFS:
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT:
      return;
    case FUSE_FLUSH:
    case FUSE_RELEASE:
    case FUSE_RELEASEDIR:
    case FUSE_ACCESS:
      return reply(device_, request.unique, 0, nullptr, 0);
    default:
      return reply(device_, request.unique, ENOSYS, nullptr, 0);
  }
}

}  // namespace robustness
