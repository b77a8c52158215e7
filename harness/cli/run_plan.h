// Says what a run would do, without running it: `muster run --dry-run`. How that is shown is the
// business of run_plan_words.h.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/cli/known_history.h"
#include "harness/cli/node_prospect.h"
#include "harness/runner/runner.h"
#include "harness/selection/choose.h"

namespace harness {

struct PlanTest {
  // COMPONENT/SUITE.NAME
  std::string id = {};

  // Absent: unknown.
  std::optional<double> seconds = {};
  bool isDisruptive = false;

  // How often it runs in the first repeat: more than once on probation.
  int times = 1;

  // Why it cannot run. Empty: nothing is known against it.
  std::string obstacle = {};

  // Waivers that are about it, and what does not run before it.
  std::vector<std::string> notes = {};
};

// Tests that share a process.
struct PlanProcess {
  std::vector<PlanTest> tests = {};

  // The most that any of them needs.
  RoleCounts needs = {};
};

struct PlanProgram {
  std::string component = {};
  std::string path = {};
  RoleCounts nodes = {};
  std::vector<PlanProcess> processes = {};
};

struct RunPlan {
  // Whence the nodes are.
  std::string nodesFrom = {};
  std::string order = {};
  int repeat = 1;

  // In the order in which they are to run. A component may be there more than once.
  std::vector<PlanProgram> programs = {};

  // The ids of those that were selected and that gtest does not run.
  std::vector<std::string> disabled = {};

  // Sentences about the whole.
  std::vector<std::string> notes = {};

  size_t countTests() const;
  size_t countProcesses() const;

  // Those that can run, as far as is known.
  size_t countRunnable() const;

  // The number of those whose time is known, and the sum of these times with all repeats. What
  // suites set up and what making nodes takes comes on top.
  size_t countKnown() const;
  double seconds() const;
};

struct PlanInput {
  // What runs, by programs, and the same tests as they were listed.
  const std::vector<runner::PlannedProgram>& programs;
  const std::vector<selection::ListedTest>& tests;

  // What was chosen, with what does not run.
  const selection::Choice& choice;
  const runner::RunnerOptions& options;

  // As NodeProspect takes it.
  std::string cluster = {};
  std::string order = {};

  // A day such as "2027-06-30", for waivers.
  std::string today = {};
  KnownTimes times = {};
};

// Throws ClusterFileError.
RunPlan planRun(const PlanInput& input);

}  // namespace harness
