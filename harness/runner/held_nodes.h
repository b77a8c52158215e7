// Keeps the local nodes of a test program up from one process of it to the next: making them anew
// for each suite would cost more than most suites do. The program itself makes them, because it
// knows what its suites need.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "harness/os/fd.h"
#include "harness/os/process.h"
#include "harness/os/wait.h"
#include "harness/runner/running_now.h"

namespace harness::runner {

class HeldNodes;

struct HeldNodesStart {
  std::string program = {};
  std::vector<std::string> arguments = {};

  // Added to our own environment; an empty value takes a variable away.
  std::map<std::string, std::string> environment = {};

  // Where the program tells how far it is (harness/run/nodes_making.h).
  std::string makingFile = {};

  // Called at least each 50 ms while nodes are made or removed, and when that is over. Returns
  // whether to wait on: without that, nodes that are being made are removed, and a removal is left
  // to the nodes' own guardian.
  std::function<bool(const HeldNodes& nodes)> look = {};

  // A line that the program has written to standard error.
  std::function<void(const std::string& line)> said = {};
};

class HeldNodes {
 public:
  // Starts to make the nodes that the tests need which the arguments select, and waits until they
  // are there. Throws SystemError.
  explicit HeldNodes(HeldNodesStart start);

  // Removes the nodes, and waits for that.
  ~HeldNodes();
  HeldNodes(const HeldNodes&) = delete;
  HeldNodes& operator=(const HeldNodes&) = delete;

  // Returns the cluster's name; empty if the tests need none, or if they could not be made, which
  // the processes then find out for themselves.
  const std::string& cluster() const { return cluster_; }

  bool isMaking() const { return stage_ == Stage::kMaking; }

  // Returns what is done at this moment, without the name of the program. Without work: nothing is.
  RunningNow now() const;

 private:
  enum class Stage { kMaking, kUp, kRemoving, kGone };

  // Waits for what the program writes, for its end, or for a while. Returns whether to wait on.
  bool turn(Deadline end);
  void readAnswer();
  void readErrors();
  // Passes on the lines that are whole.
  void takeLines();

  HeldNodesStart start_;
  Stage stage_ = Stage::kMaking;
  std::chrono::steady_clock::time_point stageBegin_;
  Child child_;
  Fd input_;
  Fd output_;
  Fd errors_;
  std::string answer_;
  std::string said_;
  std::string cluster_;
};

}  // namespace harness::runner
