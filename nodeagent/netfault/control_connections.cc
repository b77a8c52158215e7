#include "nodeagent/netfault/control_connections.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <memory>
#include <sstream>

#include "nodeagent/os/read_file.h"
#include "schema/support/base/endpoint.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::netfault {
namespace {

constexpr size_t kDigits4 = 8;
constexpr size_t kDigits6 = 32;
constexpr size_t kTableBytesMax = 64 << 20;

// The kernel writes each 32 bits of an address as a number of the machine.
std::string textOf(const std::string& digits) {
  if (digits.size() != kDigits4 && digits.size() != kDigits6) return "";
  unsigned char bytes[kDigits6 / 2] = {};
  for (size_t i = 0; i < digits.size() / kDigits4; ++i) {
    auto word =
        static_cast<uint32_t>(strtoul(digits.substr(i * kDigits4, kDigits4).c_str(), nullptr, 16));
    memcpy(bytes + i * sizeof word, &word, sizeof word);
  }
  sockaddr_storage address{};
  if (digits.size() == kDigits4) {
    address.ss_family = AF_INET;
    memcpy(&reinterpret_cast<sockaddr_in&>(address).sin_addr, bytes, sizeof(in_addr));
    return support::hostText(address);
  }
  auto& six = reinterpret_cast<sockaddr_in6&>(address);
  six.sin6_family = AF_INET6;
  memcpy(&six.sin6_addr, bytes, sizeof(in6_addr));
  if (!IN6_IS_ADDR_V4MAPPED(&six.sin6_addr)) return support::hostText(address);
  sockaddr_storage mapped{};
  mapped.ss_family = AF_INET;
  memcpy(&reinterpret_cast<sockaddr_in&>(mapped).sin_addr, bytes + 12, sizeof(in_addr));
  return support::hostText(mapped);
}

}  // namespace

std::set<std::string> localAddressesIn(kj::StringPtr text, kj::ArrayPtr<const uint16_t> ports) {
  std::set<std::string> addresses;
  std::istringstream lines(text.cStr());
  for (std::string line; std::getline(lines, line);) {
    // "  0: 0100007F:1CF3 0B00000A:D431 01 …"
    std::istringstream words(line);
    std::string number, local, remote, state;
    words >> number >> local >> remote >> state;
    size_t colon = local.find(':');
    if (state != "01" || colon == std::string::npos) continue;
    auto port = static_cast<uint16_t>(strtoul(local.substr(colon + 1).c_str(), nullptr, 16));
    bool isOurs = std::any_of(ports.begin(), ports.end(),
                              [port](uint16_t each) { return each == 0 || each == port; });
    std::string address = textOf(local.substr(0, colon));
    if (isOurs && !address.empty()) addresses.insert(address);
  }
  return addresses;
}

std::set<std::string> controlAddresses(kj::ArrayPtr<const uint16_t> ports) {
  std::set<std::string> addresses;
  for (const char* path : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    addresses.merge(localAddressesIn(readFile(path, kTableBytesMax), ports));
  }
  return addresses;
}

std::set<std::string> addressesOf(kj::StringPtr interface) {
  struct ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) support::failErrno(errno, "read the node's addresses");
  std::unique_ptr<struct ifaddrs, void (*)(struct ifaddrs*)> owned(first, ::freeifaddrs);
  std::set<std::string> addresses;
  for (auto* entry = first; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || interface != entry->ifa_name) continue;
    bool isFour = entry->ifa_addr->sa_family == AF_INET;
    if (!isFour && entry->ifa_addr->sa_family != AF_INET6) continue;
    sockaddr_storage address{};
    memcpy(&address, entry->ifa_addr, isFour ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    addresses.insert(support::hostText(address));
  }
  return addresses;
}

}  // namespace nodeagent::netfault
