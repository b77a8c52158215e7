// Wraps the agent's system calls and disturbs them as call_control.h says.
//
// The linker sends each call of the program here, also those of its static libraries. Calls that
// the C library makes to itself stay as they are.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "tests_d/muster/robustness/call_control.h"

extern "C" char __executable_start;

namespace {

using robustness::CallControl;
using robustness::CallSite;

CallControl* mapped() {
  static CallControl none{};
  const char* path = getenv(robustness::kCallsVariable);
  if (!path) return &none;
  long fd = syscall(SYS_open, path, O_RDWR | O_CLOEXEC);
  void* memory = mmap(nullptr, sizeof(CallControl), PROT_READ | PROT_WRITE, MAP_SHARED,
                      static_cast<int>(fd), 0);
  syscall(SYS_close, fd);
  // Without its faults, a trial would pass.
  if (memory == MAP_FAILED) abort();
  return static_cast<CallControl*>(memory);
}

CallControl& control() {
  static CallControl* const kControl = mapped();
  return *kControl;
}

[[noreturn]] void die() {
  syscall(SYS_kill, getpid(), SIGKILL);
  for (;;) pause();
}

// Takes one of `left`. False if there is none.
bool take(std::atomic<int64_t>& left) {
  int64_t value = left;
  while (value > 0) {
    if (left.compare_exchange_weak(value, value - 1)) return true;
  }
  return false;
}

void count(uint64_t caller, const char* name) {
  CallSite* sites = control().sites;
  for (uint64_t i = 0; i < CallControl::kSitesMax; ++i) {
    CallSite& site = sites[(caller + i) % CallControl::kSitesMax];
    uint64_t expected = 0;
    if (site.caller.compare_exchange_strong(expected, caller)) {
      strncpy(site.name, name, CallSite::kNameBytes - 1);
      expected = caller;
    }
    if (expected != caller) continue;
    ++site.count;
    return;
  }
}

// Carries out a call whose effect others can see, and dies before or after it if this is the crash
// site of the trial.
template <typename Call>
auto effect(const char* name, void* returnAddress, Call call) -> decltype(call()) {
  CallControl& wanted = control();
  auto caller =
      reinterpret_cast<uint64_t>(returnAddress) - reinterpret_cast<uint64_t>(&__executable_start);
  count(caller, name);
  bool last = wanted.killCaller == caller && --wanted.killCountdown == 0;
  if (last && !wanted.killAfter) die();
  auto result = call();
  int kept = errno;
  if (last) die();
  errno = kept;
  return result;
}

// Carries out a call that changes a file or directory, or fails it with `fileErrno`.
template <typename Call>
auto change(const char* name, void* returnAddress, Call call) -> decltype(call()) {
  return effect(name, returnAddress, [&]() -> decltype(call()) {
    CallControl& wanted = control();
    if (wanted.filesFail > 0 && !take(wanted.filesSkip) && take(wanted.filesFail)) {
      ++wanted.filesFailed;
      errno = wanted.fileErrno;
      return -1;
    }
    return call();
  });
}

// Carries out a call that makes a descriptor, or fails it with EMFILE.
template <typename Call>
int descriptor(Call call) {
  CallControl& wanted = control();
  ++wanted.descriptorCalls;
  if (wanted.descriptorsFail > 0 && !take(wanted.descriptorsSkip) && take(wanted.descriptorsFail)) {
    errno = EMFILE;
    return -1;
  }
  return call();
}

uint64_t draw() {
  static thread_local uint64_t state = reinterpret_cast<uint64_t>(&state) | 1;
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state >> 8;
}

constexpr int kByPosition = -1;

// Tells whether the kernel could carry only a part of the call. Counters, signals, appended lines
// and a few bytes of a pipe come whole or not at all. Callers by position expect parts.
bool canBeShort(int fd, size_t bytes) {
  struct stat status;
  if (bytes <= 64) return false;
  if (fd == kByPosition) return true;
  return fstat(fd, &status) == 0 && (S_ISSOCK(status.st_mode) || S_ISFIFO(status.st_mode));
}

// Returns how many of `bytes` shall pass, or -1 with errno EINTR if the call is interrupted.
ssize_t shortened(int fd, size_t bytes) {
  CallControl& wanted = control();
  uint32_t every = wanted.shortEvery;
  bool whole = every == 0 || draw() % every != 0 || !canBeShort(fd, bytes);
  if (whole) return static_cast<ssize_t>(bytes);
  ++wanted.shortened;
  if (draw() % 2) return static_cast<ssize_t>(1 + draw() % bytes);
  errno = EINTR;
  return -1;
}

bool interrupted(int fd, size_t bytes) {
  CallControl& wanted = control();
  uint32_t every = wanted.shortEvery;
  if (every == 0 || draw() % (2 * every) != 0 || !canBeShort(fd, bytes)) return false;
  ++wanted.shortened;
  errno = EINTR;
  return true;
}

template <typename Call>
ssize_t transfer(int fd, size_t bytes, Call call) {
  ssize_t allowed = shortened(fd, bytes);
  return allowed < 0 ? -1 : call(static_cast<size_t>(allowed));
}

// Carries out a call over several pieces. A short one carries a part of the first piece only.
template <typename Call>
ssize_t transferPieces(int fd, const iovec* pieces, int pieceCount, Call call) {
  if (pieceCount == 0) return call(pieces, pieceCount);
  ssize_t allowed = shortened(fd, pieces[0].iov_len);
  if (allowed < 0) return -1;
  if (static_cast<size_t>(allowed) == pieces[0].iov_len) return call(pieces, pieceCount);
  iovec first{pieces[0].iov_base, static_cast<size_t>(allowed)};
  return call(&first, 1);
}

// Waits as long as the disk of the trial does.
void beSlow() {
  CallControl& wanted = control();
  ++wanted.slowed;
  do {
    int64_t ns = wanted.hangs ? 10'000'000 : wanted.slowNs.load();
    timespec pause{ns / 1'000'000'000, ns % 1'000'000'000};
    nanosleep(&pause, nullptr);
  } while (wanted.hangs);
}

// Waits if the path lies on the disk that the trial slows down.
void visit(const char* path) {
  CallControl& wanted = control();
  if (wanted.slowBelow[0] == 0 || (wanted.slowNs == 0 && !wanted.hangs)) return;
  if (strncmp(path, wanted.slowBelow, strlen(wanted.slowBelow)) == 0) beSlow();
}

void visit(int fd) {
  CallControl& wanted = control();
  if (wanted.slowBelow[0] == 0 || (wanted.slowNs == 0 && !wanted.hangs)) return;
  int kept = errno;
  char link[32];
  char target[CallControl::kPathBytes] = {};
  snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  if (readlink(link, target, sizeof(target) - 1) > 0) visit(target);
  errno = kept;
}

int64_t offsetNs() {
  return control().realtimeOffsetNs;
}

}  // namespace

