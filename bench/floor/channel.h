// Measures the cost of a bare round trip and of a bare stream of bytes between two processes of
// this machine. A Peer is a forked process at the other end of one connection. Calls block; there
// is no framing and no check.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace bench {

enum class Transport {
  kUnix,
  // Loopback, TCP_NODELAY.
  kTcp,
  // TLS 1.3 over loopback TCP, by OpenSSL's blocking calls, with AES-128-GCM or the library's own
  // choice.
  kTls,
};

// Reads "unix", "tcp" or "tls"; throws std::invalid_argument for anything else.
Transport transportOf(const std::string& name);

// One end of a connection. Not thread-safe.
class Channel {
 public:
  virtual ~Channel() = default;
  // Reads between 1 and `bytesMax` bytes; 0 at the end of the stream. Throws std::runtime_error.
  virtual size_t read(void* buffer, size_t bytesMax) = 0;
  virtual void writeAll(const void* buffer, size_t bytes) = 0;

  // Returns false if the stream ended first.
  bool readAll(void* buffer, size_t bytes);
};

// A forked process at the other end of a socket. `serve` runs there with the socket, which it owns,
// until it reads the end of the stream; then the process exits. kTls gives a TCP socket.
class ForkedPeer {
 public:
  ForkedPeer(Transport transport, const std::function<void(int socket)>& serve);
  ForkedPeer(const ForkedPeer&) = delete;
  ForkedPeer& operator=(const ForkedPeer&) = delete;
  // Waits for the process. Close the socket first.
  ~ForkedPeer();

  // Hands the socket to the caller.
  int takeSocket() { return std::exchange(socket_, -1); }

 private:
  int socket_ = -1;
  pid_t pid_ = -1;
};

// A peer that talks through a Channel.
class Peer {
 public:
  Peer(Transport transport, const std::function<void(Channel&)>& serve);
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  Channel& channel() { return *channel_; }

 private:
  ForkedPeer process_;
  // Destroyed first, so that the process ends.
  std::unique_ptr<Channel> channel_;
};

// The next three are functions for a peer to serve. serveEcho sends every message of kPingBytes
// back.
void serveEcho(Channel& channel);
// Reads a uint64_t and sends as many bytes in writes of kChunkBytes.
void serveSource(Channel& channel);
// Reads a path and stores the bytes that follow in that file; see sendFileSeconds().
void serveFileSink(Channel& channel);

constexpr size_t kPingBytes = 64;
constexpr size_t kChunkBytes = 256 << 10;

// Makes one round trip.
double pingMicroseconds(Channel& echo);
double receiveSeconds(Channel& source, size_t bytes);
// Copies a file to `target` through the peer, by 1 MiB at a time, acknowledged at the end, not
// synced.
double sendFileSeconds(Channel& sink, const std::string& source, const std::string& target);

}  // namespace bench
