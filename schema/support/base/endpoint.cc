#include "schema/support/base/endpoint.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <string.h>

#include <charconv>

#include <kj/debug.h>

namespace support {
namespace {

struct Scheme {
  std::string_view prefix;
  Transport transport;
};

constexpr Scheme kSchemes[] = {
    {"tcp:", Transport::kTcp}, {"tls:", Transport::kTls}, {"unix:", Transport::kUnix}};

bool parseInet(std::string_view text, Endpoint& endpoint, std::string* why) {
  // The last colon is the port's: an IPv6 address has colons of its own, within brackets.
  size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    *why = "has no port; write ADDRESS:PORT, such as 127.0.0.1:7411 or [::1]:7411";
    return false;
  }
  std::string_view portText = text.substr(colon + 1);
  uint32_t port = 0;
  auto [end, error] = std::from_chars(portText.data(), portText.data() + portText.size(), port);
  if (error != std::errc() || end != portText.data() + portText.size() || portText.empty() ||
      port > 65535) {
    *why = "has port \"" + std::string(portText) + "\"; it must be a number from 0 to 65535";
    return false;
  }
  std::string host(text.substr(0, colon));
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    auto& address = reinterpret_cast<sockaddr_in6&>(endpoint.address);
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(static_cast<uint16_t>(port));
    endpoint.addressBytes = sizeof address;
    if (inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &address.sin6_addr) == 1)
      return true;
  } else {
    auto& address = reinterpret_cast<sockaddr_in&>(endpoint.address);
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    endpoint.addressBytes = sizeof address;
    if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) == 1) return true;
  }
  *why = "has address \"" + host +
         "\"; it must be numeric, such as 127.0.0.1 or [::1]: names are not resolved";
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

std::string hostText(const sockaddr_storage& address) {
  char buffer[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(address).sin_addr, buffer,
              sizeof buffer);
    return buffer;
  }
  if (address.ss_family == AF_INET6) {
    inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr, buffer,
              sizeof buffer);
    return buffer;
  }
  return "unix";
}

std::string Endpoint::text() const {
  if (transport == Transport::kUnix) return "unix:" + path();
  std::string host = hostText(address);
  if (address.ss_family == AF_INET6) host = "[" + host + "]";
  return (transport == Transport::kTls ? "tls:" : "tcp:") + host + ":" + std::to_string(port());
}

bool Endpoint::loopback() const {
  if (transport == Transport::kUnix) return true;
  if (address.ss_family == AF_INET) {
    return ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr) >> 24 == 127;
  }
  const in6_addr& host = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  return IN6_IS_ADDR_LOOPBACK(&host) || (IN6_IS_ADDR_V4MAPPED(&host) && host.s6_addr[12] == 127);
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

kj::AutoCloseFd Endpoint::openSocket() const {
  int descriptor;
  KJ_SYSCALL(descriptor = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  return kj::AutoCloseFd(descriptor);
}

void setTcpOptions(int socket) {
  struct Option {
    int level, name, value;
  };
  constexpr Option kOptions[] = {
      {IPPROTO_TCP, TCP_NODELAY, 1},  {SOL_SOCKET, SO_KEEPALIVE, 1},
      {IPPROTO_TCP, TCP_KEEPIDLE, 3}, {IPPROTO_TCP, TCP_KEEPINTVL, 1},
      {IPPROTO_TCP, TCP_KEEPCNT, 3},  {IPPROTO_TCP, TCP_USER_TIMEOUT, 5000},
  };
  // Results are not looked at: a unix socket refuses all of them, and a connection works without
  // them, only slower to notice a dead peer.
  for (const Option& option : kOptions)
    setsockopt(socket, option.level, option.name, &option.value, sizeof option.value);
}

}  // namespace support