// The linker gives the C library's x the name __real_x, and its callers __wrap_x.
extern "C" {

int __real_openat(int, const char*, int, ...);
int __real_open(const char*, int, ...);
int __real_fcntl(int, int, ...);
int __real_socket(int, int, int);
int __real_accept4(int, sockaddr*, socklen_t*, int);
int __real_pipe2(int*, int);
int __real_rename(const char*, const char*);
int __real_renameat2(int, const char*, int, const char*, unsigned);
int __real_link(const char*, const char*);
int __real_linkat(int, const char*, int, const char*, int);
int __real_symlinkat(const char*, int, const char*);
int __real_unlink(const char*);
int __real_unlinkat(int, const char*, int);
int __real_mkdir(const char*, mode_t);
int __real_mkdirat(int, const char*, mode_t);
int __real_rmdir(const char*);
int __real_fsync(int);
int __real_fallocate(int, int, off_t, off_t);
int __real_ftruncate(int, off_t);
int __real_fchmod(int, mode_t);
int __real_fchown(int, uid_t, gid_t);
int __real_fchmodat(int, const char*, mode_t, int);
int __real_fchownat(int, const char*, uid_t, gid_t, int);
int __real_futimens(int, const timespec*);
int __real_utimensat(int, const char*, const timespec*, int);
ssize_t __real_read(int, void*, size_t);
ssize_t __real_pread(int, void*, size_t, off_t);
ssize_t __real_write(int, const void*, size_t);
ssize_t __real_pwrite(int, const void*, size_t, off_t);
ssize_t __real_readv(int, const iovec*, int);
ssize_t __real_writev(int, const iovec*, int);
ssize_t __real_recv(int, void*, size_t, int);
ssize_t __real_sendmsg(int, const msghdr*, int);
int __real_access(const char*, int);
int __real_flock(int, int);
int __real_fstatvfs(int, struct statvfs*);
DIR* __real_opendir(const char*);
int __real_connect(int, const sockaddr*, socklen_t);
int __real_close(int);
int __real_clock_gettime(clockid_t, timespec*);
int __real_gettimeofday(timeval*, void*);
time_t __real_time(time_t*);

int __wrap_openat(int at, const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  mode_t mode = va_arg(more, mode_t);
  va_end(more);
  path[0] == '/' ? visit(path) : visit(at);
  auto call = [&] { return __real_openat(at, path, flags, mode); };
  bool makes = flags & (O_CREAT | O_TRUNC);
  return descriptor(
      [&] { return makes ? change("openat", __builtin_return_address(0), call) : call(); });
}
int __wrap_open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  mode_t mode = va_arg(more, mode_t);
  va_end(more);
  visit(path);
  auto call = [&] { return __real_open(path, flags, mode); };
  bool makes = flags & (O_CREAT | O_TRUNC);
  return descriptor(
      [&] { return makes ? change("open", __builtin_return_address(0), call) : call(); });
}
int __wrap_fcntl(int fd, int command, ...) {
  va_list more;
  va_start(more, command);
  long argument = va_arg(more, long);
  va_end(more);
  auto call = [&] { return __real_fcntl(fd, command, argument); };
  return command == F_DUPFD_CLOEXEC || command == F_DUPFD ? descriptor(call) : call();
}
int __wrap_socket(int domain, int type, int protocol) {
  return descriptor([&] { return __real_socket(domain, type, protocol); });
}
int __wrap_accept4(int fd, sockaddr* address, socklen_t* size, int flags) {
  return descriptor([&] { return __real_accept4(fd, address, size, flags); });
}
int __wrap_pipe2(int* ends, int flags) {
  return descriptor([&] { return __real_pipe2(ends, flags); });
}

