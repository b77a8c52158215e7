// An endpoint says where an agent listens and a controller dials, as text and as a socket address.
// Nothing here resolves names or opens a socket (see socket.h).
#pragma once

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace support {

enum class Transport {
  // Plain. Only for loopback addresses.
  kTcp,
  // TLS 1.3 with certificates on both sides, over TCP.
  kTls,
  kUnix
};

// Thrown for a text that is no endpoint; it names the fault and the remedy.
class EndpointError : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

// An endpoint is a value. A default one has no address, and its text is empty.
struct Endpoint {
  Transport transport = Transport::kTcp;
  sockaddr_storage address{};
  socklen_t addressBytes = 0;
  // The interface of a link-local IPv6 address as it was written, "eth0" or "2". Empty: none.
  std::string zone;

  // Reads "tcp:127.0.0.1:7411", "tls:[fe80::1%eth0]:7411", "unix:/run/nodeagent/agent.sock". Port 0
  // lets the kernel choose. An interface behind "%" is that of the caller's network namespace. On
  // failure returns nullopt, and `*why` names the fault and the remedy.
  static std::optional<Endpoint> fromText(std::string_view text, std::string* why);

  // Reads as fromText does; throws EndpointError "TEXT has …".
  static Endpoint parse(std::string_view text);

  // Returns the form that fromText reads.
  std::string text() const;

  // Returns the numeric host and port without the transport, "10.0.0.5:7411" or "[::1]:7411"; the
  // path of a unix socket.
  std::string place() const;

  // True for 127.0.0.0/8, ::1, ::ffff:127.0.0.0/104, and a unix socket.
  bool loopback() const;
  // Returns "127.0.0.1" or "::1"; empty for a unix socket.
  std::string host() const;
  // Returns 0 for a unix socket.
  uint16_t port() const;
  // Returns the path of a unix socket; empty for others.
  std::string path() const;

  const sockaddr* socketAddress() const { return reinterpret_cast<const sockaddr*>(&address); }
  sockaddr* socketAddress() { return reinterpret_cast<sockaddr*>(&address); }
};

// Endpoints are equal if transport and text are.
bool operator==(const Endpoint& a, const Endpoint& b);

// Reads a numeric IPv4 or IPv6 address, without a port, brackets and a zone; nullopt for another
// text. The port of the result is 0.
std::optional<sockaddr_storage> readNumericHost(const std::string& text);

// True if readNumericHost reads it.
bool isNumericHost(const std::string& text);

// Returns a peer's address without its port and zone, such as "127.0.0.1" or "::1"; "unix" for a
// unix socket.
std::string hostText(const sockaddr_storage& address);

}  // namespace support
