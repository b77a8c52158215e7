// An endpoint says where an agent listens and a controller dials, as text and as a socket address.
// Nothing here resolves names.
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

  // Returns the form that fromText reads.
  std::string text() const;

  // True for 127.0.0.0/8, ::1, ::ffff:127.0.0.0/104, and a unix socket.
  bool loopback() const;
  // Returns 0 for a unix socket.
  uint16_t port() const;
  std::string path() const;
  const sockaddr* socketAddress() const { return reinterpret_cast<const sockaddr*>(&address); }

  // Opens a non-blocking stream socket of this family. Throws kj::Exception.
  kj::AutoCloseFd openSocket() const;
};

// Returns a peer's address without its port, such as "127.0.0.1" or "::1"; "unix" for a unix
// socket.
std::string hostText(const sockaddr_storage& address);

// Sets NODELAY, keepalive 3 s / 1 s / 3 probes and USER_TIMEOUT 5 s, which find a dead peer in 5 to
// 6 s where the heartbeat does not come first. Does nothing to unix sockets. An option that the
// kernel refuses stays as it is.
void setTcpOptions(int socket);

}  // namespace support