int __wrap_rename(const char* from, const char* to) {
  visit(from);
  return change("rename", __builtin_return_address(0), [&] { return __real_rename(from, to); });
}
int __wrap_renameat2(int fromAt, const char* from, int toAt, const char* to, unsigned flags) {
  visit(fromAt);
  return change("renameat2", __builtin_return_address(0),
                [&] { return __real_renameat2(fromAt, from, toAt, to, flags); });
}
int __wrap_link(const char* from, const char* to) {
  return change("link", __builtin_return_address(0), [&] { return __real_link(from, to); });
}
int __wrap_linkat(int fromAt, const char* from, int toAt, const char* to, int flags) {
  visit(toAt);
  return change("linkat", __builtin_return_address(0),
                [&] { return __real_linkat(fromAt, from, toAt, to, flags); });
}
int __wrap_symlinkat(const char* target, int at, const char* path) {
  return change("symlinkat", __builtin_return_address(0),
                [&] { return __real_symlinkat(target, at, path); });
}
// Removals are crash sites but never fail here: they need no space, and cleaning up after a failure
// can do no more than try.
int __wrap_unlink(const char* path) {
  visit(path);
  return effect("unlink", __builtin_return_address(0), [&] { return __real_unlink(path); });
}
int __wrap_unlinkat(int at, const char* path, int flags) {
  visit(at);
  return effect("unlinkat", __builtin_return_address(0),
                [&] { return __real_unlinkat(at, path, flags); });
}
int __wrap_rmdir(const char* path) {
  visit(path);
  return effect("rmdir", __builtin_return_address(0), [&] { return __real_rmdir(path); });
}
int __wrap_mkdir(const char* path, mode_t mode) {
  visit(path);
  return change("mkdir", __builtin_return_address(0), [&] { return __real_mkdir(path, mode); });
}
int __wrap_mkdirat(int at, const char* path, mode_t mode) {
  return change("mkdirat", __builtin_return_address(0),
                [&] { return __real_mkdirat(at, path, mode); });
}
int __wrap_fsync(int fd) {
  visit(fd);
  return change("fsync", __builtin_return_address(0), [&] { return __real_fsync(fd); });
}
int __wrap_fallocate(int fd, int mode, off_t offset, off_t size) {
  return change("fallocate", __builtin_return_address(0),
                [&] { return __real_fallocate(fd, mode, offset, size); });
}
int __wrap_ftruncate(int fd, off_t size) {
  visit(fd);
  return change("ftruncate", __builtin_return_address(0),
                [&] { return __real_ftruncate(fd, size); });
}
int __wrap_fchmod(int fd, mode_t mode) {
  return change("fchmod", __builtin_return_address(0), [&] { return __real_fchmod(fd, mode); });
}
int __wrap_fchown(int fd, uid_t user, gid_t group) {
  return change("fchown", __builtin_return_address(0),
                [&] { return __real_fchown(fd, user, group); });
}
// The next four are crash sites only. Each is one step of several, and CallTest does not draw its
// failure.
int __wrap_fchmodat(int at, const char* path, mode_t mode, int flags) {
  return effect("fchmodat", __builtin_return_address(0),
                [&] { return __real_fchmodat(at, path, mode, flags); });
}
int __wrap_fchownat(int at, const char* path, uid_t user, gid_t group, int flags) {
  return effect("fchownat", __builtin_return_address(0),
                [&] { return __real_fchownat(at, path, user, group, flags); });
}
int __wrap_futimens(int fd, const timespec* times) {
  return effect("futimens", __builtin_return_address(0),
                [&] { return __real_futimens(fd, times); });
}
int __wrap_utimensat(int at, const char* path, const timespec* times, int flags) {
  return effect("utimensat", __builtin_return_address(0),
                [&] { return __real_utimensat(at, path, times, flags); });
}

