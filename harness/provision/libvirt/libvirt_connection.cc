#include "harness/provision/libvirt/libvirt_connection.h"

#include <libvirt/virterror.h>

#include <cstdlib>

#include "harness/provision/error.h"

namespace harness {
namespace {

using Kind = ProvisionError::Kind;

// libvirt would write each error to standard error as well.
void ignoreError(void* /*data*/, virErrorPtr /*error*/) {}

std::string lastText() {
  virErrorPtr error = ::virGetLastError();
  return error == nullptr || error->message == nullptr ? "libvirt gives no reason" : error->message;
}

int lastCode() {
  return ::virGetLastErrorCode();
}

[[noreturn]] void failAt(const std::string& attempt, const std::string& node = "") {
  int code = lastCode();
  bool isDenied = code == VIR_ERR_ACCESS_DENIED || code == VIR_ERR_OPERATION_DENIED ||
                  code == VIR_ERR_AUTH_FAILED || code == VIR_ERR_AUTH_CANCELLED;
  Kind kind = isDenied              ? Kind::kNoPermission
              : code == VIR_ERR_RPC ? Kind::kNoAnswer
                                    : Kind::kFailed;
  throw ProvisionError(kind, attempt + ": " + lastText(), node);
}

[[noreturn]] void failToConnect(const std::string& uri) {
  std::string text = "libvirt at " + uri + ": " + lastText();
  int code = lastCode();
  if (code == VIR_ERR_AUTH_FAILED || code == VIR_ERR_AUTH_CANCELLED ||
      code == VIR_ERR_ACCESS_DENIED || text.find("Permission denied") != std::string::npos) {
    throw ProvisionError(Kind::kNoPermission, text + "; be root, or a member of the group libvirt");
  }
  if (code == VIR_ERR_NO_CONNECT || code == VIR_ERR_INVALID_ARG ||
      code == VIR_ERR_CONFIG_UNSUPPORTED) {
    throw ProvisionError(
        Kind::kNotPossibleHere,
        text + "; the daemon may lack the driver: install libvirt-daemon-driver-lxc");
  }
  throw ProvisionError(
      Kind::kNoAnswer,
      text + "; install libvirt-daemon-system, and see \"systemctl status libvirtd\"");
}

// Takes what libvirt has allocated.
std::string taken(char* text) {
  if (text == nullptr) return "";
  std::string copy = text;
  std::free(text);
  return copy;
}

}  // namespace

LibvirtConnection::LibvirtConnection(const std::string& uri) {
  ::virSetErrorFunc(nullptr, &ignoreError);
  connection_.reset(::virConnectOpen(uri.c_str()));
  if (connection_ == nullptr) failToConnect(uri);
}

bool LibvirtConnection::isAlive() const {
  return ::virConnectIsAlive(connection_.get()) == 1;
}

uint64_t LibvirtConnection::freeMemory() const {
  int count = 0;
  if (::virNodeGetMemoryStats(connection_.get(), VIR_NODE_MEMORY_STATS_ALL_CELLS, nullptr, &count,
                              0) != 0) {
    failAt("ask for the memory of the machine");
  }
  std::vector<virNodeMemoryStats> stats(static_cast<size_t>(count));
  if (::virNodeGetMemoryStats(connection_.get(), VIR_NODE_MEMORY_STATS_ALL_CELLS, stats.data(),
                              &count, 0) != 0) {
    failAt("ask for the memory of the machine");
  }
  uint64_t kibibytes = 0;
  // What buffers and caches hold is given back to those who need it.
  for (const virNodeMemoryStats& each : stats) {
    std::string field = each.field;
    if (field == VIR_NODE_MEMORY_STATS_FREE || field == VIR_NODE_MEMORY_STATS_BUFFERS ||
        field == VIR_NODE_MEMORY_STATS_CACHED) {
      kibibytes += each.value;
    }
  }
  return kibibytes << 10;
}

std::vector<LibvirtThing> LibvirtConnection::domains() const {
  virDomainPtr* list = nullptr;
  int count = ::virConnectListAllDomains(connection_.get(), &list, 0);
  if (count < 0) failAt("list the domains");
  std::vector<LibvirtThing> things;
  for (int i = 0; i < count; ++i) {
    Domain domain(list[i]);
    std::string xml = taken(::virDomainGetXMLDesc(domain.get(), 0));
    // One that has just ended has no description.
    if (!xml.empty()) things.push_back({::virDomainGetName(domain.get()), xml});
  }
  std::free(list);
  return things;
}

std::vector<LibvirtThing> LibvirtConnection::networks() const {
  virNetworkPtr* list = nullptr;
  int count = ::virConnectListAllNetworks(connection_.get(), &list, 0);
  if (count < 0) failAt("list the networks");
  std::vector<LibvirtThing> things;
  for (int i = 0; i < count; ++i) {
    Network network(list[i]);
    std::string xml = taken(::virNetworkGetXMLDesc(network.get(), 0));
    if (!xml.empty()) things.push_back({::virNetworkGetName(network.get()), xml});
  }
  std::free(list);
  return things;
}

LibvirtConnection::Domain LibvirtConnection::findDomain(const std::string& name) const {
  Domain domain(::virDomainLookupByName(connection_.get(), name.c_str()));
  if (domain == nullptr && lastCode() != VIR_ERR_NO_DOMAIN) failAt("look for domain " + name);
  return domain;
}

LibvirtConnection::Domain LibvirtConnection::requireDomain(const std::string& name,
                                                           const std::string& node) const {
  Domain domain = findDomain(name);
  if (domain == nullptr) throw ProvisionError("the node is off", node);
  return domain;
}

void LibvirtConnection::createDomain(const std::string& xml, DomainTenure tenure,
                                     const std::string& node) {
  unsigned flags = tenure == DomainTenure::kConnection ? VIR_DOMAIN_START_AUTODESTROY : 0;
  Domain domain(::virDomainCreateXML(connection_.get(), xml.c_str(), flags));
  if (domain == nullptr) failAt("start its domain", node);
}

DomainPower LibvirtConnection::power(const std::string& name) const {
  Domain domain = findDomain(name);
  int state = VIR_DOMAIN_NOSTATE;
  if (domain == nullptr || ::virDomainGetState(domain.get(), &state, nullptr, 0) != 0) {
    return DomainPower::kGone;
  }
  if (state == VIR_DOMAIN_PAUSED) return DomainPower::kPaused;
  return state == VIR_DOMAIN_RUNNING || state == VIR_DOMAIN_BLOCKED ? DomainPower::kRunning
                                                                    : DomainPower::kGone;
}

void LibvirtConnection::suspend(const std::string& domain, const std::string& node) {
  if (::virDomainSuspend(requireDomain(domain, node).get()) != 0) failAt("suspend", node);
}

void LibvirtConnection::resume(const std::string& domain, const std::string& node) {
  if (::virDomainResume(requireDomain(domain, node).get()) != 0) failAt("resume", node);
}

void LibvirtConnection::destroyDomain(const std::string& name) {
  Domain domain = findDomain(name);
  if (domain == nullptr) return;
  if (::virDomainDestroy(domain.get()) != 0 && lastCode() != VIR_ERR_NO_DOMAIN &&
      lastCode() != VIR_ERR_OPERATION_INVALID) {
    failAt("destroy domain " + name);
  }
  if (::virDomainIsPersistent(domain.get()) == 1) ::virDomainUndefine(domain.get());
}

void LibvirtConnection::createNetwork(const std::string& xml) {
  Network network(::virNetworkCreateXML(connection_.get(), xml.c_str()));
  if (network == nullptr) failAt("make the network");
}

void LibvirtConnection::destroyNetwork(const std::string& name) {
  Network network(::virNetworkLookupByName(connection_.get(), name.c_str()));
  if (network == nullptr) {
    if (lastCode() == VIR_ERR_NO_NETWORK) return;
    failAt("look for network " + name);
  }
  if (::virNetworkDestroy(network.get()) != 0 && lastCode() != VIR_ERR_NO_NETWORK &&
      lastCode() != VIR_ERR_OPERATION_INVALID) {
    failAt("destroy network " + name);
  }
  if (::virNetworkIsPersistent(network.get()) == 1) ::virNetworkUndefine(network.get());
}

}  // namespace harness
