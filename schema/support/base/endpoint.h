// Where an agent listens and a controller dials, as text and as a socket address. Never resolves
// names.
#pragma once

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <optional>
#include <string>
#include <string_view>

#include <kj/io.h>

namespace support {

enum class Transport {
  kTcp,  // Plain. Only for loopback addresses.
  kTls,  // TLS 1.3 with certificates on both sides, over TCP.
  kUnix
};

struct Endpoint {
  Transport transport = Transport::kTcp;
  sockaddr_storage address{};
  socklen_t addressBytes = 0;

  // "tcp:127.0.0.1:7411", "tls:[fe80::1]:7411", "unix:/run/nodeagent/agent.sock". Port 0 lets the
  // kernel choose. On failure nullopt, and `*why` says what is wrong and what would be right.
  static std::optional<Endpoint> fromText(std::string_view text, std::string* why);

  // In the form that fromText reads.
  std::string text() const;

  bool loopback() const;  // 127.0.0.0/8, ::1, ::ffff:127.0.0.0/104, or a unix socket.
  uint16_t port() const;  // 0 for a unix socket.
  std::string path() const;
  const sockaddr* socketAddress() const { return reinterpret_cast<const sockaddr*>(&address); }

  // A non-blocking stream socket of this family. Throws kj::Exception.
  kj::AutoCloseFd openSocket() const;
};

// "127.0.0.1" or "::1" of a peer's address; "unix" for a unix socket.
std::string hostText(const sockaddr_storage& address);

// NODELAY, keepalive 3 s / 1 s / 3 probes, USER_TIMEOUT 5 s: finds a dead peer in 5 to 6 s where
// the heartbeat does not come first. Nothing for unix sockets. What the kernel refuses is left as
// it is.
void setTcpOptions(int socket);

}  // namespace support