ssize_t __wrap_read(int fd, void* to, size_t size) {
  return transfer(fd, size, [&](size_t bytes) { return __real_read(fd, to, bytes); });
}
ssize_t __wrap_pread(int fd, void* to, size_t size, off_t offset) {
  visit(fd);
  return transfer(kByPosition, size,
                  [&](size_t bytes) { return __real_pread(fd, to, bytes, offset); });
}
ssize_t __wrap_readv(int fd, const iovec* pieces, int pieceCount) {
  return transferPieces(fd, pieces, pieceCount, [&](const iovec* some, int someCount) {
    return __real_readv(fd, some, someCount);
  });
}
ssize_t __wrap_write(int fd, const void* from, size_t size) {
  visit(fd);
  return effect("write", __builtin_return_address(0), [&] {
    return transfer(fd, size, [&](size_t bytes) { return __real_write(fd, from, bytes); });
  });
}
ssize_t __wrap_writev(int fd, const iovec* pieces, int pieceCount) {
  return effect("writev", __builtin_return_address(0), [&] {
    return transferPieces(fd, pieces, pieceCount, [&](const iovec* some, int someCount) {
      return __real_writev(fd, some, someCount);
    });
  });
}
// This call is interrupted, but never short. A socket that returns fewer bytes than requested is
// empty, and the agent may rely on that. Frames arrive in parts because sendmsg and the proxy send
// them so.
ssize_t __wrap_recv(int fd, void* to, size_t size, int flags) {
  if (interrupted(fd, size)) return -1;
  return __real_recv(fd, to, size, flags);
}
ssize_t __wrap_sendmsg(int fd, const msghdr* message, int flags) {
  return effect("sendmsg", __builtin_return_address(0), [&] {
    return transferPieces(fd, message->msg_iov, static_cast<int>(message->msg_iovlen),
                          [&](const iovec* some, int someCount) {
                            msghdr part = *message;
                            part.msg_iov = const_cast<iovec*>(some);
                            part.msg_iovlen = static_cast<size_t>(someCount);
                            return __real_sendmsg(fd, &part, flags);
                          });
  });
}
ssize_t __wrap_pwrite(int fd, const void* from, size_t size, off_t offset) {
  visit(fd);
  return change("pwrite", __builtin_return_address(0), [&] {
    return transfer(kByPosition, size,
                    [&](size_t bytes) { return __real_pwrite(fd, from, bytes, offset); });
  });
}

// These are slow where the disk is, and nothing else.
int __wrap_access(const char* path, int mode) {
  visit(path);
  return __real_access(path, mode);
}
int __wrap_flock(int fd, int operation) {
  visit(fd);
  return __real_flock(fd, operation);
}
int __wrap_fstatvfs(int fd, struct statvfs* status) {
  visit(fd);
  return __real_fstatvfs(fd, status);
}
DIR* __wrap_opendir(const char* path) {
  visit(path);
  return __real_opendir(path);
}
int __wrap_connect(int fd, const sockaddr* address, socklen_t size) {
  if (address->sa_family == AF_UNIX) visit(reinterpret_cast<const sockaddr_un*>(address)->sun_path);
  return __real_connect(fd, address, size);
}
int __wrap_close(int fd) {
  visit(fd);
  return __real_close(fd);
}

int __wrap_clock_gettime(clockid_t which, timespec* now) {
  int result = __real_clock_gettime(which, now);
  if (which != CLOCK_REALTIME && which != CLOCK_REALTIME_COARSE) return result;
  int64_t moved = now->tv_nsec + offsetNs();
  now->tv_sec += moved / 1'000'000'000;
  now->tv_nsec = moved % 1'000'000'000;
  if (now->tv_nsec < 0) {
    now->tv_nsec += 1'000'000'000;
    --now->tv_sec;
  }
  return result;
}
int __wrap_gettimeofday(timeval* now, void* zone) {
  int result = __real_gettimeofday(now, zone);
  now->tv_sec += offsetNs() / 1'000'000'000;
  return result;
}
time_t __wrap_time(time_t* result) {
  time_t now = __real_time(nullptr) + offsetNs() / 1'000'000'000;
  if (result) *result = now;
  return now;
}
}
