// A server and a client of byte streams, on either side of a forward: the test and its helper on
// the node use them alike. A place is "PORT" of 127.0.0.1 or the path of a unix socket.
#pragma once

#include <cstdint>
#include <string>
#include <thread>

namespace forward_tests {

// Sends everything back, and "bye" behind the end of what it gets. Serves one connection after the
// other until it is destroyed.
class EchoServer {
 public:
  // An empty place is a port that the kernel chooses.
  explicit EchoServer(const std::string& place = "");
  ~EchoServer();
  EchoServer(const EchoServer&) = delete;
  EchoServer& operator=(const EchoServer&) = delete;

  const std::string& place() const { return place_; }

 private:
  void serve() const;

  int socket_;
  std::string place_;
  std::thread thread_;
};

// A connection; throws std::system_error.
class Client {
 public:
  explicit Client(const std::string& place);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void send(const std::string& bytes) const;
  // Ends our direction.
  void finish() const;
  // Returns `size` bytes, or fewer at the end, or what has come within five seconds.
  std::string receive(size_t size) const;

 private:
  int socket_;
};

// Sends `bytes` and the end, and returns what comes until the other end.
std::string talk(const std::string& place, const std::string& bytes);

}  // namespace forward_tests
