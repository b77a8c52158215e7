#include "harness/provision/static/static_keys.h"

#include <filesystem>
#include <optional>

#include "harness/cluster/node_expression.h"
#include "harness/os/resolve.h"
#include "harness/provision/agent_files.h"

namespace harness {
namespace {

const std::vector<std::string> kTlsKeys = {"authority", "certificate", "key"};

// Returns the bytes of "tcp:", "tls:" or "unix:" at the text's beginning. 0: it has none.
size_t schemeBytes(const std::string& text) {
  if (text.starts_with("unix:")) return 5;
  return text.starts_with("tcp:") || text.starts_with("tls:") ? 4 : 0;
}

// Adds the scheme to an address without one, which is TLS where there are certificates.
std::string withScheme(const std::string& text, bool certificates) {
  if (schemeBytes(text) != 0) return text;
  return (certificates ? "tls:" : "tcp:") + text;
}

void checkTls(const Setting& tls) {
  tls.expectKeys(kTlsKeys);
  for (const std::string& key : kTlsKeys) {
    const Setting* file = tls.find(key);
    if (file == nullptr) tls.fail("tls: the key \"" + key + "\" is missing");
    file->text();
  }
}

// Reads the paths of certificates, which are relative to the cluster file.
TlsFiles tlsFilesOf(const Setting& tls, const std::string& origin) {
  checkTls(tls);
  std::filesystem::path directory = std::filesystem::absolute(origin).parent_path();
  auto path = [&](const char* key) {
    return (directory / tls.find(key)->text()).lexically_normal().string();
  };
  return {path("authority"), path("certificate"), path("key")};
}

// Says where an agent is, by a number or a name.
struct Place {
  support::Endpoint endpoint;
  std::string hostName;
};

// Splits "node7.lab:7411" and "node7.lab", which means the agents' own port. Null: it is none.
std::optional<Place> namedPlace(const std::string& scheme, const std::string& place) {
  size_t colon = place.find(':');
  std::string name = place.substr(0, colon);
  if (!hostNameProblem(name).empty()) return std::nullopt;
  std::string port =
      colon == std::string::npos ? std::to_string(kAgentPort) : place.substr(colon + 1);
  std::string why;
  auto endpoint = support::Endpoint::fromText(scheme + "0.0.0.0:" + port, &why);
  if (!endpoint) return std::nullopt;
  return Place{*endpoint, name};
}

Place placeOf(const Setting& address, bool certificates) {
  const std::string& text = address.text();
  std::string whole = withScheme(text, certificates);
  std::string scheme = whole.substr(0, schemeBytes(whole));
  std::string place = whole.substr(scheme.size());
  std::string why;
  auto endpoint = support::Endpoint::fromText(whole, &why);
  if (scheme == "unix:") {
    if (!endpoint) address.fail("address: " + why);
    return {*endpoint, ""};
  }
  std::optional<Place> named;
  if (!endpoint) named = namedPlace(scheme, place);
  if (named) endpoint = named->endpoint;
  if (!endpoint || endpoint->port() == 0) {
    bool hasZone = place.find('%') != std::string::npos;
    address.fail("address: \"" + place +
                 "\" is neither ADDRESS:PORT, such as 127.0.0.2:7411 or [::1]:7411, nor a host " +
                 "name, such as node7.lab or node7.lab:7411" +
                 (hasZone ? "; behind \"%\" stands an interface of this machine" : ""));
  }
  return named ? *named : Place{*endpoint, ""};
}

void checkAddress(const Setting& address) {
  placeOf(address, false);
}

// Spreads an address such as "tcp:127.0.0.[2-4]:7411" over three nodes.
std::vector<Setting> spreadAddress(const Setting& address, const std::string&, size_t count) {
  const std::string& text = address.text();
  if (count == 1) return {address};
  size_t host = schemeBytes(text);
  size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon < host) colon = text.size();
  std::vector<Setting> all;
  try {
    for (const std::string& each : expandNodeExpression(text.substr(host, colon - host))) {
      all.push_back(address.withText(text.substr(0, host) + each + text.substr(colon)));
    }
  } catch (const NodeExpressionError& error) {
    address.failAt(host + error.position(), std::string("address: ") + error.what());
  }
  if (all.size() != count) {
    address.fail("address: " + std::to_string(all.size()) + " for " + std::to_string(count) +
                 " nodes; write a set as in 127.0.0.[2-4]:7411");
  }
  return all;
}

// These names are of loopback by RFC 6761. What they are is seen when a connection is made.
bool isLocalhost(const std::string& name) {
  return name == "localhost" || name.ends_with(".localhost");
}

AgentRoute routeOf(const Setting& address, const TlsFiles& tls) {
  bool certificates = !tls.certificate.empty();
  Place place = placeOf(address, certificates);
  AgentRoute route;
  route.endpoint = place.endpoint;
  route.hostName = place.hostName;
  const support::Endpoint& endpoint = route.endpoint;
  if (endpoint.transport == support::Transport::kUnix) return route;
  bool plain = endpoint.transport == support::Transport::kTcp;
  if (!plain && !certificates) {
    address.fail("address: tls needs the key \"tls\" with certificates");
  }
  bool isLoopback = place.hostName.empty() ? endpoint.loopback() : isLocalhost(place.hostName);
  if (!certificates && !isLoopback) {
    address.fail("address: " + (place.hostName.empty() ? endpoint.host() : place.hostName) +
                 " is not loopback, so it needs the key \"tls\" with certificates");
  }
  if (plain && !isLoopback) {
    address.fail("address: tcp without TLS is for loopback only");
  }
  if (!plain) route.tls = tls;
  return route;
}

void checkPlan(const ClusterPlan& plan) {
  staticRoutes(plan);
}

}  // namespace

KindKeys staticKeys() {
  return {.name = "static",
          .clusterKeys = {{.name = "tls", .check = checkTls}},
          .nodeKeys = {{.name = "address",
                        .presence = Key::Presence::kRequired,
                        .example = "127.0.0.2:7411",
                        .check = checkAddress,
                        .spread = spreadAddress},
                       {.name = "tls", .check = checkTls}},
          .check = checkPlan};
}

std::vector<AgentRoute> staticRoutes(const ClusterPlan& plan) {
  TlsFiles common;
  auto tls = plan.settings.find("tls");
  if (tls != plan.settings.end()) common = tlsFilesOf(tls->second, plan.origin);
  std::vector<AgentRoute> routes;
  for (const NodePlan& node : plan.nodes) {
    auto own = node.settings.find("tls");
    routes.push_back(
        routeOf(node.settings.at("address"),
                own == node.settings.end() ? common : tlsFilesOf(own->second, plan.origin)));
  }
  return routes;
}

}  // namespace harness
