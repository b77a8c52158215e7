// The few calls to Linux that the hub needs, with errors that say what was attempted.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace harness {

// Owns a file descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int number) : number_(number) {}
  Fd(Fd&& other) noexcept : number_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd() { reset(); }

  int get() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }
  int release();
  void reset();

 private:
  int number_ = -1;
};

struct Pipe {
  Fd readEnd;
  Fd writeEnd;
};

using Deadline = std::chrono::steady_clock::time_point;

// Time left until `deadline` in milliseconds as poll() takes it: never negative.
int millisecondsUntil(Deadline deadline);

// Throws ProvisionError "attempt: strerror(error)".
[[noreturn]] void failSystem(const std::string& attempt, int error);
[[noreturn]] void failSystem(const std::string& attempt);  // With errno.

// Returns `result` unless it is negative, then throws as failSystem does.
int64_t check(int64_t result, const std::string& attempt);

Pipe makePipe();                                     // Both ends close on exec.
std::string readFile(const std::string& path);       // Throws if it cannot be read.
std::string readIfPresent(const std::string& path);  // Empty if it cannot be read.
void writeAll(int fd, std::string_view bytes, const std::string& what);

// Writes to an existing file such as one of /proc or /sys.
void writeControl(const std::string& path, std::string_view value);

// Makes a file with this content, or replaces whatever has its name: a symbolic link is not
// followed.
void putFile(const std::string& path, std::string_view content, mode_t mode);

// Makes the directory and its parents (0755); the last one gets `mode`. What exists stays as it is.
void makeDirectories(const std::string& path, mode_t mode = 0755);

// Removes `path` and all below it, following nothing. Throws, and removes nothing, if something is
// mounted in it.
void removeTree(const std::string& path);

// Field 22 of /proc/PID/stat: with the pid, it names one process for ever. 0: no such process.
uint64_t startTimeOf(pid_t pid);

// The last `bytesMax` bytes of a file as one line, for error texts. Empty if there are none.
std::string tailOf(const std::string& path, size_t bytesMax);

std::vector<std::string> namesIn(
    const std::string& directory);  // Without . and ..; sorted; empty if absent.
std::string randomUuid();

}  // namespace harness
