// What a test waits for on a node: a port, a socket, a file, a web server, a process or a mount.
//
//   node.waitFor(Condition::port(7000), 30s);
//   servers().waitFor(Condition::httpStatus("http://localhost:8080/health"), 30s).checked();
//   node.waitFor(Condition::process("kvd").absent(), 10s);
//
// The node itself looks, about every 20 ms, so a wait costs no traffic and notices soon. It starts
// nothing. A state that lasts for less than that may pass unseen. For what the test can compute
// itself there are Eventually (eventually.h) and awaitUntil (await.h), and for services
// Service::waitActive (service.h).
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

namespace muster {

// Is a value. Making one asks nothing: a wrong one is NodeError kInvalid of the wait.
class Condition {
 public:
  enum class Kind { kPort, kSocket, kFile, kHttp, kProcess, kMount };

  // A TCP connection to the port is accepted. `host` is an address, or a name that the node
  // resolves; a service that listens on one address only is asked there. A connection is made and
  // closed, which the service may log.
  static Condition port(uint16_t number, const std::string& host = "127.0.0.1");

  // A connection to the unix socket at this absolute path, of at most 107 bytes, is accepted.
  static Condition unixSocket(const std::string& path);

  // There is something at this absolute path, of any type.
  static Condition file(const std::string& path);

  // A GET of the URL, which begins with http://, gets this status. 0 means any from 200 to 299.
  // Redirects are not followed.
  static Condition httpStatus(const std::string& url, uint16_t status = 0);

  // A process of this name runs, which is that of its program unless it changed it. The kernel
  // keeps 15 bytes of a name, so only the first 15 of `name` count. A process that has ended and
  // was not reaped yet does not count.
  static Condition process(const std::string& name);

  // A file system is mounted at this absolute path.
  static Condition mount(const std::string& path);

  // Returns the contrary: nothing listens, the file is gone, another status comes. A look that
  // fails is no proof of that, so the wait goes on: only that a connection is refused, or that the
  // path does not exist, is.
  Condition absent() const;

  Kind kind() const { return kind_; }

  // Is the path, the name, the host of a port, or the URL.
  const std::string& subject() const { return subject_; }

  // Is the port or the status; 0 for the others.
  uint16_t number() const { return number_; }
  bool isAbsent() const { return isAbsent_; }

 private:
  Condition(Kind kind, std::string subject, uint16_t number)
      : kind_(kind), subject_(std::move(subject)), number_(number) {}

  Kind kind_;
  std::string subject_;
  uint16_t number_;
  bool isAbsent_ = false;
};

// Returns "port 7000 of 127.0.0.1 is open" and the like.
std::string toString(const Condition& condition);

// Prints that for gtest.
void PrintTo(const Condition& condition, std::ostream* out);

}  // namespace muster
