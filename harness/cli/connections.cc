#include "harness/cli/connections.h"

#include <exception>

#include "harness/cli/command_error.h"
#include "harness/cluster/reservation_label.h"
#include "harness/cluster/run_id.h"
#include "harness/os/current_user.h"
#include "harness/os/process_mark.h"

namespace harness {
namespace {

constexpr std::chrono::seconds kCloseTime{3};

std::vector<ControllerNode*> connectAll(Controller& controller,
                                        const std::vector<NodeDescription>& nodes) {
  std::vector<ControllerNode*> connected;
  for (const NodeDescription& node : nodes) connected.push_back(&controller.connect(node));
  return connected;
}

}  // namespace

ControllerOptions commandOptions(const std::string& runId) {
  ControllerOptions options;
  options.labels = {{"program", "muster"},
                    {kRunLabel, runId},
                    {kProcessLabel, ProcessMark::own().text()},
                    {kUserLabel, currentUser()}};
  std::string reservations = inheritedReservations();
  if (!reservations.empty()) options.labels.emplace_back(kReservationLabel, reservations);
  return options;
}

Connections::Connections(const std::vector<NodeDescription>& nodes,
                         const ControllerOptions& options)
    : controller_(options),
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
