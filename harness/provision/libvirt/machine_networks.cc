#include "harness/provision/libvirt/machine_networks.h"

#include <ifaddrs.h>
#include <netinet/in.h>

#include <memory>

#include "harness/os/error.h"
#include "schema/support/base/endpoint.h"

namespace harness {
namespace {

constexpr uint32_t kMask = 0xffffff00;

uint32_t addressIn(const sockaddr* address) {
  return ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr);
}

}  // namespace

std::optional<uint32_t> ipv4In(const std::string& text) {
  std::optional<sockaddr_storage> address = support::readNumericHost(text);
  if (!address || address->ss_family != AF_INET) return std::nullopt;
  return addressIn(reinterpret_cast<const sockaddr*>(&*address));
}

std::string interfaceOn(const std::string& subnet) {
  uint32_t network = ipv4In(subnet + ".0").value_or(0);
  ifaddrs* list = nullptr;
  check(::getifaddrs(&list), "list the addresses of this machine");
  std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owned(list, &::freeifaddrs);
  for (const ifaddrs* each = list; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || each->ifa_netmask == nullptr) continue;
    if (each->ifa_addr->sa_family != AF_INET) continue;
    // Two networks overlap where they are one by the mask of the larger.
    uint32_t mask = addressIn(each->ifa_netmask) & kMask;
    if ((addressIn(each->ifa_addr) & mask) == (network & mask)) return each->ifa_name;
  }
  return "";
}

}  // namespace harness
