// The exception of every call on a node that could not be answered. Its kind says what to do.
//
//   try {
//     node.file("/etc/kvd.conf").read();
//   } catch (const NodeError& error) {
//     if (error.kind() != NodeError::Kind::kNotFound) throw;
//   }
//
// A test that expects the error writes it as
//
//   EXPECT_THAT([&] { return node.file("/none").read(); }, FailsWith(NodeError::Kind::kNotFound));
//
// A command that fails is not an error but a Result with an Outcome (outcome.h), unless the test
// asks for its success by Node::output or Result::checked. An error that a
// test does not catch fails the test, with the node, the operation and the test's line in the text.
#pragma once

#include <iosfwd>
#include <source_location>
#include <stdexcept>
#include <string>

namespace muster {

// Thrown by calls on Node, Process, File, Service, NodeSet and Cluster. It is a value that outlives
// its node.
class NodeError : public std::runtime_error {
 public:
  enum class Kind {
    // There was no connection until the call's deadline. Whether the call had an effect is unknown.
    // Look at the node, or allow more time if it should have come back by itself.
    kUnreachable,

    // The agent does not let us in because of the certificate or the protocol version, or because
    // it is another node. Correct the cluster file, or reinstall the agent.
    kRefused,

    // The request can never work. The text names the field; correct the test.
    kInvalid,

    // Our identity may not make this call, or the node's permissions refuse it.
    kDenied,

    // There is no such path, service, user or command number.
    kNotFound,

    // Something else is there, such as the target of a write with IfExists::kRefuse.
    kConflict,

    // A limit is reached, which the text names. Try again later, or do less at once.
    kOverloaded,

    // This node or this version of the agent cannot do it, ever.
    kUnsupported,

    // A system call failed on the node, or here for a local file: see errnoValue().
    kSystem,

    // Bytes did not arrive as they were sent, and sending them again did not help.
    kCorrupt,

    // The time that the call was allowed is over. The text says what is known.
    kTimeout,

    // The session on the node is gone, and with it what the call was about. Begin again.
    kLost,

    // A command did not succeed that was asked for its output alone, or by Result::checked(), or it
    // ended while others waited for it at a Barrier. The text has its outcome and the last lines of
    // both streams.
    kCommandFailed,

    // This is a bug of ours. The text has the number of the agent's log entry.
    kInternal,

    // The program was told to end by SIGINT, SIGTERM or SIGHUP. A test should not catch it: it ends
    // the test, so that its TearDown runs, in which calls work again.
    kCancelled,

    // The cluster is not as it should be, so the test could not be tried. If a test does not catch
    // it, and no test fails for another reason, the program's exit status is 2 instead of 1.
    kInfrastructure,
  };

  // `operation` is what was attempted, such as `run ["ls"]`, and `detail` is what came back.
  // `errnoValue` 0 means that no system call failed. `where` is the caller's line; a
  // default-constructed location is not shown. An empty `node` is not shown either. Bytes that are
  // not UTF-8, and control characters, become \xNN in all texts.
  NodeError(Kind kind, std::string node, const std::string& operation, const std::string& detail,
            int errnoValue = 0, std::source_location where = {});

  Kind kind() const { return kind_; }

  // Returns the name of the node. It is empty where the call concerned none, such as
  // Cluster::select.
  const std::string& node() const { return node_; }
  const std::string& operation() const { return operation_; }
  const std::string& detail() const { return detail_; }

  // Returns the errno of the system call that failed. 0 means that none did.
  int errnoValue() const { return errnoValue_; }

  // Returns the test's line that made the call.
  const std::source_location& where() const { return where_; }

 private:
  Kind kind_;
  std::string node_;
  std::string operation_;
  std::string detail_;
  int errnoValue_;
  std::source_location where_;
};

// Returns "unreachable", "refused" and the like.
std::string toString(NodeError::Kind kind);

// Print the kind, and what(), for gtest.
void PrintTo(NodeError::Kind kind, std::ostream* out);
void PrintTo(const NodeError& error, std::ostream* out);

}  // namespace muster
