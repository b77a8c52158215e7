// The few socket calls that the proxy needs, with addresses as text. No thread, no state.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

namespace harness {

// A file descriptor that is closed with its owner.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { close(); }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept;

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void close();

 private:
  int fd_ = -1;
};

// "127.0.0.1:80", "[::1]:80" or "unix:/path", in the kernel's form. Throws std::invalid_argument.
struct SocketAddress {
  explicit SocketAddress(const std::string& text);

  bool isUnix() const;
  bool isLoopback() const;
  std::string path() const;  // Of a unix socket.

  alignas(8) unsigned char bytes[128] = {};
  uint32_t size = 0;
};

// "127.0.0.1:4711" of a bound socket; also the peer's port is filled in where it was 0.
std::string textOf(const SocketAddress& address);

// These throw std::system_error. All sockets are non-blocking and closed on exec.
Descriptor bindSocket(SocketAddress& address);  // Fills in the port.
Descriptor listenOn(SocketAddress& address);    // Of a unix socket, replaces the path.

// Begins to connect. Absent (false): refused at once.
Descriptor beginConnect(const SocketAddress& address);

// What became of it, once it is writable: an errno, 0 is success.
int connectError(int fd);

// Sends what is written at once.
void setNoDelay(int fd);

// Closes so that the peer of a TCP connection gets a reset.
void closeWithReset(Descriptor& socket);

}  // namespace harness
