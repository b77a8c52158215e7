// What do a bare round trip and a bare stream of bytes cost between two processes of this machine?
// A Peer is a forked process at the other end of one connection. Blocking calls only; no framing,
// no checks.
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
  kTcp,  // Loopback, TCP_NODELAY.
  kTls,  // TLS 1.3 over the same, by OpenSSL's blocking calls, AES-128-GCM or what the library
         // prefers.
};

Transport transportOf(
    const std::string& name);  // "unix", "tcp", "tls"; throws std::invalid_argument.

// One end of a connection. Not thread-safe.
class Channel {
 public:
  virtual ~Channel() = default;
  // Reads between 1 and `bytesMax` bytes; 0 at the end of the stream. Throws std::runtime_error.
  virtual size_t read(void* buffer, size_t bytesMax) = 0;
  virtual void writeAll(const void* buffer, size_t bytes) = 0;

  // False if the stream ended first.
  bool readAll(void* buffer, size_t bytes);
};

// A forked process at the other end of a socket. `serve` runs there with the socket, which it owns,
// and then the process exits; it ends by reading the end of the stream.
class ForkedPeer {
 public:
  ForkedPeer(Transport transport, const std::function<void(int socket)>& serve);  // TLS: as TCP.
  ForkedPeer(const ForkedPeer&) = delete;
  ForkedPeer& operator=(const ForkedPeer&) = delete;
  ~ForkedPeer();  // Waits for the process. Close the socket first.

  int takeSocket() { return std::exchange(socket_, -1); }  // Ours from now on.

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
  std::unique_ptr<Channel> channel_;  // Destroyed first, so that the process ends.
};

// Things for a peer to serve.
void serveEcho(Channel& channel);  // Sends every message of kPingBytes back.
void serveSource(
    Channel& channel);  // Reads a uint64_t, sends as many bytes in writes of kChunkBytes.
// Reads a path and stores what follows there; see sendFile().
void serveFileSink(Channel& channel);

constexpr size_t kPingBytes = 64;
constexpr size_t kChunkBytes = 256 << 10;

double pingMicroseconds(Channel& echo);  // One round trip.
double receiveSeconds(Channel& source, size_t bytes);
// Copies a file to `target` through the peer: read and write by 1 MiB, acknowledged at the end, not
// synced.
double sendFileSeconds(Channel& sink, const std::string& source, const std::string& target);

}  // namespace bench
