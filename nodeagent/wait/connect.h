// Connects to a port or a unix socket within a time, and moves bytes over the connection.
//
// Every call blocks, so it belongs on a worker thread. Failures are those of support::fail: kind
// timeout when the time is over, system with errno if there is no connection.
#pragma once

#include <stdint.h>

#include <chrono>

#include <kj/array.h>
#include <kj/io.h>
#include <kj/string.h>

namespace nodeagent::wait {

// The longest path that a unix socket can have.
constexpr size_t kUnixPathBytesMax = 107;

// The end of a time, for several calls one after the other.
class Deadline {
 public:
  explicit Deadline(int64_t limitNs)
      : end_(std::chrono::steady_clock::now() + std::chrono::nanoseconds(limitNs)) {}

  // Return at least 0.
  int64_t leftNs() const;
  int leftMs() const;

 private:
  std::chrono::steady_clock::time_point end_;
};

// `host` is a numeric address or a name, which the node's `getent` resolves. At most eight
// addresses of a name are tried, one after the other; the failure is that of the last.
kj::AutoCloseFd connectTcp(kj::StringPtr host, uint16_t port, const Deadline& deadline);

// `path` has kUnixPathBytesMax bytes at most. Kind overloaded means that something listens there
// whose queue of connections is full.
kj::AutoCloseFd connectUnix(kj::StringPtr path, const Deadline& deadline);

// Sends all of `bytes`.
void sendAll(int socket, kj::ArrayPtr<const char> bytes, const Deadline& deadline);

// Returns how many bytes came, at least one; 0 at the end.
size_t receive(int socket, kj::ArrayPtr<char> buffer, const Deadline& deadline);

// Returns the addresses in what `getent ahosts` prints, each once.
kj::Array<kj::String> parseAddresses(kj::StringPtr text);

}  // namespace nodeagent::wait
