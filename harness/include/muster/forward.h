// A port or unix socket of a node, reached from here, or one of this machine, reached from the
// node. The bytes go through the connection to the node's agent, so that no firewall is in the way.
//
//   Forward console = Forward::toNode(servers()[0], "127.0.0.1:8080");
//   connectTo("127.0.0.1", console.port());
//
// A place is "PORT" of 127.0.0.1, "HOST:PORT" with a numeric address or localhost, "[IPV6]:PORT",
// or the absolute path of a unix socket.
//
// Things to get right:
//   * It ends with the scope that holds it, and with the test at the latest. That cuts its
//     connections and frees the place.
//   * The end of one direction (shutdown(2)) arrives on the other side; the other direction goes
//   on.
//   * A loss of the connection to the node holds the streams up, and they go on at the exact byte.
//     If the agent was killed, or the node rebooted, they are cut; a new connection works again.
//   * A place that nobody listens at is found out by the connections: they are accepted, and cut.
//     failure() says why.
//   * At most 256 connections are open in one Forward; more wait.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <memory>
#include <source_location>
#include <string>

namespace harness::rpc {
class RunningForward;
}

namespace muster {

class Node;

// Owns a listener and its connections. Make one by the functions. It is valid as long as the
// cluster of its node, and belongs to one thread at a time. A Forward that was moved from may only
// be destroyed or assigned to.
class [[nodiscard]] Forward {
 public:
  using Where = std::source_location;

  // Listens here, at a loopback address or a unix socket that only we can reach, and connects to
  // `target` as the node sees it. The default lets the kernel choose the port. NodeError kInvalid
  // for what is no place, kConflict if `listen` is in use.
  static Forward toNode(const Node& node, const std::string& target,
                        const std::string& listen = "127.0.0.1:0", Where where = Where::current());

  // Listens on the node, at a loopback address or at a unix socket in a directory that others
  // cannot write, where every user of the node can connect. Connects to `target` as this machine
  // sees it. Errors are as above.
  static Forward fromNode(const Node& node, const std::string& target,
                          const std::string& listen = "127.0.0.1:0",
                          Where where = Where::current());

  ~Forward();
  Forward(Forward&& other) noexcept;
  Forward& operator=(Forward&& other) noexcept;

  // Returns the port that is listened at; 0 for a unix socket.
  uint16_t port() const;

  // Returns the whole place, such as "127.0.0.1:41207" or "/run/test.sock".
  std::string place() const;

  // Counts the connections that were accepted so far.
  uint64_t accepted() const;

  // Returns why the last connection failed, or why nothing is listened at any more; empty: all is
  // well. Asks nobody.
  std::string failure() const;

 private:
  explicit Forward(std::unique_ptr<harness::rpc::RunningForward> running);

  std::unique_ptr<harness::rpc::RunningForward> running_;
};

// Prints both places for gtest.
void PrintTo(const Forward& forward, std::ostream* out);

}  // namespace muster
