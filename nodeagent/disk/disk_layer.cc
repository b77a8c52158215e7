#include "nodeagent/disk/disk_layer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

#include <kj/io.h>
#include <kj/thread.h>

#include "nodeagent/disk/layer_session.h"
#include "nodeagent/os/process.h"

namespace nodeagent::disk {
namespace {

constexpr int kWrongWords = 64;
constexpr int kCannotServe = 71;
constexpr size_t kWords = 8;
constexpr int kLookMs = 20;

uint64_t numberIn(const std::string& word) {
  return strtoull(word.c_str(), nullptr, 10);
}

void raiseLimitOfFiles() {
  struct rlimit limit {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) < 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// The page that the keeper reads. It is one writer's, at the same place in every process.
class StatusPage {
 public:
  explicit StatusPage(int file)
      : status_(static_cast<LayerStatus*>(
            ::mmap(nullptr, kStatusBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0))) {}

  bool isThere() const { return status_ != MAP_FAILED; }

  void set(uint64_t LayerStatus::*field, uint64_t value) {
    __atomic_store_n(&(status_->*field), value, __ATOMIC_RELAXED);
  }

  // All that was set before is seen with it.
  void setState(LayerStatus::State state) {
    __atomic_store_n(reinterpret_cast<uint64_t*>(&status_->state), static_cast<uint64_t>(state),
                     __ATOMIC_RELEASE);
  }

  void setCounts(LayerSession& session) {
    DisturbanceCount count = session.count();
    set(&LayerStatus::delayed, count.delayed);
    set(&LayerStatus::writes, count.writes);
    set(&LayerStatus::failedWrites, count.failed);
    set(&LayerStatus::unsyncedBytes, session.unsyncedBytes());
  }

 private:
  LayerStatus* status_;
};

// Asks nothing of the layer itself: the number of a mount is the kernel's own.
void takeAway(const LayerSpec& spec) {
  struct statx status {};
  int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;
  if (::statx(AT_FDCWD, spec.directory.c_str(), flags, STATX_MNT_ID, &status) < 0) return;
  if (status.stx_mnt_id != spec.mount) return;
  ::umount2(spec.directory.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
}

// Ends the disturbance when it is told to, or when its keeper is gone.
void watch(const LayerSpec& spec, LayerSession& session, StatusPage& page, int keeper,
           const sigset_t& ends, const std::atomic<bool>& isDone) {
  struct timespec look {};
  look.tv_nsec = kLookMs * 1'000'000;
  bool isOver = false;
  while (!isDone) {
    int signal = ::sigtimedwait(&ends, nullptr, &look);
    struct pollfd gone {};
    gone.fd = keeper;
    gone.events = POLLIN;
    bool isLost = ::poll(&gone, 1, 0) > 0;
    page.setCounts(session);
    if (isOver || (signal < 0 && !isLost)) continue;
    isOver = true;
    Lost lost = session.end();
    page.setCounts(session);
    page.set(&LayerStatus::lostBytes, lost.bytes);
    page.set(&LayerStatus::lostFiles, lost.files);
    page.set(&LayerStatus::error, static_cast<uint64_t>(lost.error));
    page.setState(LayerStatus::State::kOver);
    // The keeper cannot take the mount away, and the next one may never come.
    if (isLost) takeAway(spec);
  }
}

int serve(const LayerSpec& spec, StatusPage& page, int keeper) {
  kj::AutoCloseFd directory(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
  auto info = readProcess(::getpid());
  KJ_IF_MAYBE (own, info) page.set(&LayerStatus::startTicks, own->startTicks);
  page.set(&LayerStatus::pid, static_cast<uint64_t>(::getpid()));
  LayerSession session(spec, STDIN_FILENO, kj::mv(directory),
                       [&]() { page.setState(LayerStatus::State::kServing); });
  if (!session.isThere()) return kCannotServe;
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &ends, nullptr);
  std::atomic<bool> isDone = false;
  kj::Thread watcher([&]() { watch(spec, session, page, keeper, ends, isDone); });
  KJ_DEFER(isDone = true);
  return session.serve() ? 0 : kCannotServe;
}

}  // namespace

std::vector<std::string> layerWords(const LayerSpec& spec) {
  const DisturbanceSpec& disturbance = spec.disturbance;
  return {std::to_string(disturbance.delayNs),
          std::to_string(disturbance.bytesPerSecond),
          std::to_string(disturbance.failFrom),
          std::to_string(disturbance.failCount),
          std::to_string(disturbance.failError),
          spec.losesUnsynced ? "1" : "0",
          spec.directory,
          std::to_string(spec.mount)};
}

bool readStatus(int file, LayerStatus& status) {
  return ::pread(file, &status, kStatusBytes, 0) == static_cast<ssize_t>(kStatusBytes);
}

bool readStatusOf(pid_t pid, LayerStatus& status) {
  std::string path = "/proc/" + std::to_string(pid) + "/fd/2";
  kj::AutoCloseFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  return file.get() >= 0 && readStatus(file, status);
}

int runLayer(const std::vector<std::string>& words) {
  if (words.size() != kWords) return kWrongWords;
  LayerSpec spec;
  spec.disturbance.delayNs = static_cast<int64_t>(numberIn(words[0]));
  spec.disturbance.bytesPerSecond = numberIn(words[1]);
  spec.disturbance.failFrom = numberIn(words[2]);
  spec.disturbance.failCount = numberIn(words[3]);
  spec.disturbance.failError = static_cast<int>(numberIn(words[4]));
  spec.losesUnsynced = words[5] == "1";
  spec.directory = words[6];
  spec.mount = numberIn(words[7]);
  StatusPage page(STDERR_FILENO);
  if (!page.isThere()) return kWrongWords;
  raiseLimitOfFiles();
  pid_t parent = ::getppid();
  kj::AutoCloseFd keeper(static_cast<int>(::syscall(SYS_pidfd_open, parent, 0)));
  if (keeper.get() < 0 || ::getppid() != parent) return kCannotServe;
  // It may have to serve open files for longer than its keeper takes part in it, so the node's
  // first process reaps it.
  pid_t child = ::fork();
  if (child < 0) return kCannotServe;
  if (child > 0) return 0;
  ::setsid();
  return serve(spec, page, keeper);
}

}  // namespace nodeagent::disk
