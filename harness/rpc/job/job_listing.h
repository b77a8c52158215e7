// Values about the jobs of a node, whichever session started them, and about their end from
// outside. The calls are in jobs.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <muster/outcome.h>

namespace harness {

// Names a job for ever, by the session that started it and its number there.
struct JobName {
  // 32 hexadecimal digits.
  std::string session;
  uint64_t number = 0;

  auto operator<=>(const JobName&) const = default;
};

// "3fa91c20.7": the first eight digits of the session, and the number.
std::string toString(const JobName& name);

struct JobInfo {
  JobName name;
  std::string node;

  // The identity that started the job, as the agent knows it.
  std::string identity;
  std::map<std::string, std::string> labels;

  // The agent cuts long ones.
  std::vector<std::string> argv;
  bool ended = false;

  // Means something only if `ended`.
  muster::Outcome outcome = muster::Outcome::lost(muster::LostReason::kUnspecified, "");

  // A process of the job runs: the command's own, or one that it left behind.
  bool alive = false;

  // The outcome was taken, and the job is listed because it left processes running.
  bool acknowledged = false;

  // 0: the command is being launched, or never was.
  int32_t pid = 0;

  // The number of processes that run now.
  uint32_t processes = 0;

  // The time from the start until now, or until the end.
  std::chrono::nanoseconds elapsed{0};

  // On the node's clock.
  int64_t startedRealtimeNs = 0;

  // Returns the label's value. Empty: there is no such label.
  std::string label(const std::string& key) const;
};

enum class JobsWanted {
  // Jobs with a process that runs.
  kAlive,

  // Those, and the jobs that ended and were not acknowledged yet.
  kAll,
};

struct JobFilter {
  // Labels that a job must all have. Empty: any job.
  std::map<std::string, std::string> labels;

  // Empty: any job.
  std::vector<JobName> only;
  JobsWanted wanted = JobsWanted::kAlive;
};

struct JobListing {
  // The newest first.
  std::vector<JobInfo> jobs;

  // The agent knows more jobs than the 1000 that it lists.
  bool truncated = false;
};

// The result of ending a node's jobs.
struct JobsEnded {
  // The number of jobs that were ended.
  uint32_t jobs = 0;

  // The number of their processes when they were found.
  uint32_t processes = 0;

  // The jobs that still run, or that we may not end.
  std::vector<JobInfo> remaining;

  // One for each of `remaining`: why it remains.
  std::vector<std::string> reasons;
};

}  // namespace harness
