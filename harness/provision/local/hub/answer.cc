#include "harness/provision/local/hub/answer.h"

#include <nlohmann/json.hpp>

#include "harness/provision/local/hub/error.h"
#include "schema/support/base/text.h"

namespace harness {

std::string lineOf(const nlohmann::json& answer) {
  return answer.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

nlohmann::json refusalOf(const std::exception& error) {
  const auto* refusal = dynamic_cast<const HubError*>(&error);
  if (refusal == nullptr) {
    return {{"ok", false}, {"node", ""}, {"detail", support::printable(error.what())}};
  }
  return {{"ok", false},
          {"node", refusal->node()},
          {"detail", support::printable(refusal->detail())},
          {"unsupported", refusal->kind() == HubError::Kind::kUnsupported}};
}

}  // namespace harness
