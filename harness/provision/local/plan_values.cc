#include "harness/provision/local/plan_values.h"

#include "harness/provision/local/local_keys.h"

namespace harness {
namespace {

std::string listText(const std::vector<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts) list += (list.empty() ? "" : ", ") + text;
  return "[" + list + "]";
}

}  // namespace

PlanValues planValues(const ClusterPlan& plan) {
  LocalSettings settings = readLocalSettings(plan);
  PlanValues values;
  values.cluster["control"] = settings.control == Control::kUnix ? "unix" : "tcp";
  for (size_t i = 0; i < plan.nodes.size(); ++i) {
    const NodePlan& node = plan.nodes[i];
    const LocalNodeSettings& own = settings.nodes[i];
    values.nodes[node.name] = {{"role", node.role},
                               {"labels", labelsText(node.labels)},
                               {"init", wordFor(own.init)},
                               {"boot", listText(own.boot)},
                               {"capabilities", listText(own.capabilities)},
                               {"addresses", listText(own.addresses)}};
  }
  return values;
}

}  // namespace harness
