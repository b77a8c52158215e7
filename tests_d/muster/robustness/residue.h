// What a trial must not leave on the machine: processes that carry its tag, files, control groups,
// and descriptors or memory of the agent (invariant I4).
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "tests_d/muster/support/wait.h"

namespace faults {

// The environment variable that every payload has and its children inherit.
inline constexpr char kTagVariable[] = "MUSTER_FAULT_TAG";

struct TaggedProcess {
  pid_t pid = 0;
  char state = '?';  // As in /proc/PID/stat; zombies ('Z', 'X') are left out: they hold nothing.
  std::string command;
};

// Processes with `tag` in their environment or arguments, but the caller.
std::vector<TaggedProcess> taggedProcesses(const std::string& tag);

// The file that payloads which note their execution in `counter` hold a shared lock on, and with
// them their descendants: a chain of processes that live for a millisecond each is always gone
// when one looks for it in /proc, but cannot hide its lock.
std::string lockOf(const std::string& counter);

// Whether anybody holds it.
bool locked(const std::string& lock);

// Waits until no process is there that carries the tag or holds the lock. False: `within` passed
// first.
bool noneLeft(const std::string& tag, const std::string& lock, std::chrono::nanoseconds within);

// "4711 (sleep) S, 4712 …"
std::string toString(const std::vector<TaggedProcess>& processes);

// Kills what is left, so that one failed trial does not disturb the next.
void killTagged(const std::string& tag);

// Control groups below any hierarchy whose path contains `part`.
std::vector<std::string> controlGroups(const std::string& part);

// Every file below `directory`, relative, sorted.
std::vector<std::string> filesBelow(const std::string& directory);

size_t descriptorsOf(pid_t pid);
size_t residentBytesOf(pid_t pid);

// The most that it ever had.
size_t residentBytesMaxOf(pid_t pid);

// The only ways to wait here for what nobody announces.
using muster_tests::becomesTrue;
using muster_tests::letPass;

}  // namespace faults
