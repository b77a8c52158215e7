#include "harness/cluster/description_json.h"

#include <stdexcept>

#include <nlohmann/json.hpp>

namespace harness {

NLOHMANN_JSON_SERIALIZE_ENUM(Endpoint::Kind,
                             {{Endpoint::Kind::kUnix, "unix"}, {Endpoint::Kind::kTcp, "tcp"}})
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(TlsFiles, authority, certificate, key)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Endpoint, kind, address, port, networkNamespace, tls)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(NodeDescription, name, role, labels, addresses, endpoint)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ClusterDescription, name, provisioner, nodes)

std::string toJson(const ClusterDescription& cluster) {
  return nlohmann::json(cluster).dump();
}

ClusterDescription descriptionFromJson(const std::string& text) {
  try {
    return nlohmann::json::parse(text).get<ClusterDescription>();
  } catch (const nlohmann::json::exception& error) {
    throw std::invalid_argument(std::string("not a cluster's description: ") + error.what());
  }
}

}  // namespace harness
