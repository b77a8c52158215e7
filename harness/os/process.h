// spawn() starts a program of this machine, and Child waits for it. Output is kept by command.h.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/os/fd.h"
#include "harness/os/wait.h"

namespace harness {

enum class Session {
  kCallers,
  // An interrupt from the caller's terminal does not reach it.
  kOwn
};

// The treatment of descriptors above 2 that do not close on exec.
enum class OtherDescriptors { kInherited, kClosed };

enum class Dispositions {
  // The program ignores the signals that the caller ignores.
  kCallers,
  kDefault
};

struct SpawnOptions {
  // argv[0] is the path of the program: PATH is not searched.
  std::vector<std::string> argv;
  // "NAME=value". Absent: the caller's.
  std::optional<std::vector<std::string>> environment;
  // Borrowed descriptors that become 0, 1 and 2. Negative: the caller's.
  int input = -1;
  int output = -1;
  int errors = -1;
  OtherDescriptors others = OtherDescriptors::kInherited;
  Session session = Session::kCallers;
  Dispositions dispositions = Dispositions::kCallers;
  // The signals that are blocked in the program. Absent: those of the calling thread.
  std::optional<sigset_t> blocked;
};

// Returns the options of a program that inherits nothing of the caller's descriptors, signals and
// terminal, such as a daemon.
SpawnOptions apart(std::vector<std::string> argv);

// A child process. It goes on when this object is destroyed; awaitEnd() or endBy() reaps it.
class Child {
 public:
  Child() = default;
  explicit Child(pid_t pid);
  Child(Child&& other) noexcept
      : pid_(std::exchange(other.pid_, 0)), handle_(std::move(other.handle_)) {}
  Child& operator=(Child&& other) noexcept;

  // 0: none was started, or it has been reaped.
  pid_t pid() const { return pid_; }

  // A pidfd, for poll(): readable once it has ended. It is this object's.
  int handle() const { return handle_.get(); }

  // Sends nothing to a process that has been reaped.
  void signal(int number) const;

  // Returns its wait status once it has ended; nullopt: it still runs at the deadline.
  std::optional<int> awaitEnd(Deadline deadline);

  // Waits as awaitEnd does, kills it if it still runs, and returns its wait status.
  int endBy(Deadline deadline);

 private:
  pid_t pid_ = 0;
  Fd handle_;
};

// Returns the words by which this process was started.
std::vector<std::string> ownCommandLine();

// Throws SystemError "start PROGRAM: …" if the program cannot be executed.
Child spawn(const SpawnOptions& options);

// Kills the process `pid` if it is still the one that started at `startTime`, and waits for its
// end. False: it does not end before the deadline. It need not be a child of ours.
bool killProcess(pid_t pid, uint64_t startTime, Deadline deadline);

// Returns field 22 of /proc/PID/stat: with the pid, it names one process for ever. 0 means that
// there is no such process.
uint64_t startTimeOf(pid_t pid);

}  // namespace harness
