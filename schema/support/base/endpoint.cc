#include "schema/support/base/endpoint.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <string.h>

#include <charconv>

namespace support {
namespace {

struct Scheme {
  std::string_view prefix;
  Transport transport;
};

constexpr Scheme kSchemes[] = {
    {"tcp:", Transport::kTcp}, {"tls:", Transport::kTls}, {"unix:", Transport::kUnix}};

template <typename T>
bool readNumber(std::string_view text, T max, T& number) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && !text.empty() && number <= max;
}

// What stands behind "%": an interface's name, or its index.
bool readZone(const std::string& zone, uint32_t& scope) {
  if (readNumber<uint32_t>(zone, UINT32_MAX, scope)) return scope != 0;
  scope = ::if_nametoindex(zone.c_str());
  return scope != 0;
}

bool parseHost6(const std::string& host, sockaddr_in6& address, std::string& zone) {
  size_t percent = host.find('%');
  if (::inet_pton(AF_INET6, host.substr(0, percent).c_str(), &address.sin6_addr) != 1) return false;
  if (percent == std::string::npos) return true;
  zone = host.substr(percent + 1);
  return readZone(zone, address.sin6_scope_id);
}

bool parseInet(std::string_view text, Endpoint& endpoint, std::string* why) {
  // The last colon is the port's: an IPv6 address has colons of its own, within brackets.
  size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    *why = "has no port; write ADDRESS:PORT, such as 127.0.0.1:7411 or [::1]:7411";
    return false;
  }
  std::string_view portText = text.substr(colon + 1);
  uint32_t port = 0;
  if (!readNumber<uint32_t>(portText, 65535, port)) {
    *why = "has port \"" + std::string(portText) + "\"; it must be a number from 0 to 65535";
    return false;
  }
  std::string host(text.substr(0, colon));
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    auto& address = reinterpret_cast<sockaddr_in6&>(endpoint.address);
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(static_cast<uint16_t>(port));
    endpoint.addressBytes = sizeof address;
    if (parseHost6(host.substr(1, host.size() - 2), address, endpoint.zone)) return true;
  } else {
    auto& address = reinterpret_cast<sockaddr_in&>(endpoint.address);
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    endpoint.addressBytes = sizeof address;
    if (::inet_pton(AF_INET, host.c_str(), &address.sin_addr) == 1) return true;
  }
  *why =
      "has address \"" + host +
      "\"; it must be numeric, such as 127.0.0.1, [::1] or [fe80::1%eth0]: names are not resolved";
  return false;
}

bool parseUnix(std::string_view path, Endpoint& endpoint, std::string* why) {
  auto& address = reinterpret_cast<sockaddr_un&>(endpoint.address);
  if (path.empty() || path.front() != '/' || path.find('\0') != std::string_view::npos ||
      path.size() >= sizeof address.sun_path) {
    *why =
        "has path \"" + std::string(path) + "\"; it must be absolute and have less than 108 bytes";
    return false;
  }
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, path.data(), path.size());
  endpoint.addressBytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return true;
}

}  // namespace

std::optional<Endpoint> Endpoint::fromText(std::string_view text, std::string* why) {
  for (const Scheme& scheme : kSchemes) {
    if (text.substr(0, scheme.prefix.size()) != scheme.prefix) continue;
    Endpoint endpoint;
    endpoint.transport = scheme.transport;
    std::string_view rest = text.substr(scheme.prefix.size());
    bool good = scheme.transport == Transport::kUnix ? parseUnix(rest, endpoint, why)
                                                     : parseInet(rest, endpoint, why);
    if (!good) return std::nullopt;
    return endpoint;
  }
  *why = "begins with none of tcp: (loopback only), tls: and unix:";
  return std::nullopt;
}

Endpoint Endpoint::parse(std::string_view text) {
  std::string why;
  std::optional<Endpoint> endpoint = fromText(text, &why);
  if (!endpoint) throw EndpointError("\"" + std::string(text) + "\" " + why);
  return *endpoint;
}

bool operator==(const Endpoint& a, const Endpoint& b) {
  return a.transport == b.transport && a.text() == b.text();
}

std::optional<sockaddr_storage> readNumericHost(const std::string& text) {
  sockaddr_storage address{};
  auto& four = reinterpret_cast<sockaddr_in&>(address);
  if (::inet_pton(AF_INET, text.c_str(), &four.sin_addr) == 1) {
    four.sin_family = AF_INET;
    return address;
  }
  address = {};
  auto& six = reinterpret_cast<sockaddr_in6&>(address);
  if (::inet_pton(AF_INET6, text.c_str(), &six.sin6_addr) != 1) return std::nullopt;
  six.sin6_family = AF_INET6;
  return address;
}

bool isNumericHost(const std::string& text) {
  return readNumericHost(text).has_value();
}

std::string hostText(const sockaddr_storage& address) {
  char buffer[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(address).sin_addr, buffer,
                sizeof buffer);
    return buffer;
  }
  if (address.ss_family == AF_INET6) {
    ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr, buffer,
                sizeof buffer);
    return buffer;
  }
  return "unix";
}

std::string Endpoint::text() const {
  if (addressBytes == 0) return "";
  for (const Scheme& scheme : kSchemes) {
    if (scheme.transport == transport) return std::string(scheme.prefix) + place();
  }
  return place();
}

std::string Endpoint::place() const {
  if (addressBytes == 0) return "";
  if (transport == Transport::kUnix) return path();
  std::string numeric = host();
  if (address.ss_family == AF_INET6) numeric = "[" + numeric + "]";
  return numeric + ":" + std::to_string(port());
}

bool Endpoint::loopback() const {
  if (transport == Transport::kUnix) return true;
  if (address.ss_family == AF_INET) {
    return ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr) >> 24 == 127;
  }
  const in6_addr& numeric = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  return IN6_IS_ADDR_LOOPBACK(&numeric) ||
         (IN6_IS_ADDR_V4MAPPED(&numeric) && numeric.s6_addr[12] == 127);
}

std::string Endpoint::host() const {
  if (address.ss_family != AF_INET && address.ss_family != AF_INET6) return "";
  return zone.empty() ? hostText(address) : hostText(address) + "%" + zone;
}

uint16_t Endpoint::port() const {
  if (address.ss_family == AF_INET)
    return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
  if (address.ss_family == AF_INET6)
    return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
  return 0;
}

std::string Endpoint::path() const {
  return address.ss_family == AF_UNIX ? reinterpret_cast<const sockaddr_un&>(address).sun_path : "";
}

}  // namespace support
