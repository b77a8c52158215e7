#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <map>
#include <memory>

#include <kj/io.h>

#include "nodeagent/facts/collect.h"
#include "nodeagent/facts/text.h"

namespace nodeagent::facts {
namespace {

struct Address {
  wire::Interface::Address::Family family;
  std::string text;
  uint8_t prefixLength;
  const char* scope;
};

struct Link {
  unsigned flags = 0;
  std::string macAddress;
  std::vector<Address> addresses;
};

uint8_t prefixLength(const kj::byte* mask, size_t bytes) {
  unsigned bits = 0;
  for (size_t i = 0; i < bytes; ++i) bits += static_cast<unsigned>(__builtin_popcount(mask[i]));
  return static_cast<uint8_t>(bits);
}

Address addressOf(const struct sockaddr_in& address, const struct sockaddr* mask) {
  char text[INET_ADDRSTRLEN] = "";
  ::inet_ntop(AF_INET, &address.sin_addr, text, sizeof text);
  uint32_t number = ntohl(address.sin_addr.s_addr);
  const char* scope = (number >> 24) == 127 ? "host" : (number >> 16) == 0xa9fe ? "link" : "global";
  auto* bytes = mask == nullptr ? nullptr
                                : reinterpret_cast<const kj::byte*>(
                                      &reinterpret_cast<const struct sockaddr_in*>(mask)->sin_addr);
  return {wire::Interface::Address::Family::IPV4, text,
          bytes == nullptr ? uint8_t{32} : prefixLength(bytes, 4), scope};
}

Address addressOf(const struct sockaddr_in6& address, const struct sockaddr* mask) {
  char text[INET6_ADDRSTRLEN] = "";
  ::inet_ntop(AF_INET6, &address.sin6_addr, text, sizeof text);
  const char* scope = IN6_IS_ADDR_LOOPBACK(&address.sin6_addr)    ? "host"
                      : IN6_IS_ADDR_LINKLOCAL(&address.sin6_addr) ? "link"
                                                                  : "global";
  auto* bytes = mask == nullptr
                    ? nullptr
                    : reinterpret_cast<const struct sockaddr_in6*>(mask)->sin6_addr.s6_addr;
  return {wire::Interface::Address::Family::IPV6, text,
          bytes == nullptr ? uint8_t{128} : prefixLength(bytes, 16), scope};
}

std::string macText(const struct sockaddr_ll& address) {
  std::string text;
  bool any = false;
  for (int i = 0; i < address.sll_halen && i < 6; ++i) {
    char byte[4];
    snprintf(byte, sizeof byte, "%s%02x", i == 0 ? "" : ":", address.sll_addr[i]);
    text += byte;
    any = any || address.sll_addr[i] != 0;
  }
  return any ? text : "";
}

std::map<std::string, Link> findLinks() {
  std::map<std::string, Link> links;
  struct ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return links;
  std::unique_ptr<struct ifaddrs, void (*)(struct ifaddrs*)> owned(first, ::freeifaddrs);
  for (auto* entry = first; entry != nullptr; entry = entry->ifa_next) {
    // An address may carry a label such as "eth0:1", which is no interface.
    std::string name(entry->ifa_name, strcspn(entry->ifa_name, ":"));
    Link& link = links[name];
    link.flags = entry->ifa_flags;
    if (entry->ifa_addr == nullptr) continue;
    switch (entry->ifa_addr->sa_family) {
      case AF_INET:
        link.addresses.push_back(addressOf(
            *reinterpret_cast<const struct sockaddr_in*>(entry->ifa_addr), entry->ifa_netmask));
        break;
      case AF_INET6:
        link.addresses.push_back(addressOf(
            *reinterpret_cast<const struct sockaddr_in6*>(entry->ifa_addr), entry->ifa_netmask));
        break;
      case AF_PACKET:
        link.macAddress = macText(*reinterpret_cast<const struct sockaddr_ll*>(entry->ifa_addr));
        break;
    }
  }
  return links;
}

struct ifreq requestFor(const std::string& name) {
  struct ifreq request = {};
  strncpy(request.ifr_name, name.c_str(), sizeof request.ifr_name - 1);
  return request;
}

// Returns megabits per second; 0 if the interface does not tell.
uint32_t speedOf(int socket, const std::string& name) {
  struct ethtool_cmd command = {};
  command.cmd = ETHTOOL_GSET;
  struct ifreq request = requestFor(name);
  request.ifr_data = reinterpret_cast<char*>(&command);
  if (::ioctl(socket, SIOCETHTOOL, &request) < 0) return 0;
  uint32_t speed = ethtool_cmd_speed(&command);
  return speed == static_cast<uint32_t>(SPEED_UNKNOWN) ? 0 : speed;
}

std::string driverOf(int socket, const std::string& name) {
  struct ethtool_drvinfo info = {};
  info.cmd = ETHTOOL_GDRVINFO;
  struct ifreq request = requestFor(name);
  request.ifr_data = reinterpret_cast<char*>(&info);
  if (::ioctl(socket, SIOCETHTOOL, &request) < 0) return "";
  return {info.driver, strnlen(info.driver, sizeof info.driver)};
}

void writeLink(wire::Interface::Builder builder, const std::string& name, const Link& link,
               int socket) {
  builder.setName(plainText(name));
  builder.setMacAddress(link.macAddress.c_str());
  builder.setUp((link.flags & IFF_UP) != 0);
  builder.setCarrier((link.flags & IFF_LOWER_UP) != 0);
  builder.setLoopback((link.flags & IFF_LOOPBACK) != 0);
  struct ifreq request = requestFor(name);
  if (::ioctl(socket, SIOCGIFINDEX, &request) == 0)
    builder.setIndex(static_cast<uint32_t>(request.ifr_ifindex));
  request = requestFor(name);
  if (::ioctl(socket, SIOCGIFMTU, &request) == 0)
    builder.setMtu(static_cast<uint32_t>(request.ifr_mtu));
  builder.setSpeedMbit(speedOf(socket, name));
  builder.setDriver(plainText(driverOf(socket, name)));
  auto addresses = builder.initAddresses(static_cast<unsigned>(link.addresses.size()));
  for (unsigned i = 0; i < addresses.size(); ++i) {
    addresses[i].setFamily(link.addresses[i].family);
    addresses[i].setText(link.addresses[i].text.c_str());
    addresses[i].setPrefixLength(link.addresses[i].prefixLength);
    addresses[i].setScope(link.addresses[i].scope);
  }
}

}  // namespace

void collectInterfaces(wire::Facts::Builder facts) {
  auto links = findLinks();
  kj::AutoCloseFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  auto interfaces = facts.initInterfaces(static_cast<unsigned>(links.size()));
  unsigned i = 0;
  for (auto& [name, link] : links) writeLink(interfaces[i++], name, link, socket);
}

}  // namespace nodeagent::facts
