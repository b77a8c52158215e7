#include "harness/provision/local/hub/spec.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "harness/provision/local/hub/error.h"
#include "schema/support/base/text.h"

namespace harness {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(FileSpec, path, content, mode, linkTo)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(BindSpec, from, to, readOnly)
// A test program that was built with an earlier muster sends no fields that are newer.
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(NodeSpec, name, addresses, argv, environment, files,
                                                memory, binds, remove, privateUnits, capabilities,
                                                ready, bootStatus, bootLog)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(HubSpec, cluster, owned, bridgeAddresses, nodes,
                                                files, hostFiles, description, plan, readySeconds,
                                                tellsProgress)

// The texts of a cluster file are UTF-8, and paths of this machine may be any bytes.
std::string toJson(const HubSpec& spec) {
  try {
    return nlohmann::json(spec).dump();
  } catch (const nlohmann::json::type_error& error) {
    for (const NodeSpec& node : spec.nodes) {
      for (const BindSpec& bind : node.binds) {
        if (support::isUtf8(bind.from)) continue;
        throw HubError("the path \"" + support::escaped(bind.from) +
                       "\" is not UTF-8, and nodes have it under that name");
      }
    }
    throw HubError(std::string("write the hub's specification: ") + error.what());
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
