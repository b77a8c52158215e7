#include "harness/cluster/description_json.h"

#include <stdexcept>

#include <nlohmann/json.hpp>

namespace support {

void to_json(nlohmann::json& json, const Endpoint& endpoint) {
  json = endpoint.text();
}

void from_json(const nlohmann::json& json, Endpoint& endpoint) {
  endpoint = Endpoint::parse(json.get<std::string>());
}

}  // namespace support

namespace harness {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(TlsFiles, authority, certificate, key)
// A cluster that an older release has made has no host names.
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(AgentRoute, endpoint, hostName, tls,
                                                networkNamespace)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(NodeDescription, name, role, labels, addresses, route)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ClusterDescription, name, provisioner, nodes)

nlohmann::json toJson(const ClusterDescription& cluster) {
  return cluster;
}

ClusterDescription descriptionFromJson(const nlohmann::json& json) {
  try {
    return json.get<ClusterDescription>();
  } catch (const nlohmann::json::exception& error) {
    throw std::invalid_argument(std::string("not a cluster's description: ") + error.what());
  }
}

}  // namespace harness
