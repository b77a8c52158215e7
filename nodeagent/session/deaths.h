// Notes which processes of this node ended as only a broken program does, so that a test can be
// told of those that it did not ask for. The services that learn of an end enter it here; this
// finds none by itself.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include <kj/common.h>

#include "schema/support/base/id.h"

namespace nodeagent {

// Tells whether the default effect of the signal is to dump core, as that of SIGSEGV and SIGABRT.
bool isCrashSignal(int signal);

struct Death {
  enum class Kind {
    // The first process of a command ended by a signal of isCrashSignal(), or was killed by the
    // kernel for lack of memory.
    kCommand,

    // Processes of a command were killed by the kernel for lack of memory, its first one apart.
    kMemory,

    // A program wrote the report of a sanitizer to the standard error of a command.
    kReport,

    // The kernel's log names the process.
    kKernel
  };
  Kind kind = Kind::kCommand;

  // The whole session of the command, and its number there. Absent: no command is known.
  std::optional<support::Id> session;
  uint64_t number = 0;

  // 0: unknown.
  pid_t pid = 0;

  // The program of the command, or the name that the kernel keeps.
  std::string program;

  // 0: unknown.
  int signal = 0;
  bool hasDumped = false;
  bool wasOutOfMemory = false;

  // A controller has sent the signal itself.
  bool isProvoked = false;

  // The report, or the line of the log. At most kTextBytesMax are kept.
  std::string text;

  // Counts the deaths since the keeper began, from 1.
  uint64_t position = 0;
};

// Belongs to the keeper's thread. Everything is bounded: the oldest goes.
class Deaths final {
 public:
  static constexpr size_t kKeptMax = 256;
  static constexpr size_t kPlacesMax = 64;
  static constexpr size_t kProvokedMax = 1024;
  static constexpr size_t kTextBytesMax = 8 << 10;

  Deaths() = default;
  KJ_DISALLOW_COPY(Deaths);

  void add(Death death);

  // Returns the deaths behind `position` that belong to `session` or to none, the oldest first.
  std::vector<Death> since(uint64_t position, const support::Id& session) const;

  // Returns the position of the newest one; 0 if there was none.
  uint64_t position() const { return positionNext_ - 1; }

  // Notes a directory in which a process may have left its core file, and the beginning of the
  // paths of a sanitizer's reports (its option log_path). Relative ones are not noted.
  void noteDirectory(const std::string& path) { note(directories_, path); }
  void noteReports(const std::string& prefix) { note(reports_, prefix); }

  // Return what was noted, the newest last.
  std::vector<std::string> directories() const {
    return {directories_.begin(), directories_.end()};
  }
  std::vector<std::string> reports() const { return {reports_.begin(), reports_.end()}; }

  // Note that a controller sends this signal to a service or a process of the node, and tell
  // whether that was noted.
  void provoke(const std::string& service, int signal);
  void provoke(pid_t pid, int signal) { provoke(std::to_string(pid), signal); }
  bool isProvoked(const std::string& service, int signal) const;
  bool isProvoked(pid_t pid, int signal) const { return isProvoked(std::to_string(pid), signal); }

 private:
  struct Provoked {
    std::string service;
    int signal = 0;
  };

  static void note(std::deque<std::string>& places, const std::string& path);

  uint64_t positionNext_ = 1;
  std::deque<Death> deaths_;
  std::deque<std::string> directories_;
  std::deque<std::string> reports_;
  std::deque<Provoked> provoked_;
};

}  // namespace nodeagent
