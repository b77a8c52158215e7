#include "harness/provision/local/hub/spec.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "harness/provision/local/hub/error.h"

namespace harness {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(FileSpec, path, content, mode, linkTo)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(BindSpec, from, to, readOnly)
// A test program that was built with an earlier muster sends no fields that are newer.
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(NodeSpec, name, addresses, argv, environment, files,
                                                memory, binds, remove, privateUnits, capabilities,
                                                ready, bootStatus, bootLog)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(HubSpec, cluster, owned, bridgeAddresses, nodes,
                                                files, hostFiles, description, plan, readySeconds)

std::string toJson(const HubSpec& spec) {
  try {
    return nlohmann::json(spec).dump();
  } catch (const nlohmann::json::type_error& error) {
    // The paths of this machine are the only texts that may be other bytes.
    throw HubError(std::string("write the hub's specification: a path is not UTF-8: ") +
                   error.what());
  }
}

HubSpec hubSpecFromJson(const std::string& text) {
  try {
    return nlohmann::json::parse(text).get<HubSpec>();
  } catch (const nlohmann::json::exception& error) {
    throw HubError(std::string("read the hub's specification: ") + error.what());
  }
}

bool isPlainName(const std::string& name, size_t sizeMax) {
  if (name.empty() || name.size() > sizeMax || name[0] == '.' || name[0] == '-') return false;
  return std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  });
}

}  // namespace harness
