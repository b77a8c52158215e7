#include "bench/floor/launch.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <thread>

#include "bench/floor/clock.h"

namespace bench {
namespace {

constexpr size_t kStackBytes = 64 << 10;
constexpr size_t kReadBytes = 64 << 10;

[[noreturn]] void fail(const char* what, int error) {
  throw std::system_error(error, std::generic_category(), what);
}

struct Pipe {
  int readEnd = -1;
  int writeEnd = -1;

  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) fail("pipe", errno);
    readEnd = ends[0];
    writeEnd = ends[1];
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    closeWriteEnd();
    close(readEnd);
  }
  void closeWriteEnd() {
    if (writeEnd >= 0) close(writeEnd);
    writeEnd = -1;
  }
};

pid_t posixSpawn(char* const* argv, const Pipe& output, const Pipe& errors) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output.writeEnd, 1);
  posix_spawn_file_actions_adddup2(&actions, errors.writeEnd, 2);
  pid_t pid = 0;
  int error = posix_spawn(&pid, argv[0], &actions, nullptr, argv, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) fail(argv[0], error);
  return pid;
}

struct Child {
  char* const* argv;
  int outputFd;
  int errorsFd;
  volatile int error = 0;  // The child writes it, because it shares our memory until it executes.
};

int enterChild(void* argument) {
  auto* child = static_cast<Child*>(argument);
  int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  dup2(null, 0);
  dup2(child->outputFd, 1);
  dup2(child->errorsFd, 2);
  execve(child->argv[0], child->argv, environ);
  child->error = errno;
  _exit(127);
}

pid_t cloneVfork(char* const* argv, const Pipe& output, const Pipe& errors) {
  thread_local std::vector<char> stack(kStackBytes);
  Child child{argv, output.writeEnd, errors.writeEnd};
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  char* top = stack.data() + stack.size();
  top -= reinterpret_cast<uintptr_t>(top) % 16;
  pid_t pid = clone(enterChild, top, CLONE_VM | CLONE_VFORK | SIGCHLD, &child);
  int error = pid < 0 ? errno : child.error;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid > 0 && error != 0) waitpid(pid, nullptr, 0);
  if (error != 0) fail(argv[0], error);
  return pid;
}

size_t drainBoth(const Pipe& output, const Pipe& errors) {
  thread_local std::vector<char> buffer(kReadBytes);
  pollfd polled[2] = {{output.readEnd, POLLIN, 0}, {errors.readEnd, POLLIN, 0}};
  size_t total = 0;
  for (int open = 2; open > 0;) {
    if (poll(polled, 2, -1) < 0) {
      if (errno == EINTR) continue;
      fail("poll", errno);
    }
    for (pollfd& one : polled) {
      if (one.fd < 0 || one.revents == 0) continue;
      ssize_t count = read(one.fd, buffer.data(), buffer.size());
      if (count > 0) {
        total += static_cast<size_t>(count);
      } else {
        one.fd = -1;
        --open;
      }
    }
  }
  return total;
}

}  // namespace

Ended launchAndWait(Launch how, const std::vector<std::string>& argv) {
  std::vector<char*> pointers;
  for (const std::string& item : argv) pointers.push_back(const_cast<char*>(item.c_str()));
  pointers.push_back(nullptr);
  Pipe output, errors;
  pid_t pid = how == Launch::kPosixSpawn ? posixSpawn(pointers.data(), output, errors)
                                         : cloneVfork(pointers.data(), output, errors);
  output.closeWriteEnd();
  errors.closeWriteEnd();
  Ended ended;
  ended.outputBytes = drainBoth(output, errors);
  while (waitpid(pid, &ended.status, 0) < 0) {
    if (errno != EINTR) fail("waitpid", errno);
  }
  return ended;
}

double launchMany(Launch how, const std::vector<std::string>& argv, size_t count, size_t threads) {
  std::atomic<size_t> left = count;
  std::vector<std::thread> workers;
  Stopwatch watch;
  for (size_t i = 0; i < threads; ++i) {
    workers.emplace_back([&left, how, &argv] {
      for (size_t now = left; now > 0;) {
        if (left.compare_exchange_weak(now, now - 1)) {
          launchAndWait(how, argv);
          now = left;
        }
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  return watch.seconds();
}

}  // namespace bench
