#include "harness/faultproxy/socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>

namespace harness {
namespace {

constexpr int kBacklog = 512;

[[noreturn]] void refuseAddress(const std::string& text) {
  throw std::invalid_argument("address \"" + text +
                              "\": not of the form 127.0.0.1:80, [::1]:80 or unix:/path");
}

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

sockaddr* asKernel(SocketAddress& address) {
  return reinterpret_cast<sockaddr*>(address.bytes);
}
const sockaddr* asKernel(const SocketAddress& address) {
  return reinterpret_cast<const sockaddr*>(address.bytes);
}

template <typename T>
T viewed(const SocketAddress& address) {
  T value;
  std::memcpy(&value, address.bytes, sizeof(value));
  return value;
}

template <typename T>
void store(SocketAddress& address, const T& value) {
  static_assert(sizeof(T) <= sizeof(address.bytes));
  std::memcpy(address.bytes, &value, sizeof(value));
  address.size = sizeof(value);
}

Descriptor newSocket(const SocketAddress& address) {
  int fd = socket(asKernel(address)->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  return Descriptor(fd);
}

void parseTcp(const std::string& text, SocketAddress& address) {
  size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon + 1 == text.size()) refuseAddress(text);
  size_t used = 0;
  unsigned long port = 0;
  std::string digits = text.substr(colon + 1);
  if (digits.find_first_not_of("0123456789") != std::string::npos) refuseAddress(text);
  port = digits.size() > 5 ? 65536 : std::stoul(digits, &used);
  if (port > 65535) refuseAddress(text);
  std::string host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    sockaddr_in6 value{};
    value.sin6_family = AF_INET6;
    value.sin6_port = htons(static_cast<uint16_t>(port));
    host = host.substr(1, host.size() - 2);
    if (inet_pton(AF_INET6, host.c_str(), &value.sin6_addr) != 1) refuseAddress(text);
    store(address, value);
    return;
  }
  sockaddr_in value{};
  value.sin_family = AF_INET;
  value.sin_port = htons(static_cast<uint16_t>(port));
  if (inet_pton(AF_INET, host.c_str(), &value.sin_addr) != 1) refuseAddress(text);
  store(address, value);
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    close();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

void Descriptor::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

SocketAddress::SocketAddress(const std::string& text) {
  if (text.rfind("unix:", 0) != 0) {
    parseTcp(text, *this);
    return;
  }
  sockaddr_un value{};
  value.sun_family = AF_UNIX;
  std::string path = text.substr(5);
  if (path.empty() || path.size() >= sizeof(value.sun_path)) refuseAddress(text);
  std::memcpy(value.sun_path, path.c_str(), path.size());
  store(*this, value);
}

bool SocketAddress::isUnix() const {
  return asKernel(*this)->sa_family == AF_UNIX;
}

bool SocketAddress::isLoopback() const {
  if (isUnix()) return true;
  if (asKernel(*this)->sa_family == AF_INET6) {
    in6_addr host = viewed<sockaddr_in6>(*this).sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(&host);
  }
  return ntohl(viewed<sockaddr_in>(*this).sin_addr.s_addr) >> 24 == 127;
}

std::string SocketAddress::path() const {
  return viewed<sockaddr_un>(*this).sun_path;
}

std::string textOf(const SocketAddress& address) {
  char host[INET6_ADDRSTRLEN] = {};
  if (address.isUnix()) return "unix:" + address.path();
  if (asKernel(address)->sa_family == AF_INET6) {
    auto value = viewed<sockaddr_in6>(address);
    inet_ntop(AF_INET6, &value.sin6_addr, host, sizeof(host));
    return "[" + std::string(host) + "]:" + std::to_string(ntohs(value.sin6_port));
  }
  auto value = viewed<sockaddr_in>(address);
  inet_ntop(AF_INET, &value.sin_addr, host, sizeof(host));
  return std::string(host) + ":" + std::to_string(ntohs(value.sin_port));
}

Descriptor bindSocket(SocketAddress& address) {
  Descriptor socket = newSocket(address);
  int on = 1;
  if (!address.isUnix()) {
    setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  }
  if (bind(socket.get(), asKernel(address), address.size) != 0) fail("bind");
  if (!address.isUnix()) {
    socklen_t size = sizeof(address.bytes);
    if (getsockname(socket.get(), asKernel(address), &size) != 0) fail("getsockname");
  }
  return socket;
}

Descriptor listenOn(SocketAddress& address) {
  if (address.isUnix()) unlink(address.path().c_str());
  Descriptor socket = bindSocket(address);
  if (listen(socket.get(), kBacklog) != 0) fail("listen");
  return socket;
}

Descriptor beginConnect(const SocketAddress& address) {
  Descriptor socket = newSocket(address);
  if (connect(socket.get(), asKernel(address), address.size) != 0 && errno != EINPROGRESS) {
    return Descriptor();
  }
  setNoDelay(socket.get());
  return socket;
}

int connectError(int fd) {
  int error = 0;
  socklen_t size = sizeof(error);
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  return error;
}

void setNoDelay(int fd) {
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));  // Fails for unix sockets: no matter.
}

void closeWithReset(Descriptor& socket) {
  linger abort{1, 0};
  if (socket) setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
  socket.close();
}

}  // namespace harness
