// Finds what a trial must not leave on the machine (invariant I4).
//
// That is processes that carry its tag, files, control groups, and descriptors or memory of the
// agent.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "tests_d/muster/support/wait.h"

namespace robustness {

// The environment variable that every payload gets and its children inherit.
inline constexpr char kTagVariable[] = "MUSTER_FAULT_TAG";

struct TaggedProcess {
  pid_t pid = 0;
  // The letter of /proc/PID/stat. Zombies ('Z', 'X') hold nothing and are left out.
  char state = '?';
  std::string command;
};

// Lists the processes with `tag` in their environment or arguments, except the caller.
std::vector<TaggedProcess> taggedProcesses(const std::string& tag);

// Returns the file on which payloads that note their execution in `counter` hold a shared lock.
//
// Their descendants hold it too. A chain of processes that live for a millisecond each can escape
// every look at /proc, but it cannot hide its lock.
std::string lockOf(const std::string& counter);

// Tells whether a process holds the lock.
bool locked(const std::string& lock);

// Waits until no process carries the tag or holds the lock. False if `within` passed first.
bool noneLeft(const std::string& tag, const std::string& lock, std::chrono::nanoseconds within);

// Writes processes as "4711 (sleep) S, 4712 …".
std::string toString(const std::vector<TaggedProcess>& processes);

// Kills the processes that are left, so that a failed trial does not disturb the next one.
void killTagged(const std::string& tag);

// Lists the control groups of any hierarchy whose name contains `part`.
std::vector<std::string> controlGroups(const std::string& part);

// Lists every file below `directory` by its relative path, sorted.
std::vector<std::string> filesBelow(const std::string& directory);

size_t descriptorsOf(pid_t pid);
size_t residentBytesOf(pid_t pid);

// The most resident memory that the process ever had.
size_t residentBytesMaxOf(pid_t pid);

// Trials wait only by these: becomesTrue for a condition that nothing announces, letPass for a time
// that the seed chose.
using muster_tests::becomesTrue;
using muster_tests::letPass;

}  // namespace robustness
