#include "harness/cli/connections.h"

#include <signal.h>
#include <unistd.h>

#include <thread>

#include "harness/cli/command_error.h"
#include "harness/cluster/run_id.h"

namespace harness {
namespace {

constexpr std::chrono::seconds kCloseTime{3};

// A thread of its own takes the signals that end the program, because a handler could not make
// calls.
sigset_t blockInterrupts() {
  sigset_t set;
  sigemptyset(&set);
  for (int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, number);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return set;
}

ControllerOptions optionsOf(const std::string& runId) {
  ControllerOptions options;
  options.labels = {{"program", "muster"}, {kRunLabel, runId}};
  return options;
}

}  // namespace

Connections::Connections(const std::vector<NodeDescription>& nodes, const std::string& runId)
    : controller_((blockInterrupts(), optionsOf(runId))) {
  sigset_t set = blockInterrupts();
  // The thread is never joined: the one Connections of a command lives until the command is done,
  // which ends the process.
  std::thread([this, set] {
    int number = 0;
    if (::sigwait(&set, &number) != 0) return;
    controller_.closeAll(std::chrono::steady_clock::now() + kCloseTime);
    ::_exit(128 + number);
  }).detach();
  for (const NodeDescription& node : nodes) nodes_.push_back(&controller_.connect(node));
}

Connections::~Connections() {
  controller_.closeAll(std::chrono::steady_clock::now() + kCloseTime);
}

std::string chooseRunId(const std::string& option) {
  std::string id = option.empty() ? inheritedRunId() : option;
  if (id.empty()) return newRunId();
  std::string problem = runIdProblem(id);
  if (problem.empty()) return id;
  throw CommandError(kExitUsage, (option.empty() ? std::string(kRunIdVariable) : "--run-id") +
                                     ": \"" + id + "\" " + problem);
}

}  // namespace harness
