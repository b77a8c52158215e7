#include "harness/os/process.h"

#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <sstream>

#include "harness/os/error.h"
#include "harness/os/files.h"

namespace harness {
namespace {

std::vector<char*> pointersTo(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// The two objects of posix_spawn(3), set up from the options.
class Attributes {
 public:
  explicit Attributes(const SpawnOptions& options) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
    const int given[] = {options.input, options.output, options.errors};
    for (int target = 0; target < 3; ++target) {
      if (given[target] < 0) continue;
      ::posix_spawn_file_actions_adddup2(&actions_, given[target], target);
    }
    if (options.others == OtherDescriptors::kClosed) {
      ::posix_spawn_file_actions_addclosefrom_np(&actions_, 3);
    }
    short flags = 0;
    if (options.blocked) {
      ::posix_spawnattr_setsigmask(&attributes_, &*options.blocked);
      flags |= POSIX_SPAWN_SETSIGMASK;
    }
    if (options.dispositions == Dispositions::kDefault) {
      sigset_t all;
      ::sigfillset(&all);
      ::posix_spawnattr_setsigdefault(&attributes_, &all);
      flags |= POSIX_SPAWN_SETSIGDEF;
    }
    if (options.session == Session::kOwn) flags |= POSIX_SPAWN_SETSID;
    ::posix_spawnattr_setflags(&attributes_, flags);
  }
  ~Attributes() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;

  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

Fd handleOf(pid_t pid) {
  return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

// False: it goes on at the deadline.
bool awaitHandle(int handle, Deadline deadline) {
  while (true) {
    pollfd ended{handle, POLLIN, 0};
    int count = ::poll(&ended, 1, millisecondsUntil(deadline));
    if (count > 0) return true;
    if (count == 0 && std::chrono::steady_clock::now() >= deadline) return false;
    if (count < 0 && errno != EINTR) failSystem("wait for a process");
  }
}

}  // namespace

SpawnOptions apart(std::vector<std::string> argv) {
  SpawnOptions options;
  options.argv = std::move(argv);
  options.others = OtherDescriptors::kClosed;
  // An interrupt from the terminal is the caller's to pass on.
  options.session = Session::kOwn;
  options.dispositions = Dispositions::kDefault;
  sigset_t none;
  ::sigemptyset(&none);
  options.blocked = none;
  return options;
}

Child::Child(pid_t pid) : pid_(pid), handle_(handleOf(pid)) {}

Child& Child::operator=(Child&& other) noexcept {
  pid_ = std::exchange(other.pid_, 0);
  handle_ = std::move(other.handle_);
  return *this;
}

void Child::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

std::optional<int> Child::awaitEnd(Deadline deadline) {
  if (pid_ <= 0) return 0;
  int status = 0;
  auto reaped = [&] { return ::waitpid(pid_, &status, WNOHANG) != 0; };
  // Without a handle, for which no descriptor was free, it is asked for again and again.
  bool ended = handle_ ? awaitHandle(handle_.get(), deadline) && waitUntil(deadline, reaped)
                       : waitUntil(deadline, reaped);
  if (!ended) return std::nullopt;
  pid_ = 0;
  handle_.reset();
  return status;
}

int Child::endBy(Deadline deadline) {
  if (std::optional<int> status = awaitEnd(deadline)) return *status;
  signal(SIGKILL);
  return awaitEnd(Deadline::max()).value_or(0);
}

std::vector<std::string> ownCommandLine() {
  std::string words = readIfPresent("/proc/self/cmdline");
  std::vector<std::string> all;
  for (size_t begin = 0; begin < words.size();) {
    size_t end = std::min(words.find('\0', begin), words.size());
    all.push_back(words.substr(begin, end - begin));
    begin = end + 1;
  }
  return all;
}

Child spawn(const SpawnOptions& options) {
  Attributes set(options);
  std::vector<char*> argv = pointersTo(options.argv);
  std::vector<char*> environment;
  if (options.environment) environment = pointersTo(*options.environment);
  pid_t pid = 0;
  int error = ::posix_spawn(&pid, argv[0], set.actions(), set.attributes(), argv.data(),
                            options.environment ? environment.data() : environ);
  if (error != 0) failSystem("start " + options.argv[0], error);
  return Child(pid);
}

bool killProcess(pid_t pid, uint64_t startTime, Deadline deadline) {
  Fd handle = handleOf(pid);
  // The handle comes first: behind it the pid cannot become another process unseen.
  if (!handle || startTimeOf(pid) != startTime) return true;
  ::syscall(SYS_pidfd_send_signal, handle.get(), SIGKILL, nullptr, 0);
  return awaitHandle(handle.get(), deadline);
}

uint64_t startTimeOf(pid_t pid) {
  std::string stat = readIfPresent("/proc/" + std::to_string(pid) + "/stat");
  // The command's name may itself hold blanks and parentheses.
  size_t end = stat.rfind(')');
  if (end == std::string::npos) return 0;
  std::istringstream fields(stat.substr(end + 1));
  std::string field;
  for (int number = 3; number <= 22; ++number) fields >> field;
  return std::strtoull(field.c_str(), nullptr, 10);
}

}  // namespace harness
