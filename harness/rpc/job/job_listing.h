// What is known of the jobs of a node, whichever session started them, and their end from outside.
// Values only; the calls are in jobs.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <muster/outcome.h>

namespace harness {

// A job for ever: the session that started it, and its number there.
struct JobName {
  std::string session;  // 32 hexadecimal digits.
  uint64_t number = 0;

  auto operator<=>(const JobName&) const = default;
};

// "3fa91c20.7": the first eight digits of the session, and the number.
std::string toString(const JobName& name);

struct JobInfo {
  JobName name;
  std::string node;
  std::string identity;  // Who started it, as the agent knows them.
  std::map<std::string, std::string> labels;
  std::vector<std::string> argv;  // Long ones are cut by the agent.
  bool ended = false;
  muster::Outcome outcome =
      muster::Outcome::lost(muster::LostReason::kUnspecified, "");  // If ended.
  bool alive = false;         // Something of it runs: the command, or what it left behind.
  bool acknowledged = false;  // Its outcome was taken; listed for what it left running.
  int32_t pid = 0;            // 0: it is being launched, or never was.
  uint32_t processes = 0;     // That run now.
  std::chrono::nanoseconds elapsed{0};  // Until now or its end.
  int64_t startedRealtimeNs = 0;        // On the node's clock.

  // The label's value; empty: it has none.
  std::string label(const std::string& key) const;
};

enum class JobsWanted {
  kAlive,  // Of which something runs.
  kAll,    // Also those that ended and were not acknowledged yet.
};

struct JobFilter {
  std::map<std::string, std::string> labels;  // All of them. Empty: any job.
  std::vector<JobName> only;                  // Empty: any job.
  JobsWanted wanted = JobsWanted::kAlive;
};

struct JobListing {
  std::vector<JobInfo> jobs;  // The newest first.
  bool truncated = false;     // The agent knows more than it lists, which are 1000.
};

// What came of the end of a node's jobs.
struct JobsEnded {
  uint32_t jobs = 0;
  uint32_t processes = 0;            // Of these jobs, when they were found.
  std::vector<JobInfo> remaining;    // That still run, or that are not ours to end.
  std::vector<std::string> reasons;  // Why, one for each of these.
};

}  // namespace harness
