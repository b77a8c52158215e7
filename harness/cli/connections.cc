#include "harness/cli/connections.h"

#include <exception>

#include "harness/cli/command_error.h"
#include "harness/cluster/run_id.h"
#include "harness/os/process_mark.h"

namespace harness {
namespace {

constexpr std::chrono::seconds kCloseTime{3};

ControllerOptions optionsOf(const std::string& runId) {
  ControllerOptions options;
  options.labels = {
      {"program", "muster"}, {kRunLabel, runId}, {kProcessLabel, ProcessMark::own().text()}};
  return options;
}

std::vector<ControllerNode*> connectAll(Controller& controller,
                                        const std::vector<NodeDescription>& nodes) {
  std::vector<ControllerNode*> connected;
  for (const NodeDescription& node : nodes) connected.push_back(&controller.connect(node));
  return connected;
}

}  // namespace

Connections::Connections(const std::vector<NodeDescription>& nodes, const std::string& runId)
    : controller_(optionsOf(runId)),
      nodes_(connectAll(controller_, nodes)),
      interrupt_([this] { close(); }) {}

Connections::~Connections() {
  close();
}

// What cannot be closed is left to the leases of its sessions.
void Connections::close() noexcept {
  try {
    controller_.closeAll(std::chrono::steady_clock::now() + kCloseTime);
  } catch (const std::exception&) {
  }
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
