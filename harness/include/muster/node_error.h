// The exception of every call on a node that could not be answered. The kind says what to do about
// it.
//
// A command that fails is not an error but a Result with an Outcome.
#pragma once

#include <source_location>
#include <stdexcept>
#include <string>

namespace muster {

// Thrown by calls on Node, Process, File, Service, NodeSet and Cluster.
class NodeError : public std::runtime_error {
 public:
  enum class Kind {
    kUnreachable,  // No connection until the call's deadline. Whether the call had an effect is
                   // unknown.
    kRefused,      // The agent does not let us in: certificate, protocol version, or it is another
                   // node.
    kInvalid,      // The request can never work; the text names the field.
    kDenied,       // Our identity may not, or the node's permissions refuse.
    kNotFound,     // No such path, service, user or command number.
    kConflict,     // Something else is there.
    kOverloaded,   // A limit is reached; the text names it. Try again later.
    kUnsupported,  // This node or this agent cannot.
    kSystem,       // A system call failed on the node: see errnoValue().
    kCorrupt,      // Bytes did not arrive as they were sent, and sending again did not help.
    kTimeout,      // The time that the call was allowed is over; the text says what is known.
    kLost,         // The session on the node is gone, and with it what the call was about.
    kInternal,     // A bug of ours; the text has the number of the agent's log entry.
    kInfrastructure,  // The cluster is not as it should be: the test could not be tried.
  };

  // `operation` is what was attempted, such as `run ["ls"]`; `detail` what came back. `where` is
  // the caller's line; a default-constructed location is not shown.
  NodeError(Kind kind, std::string node, std::string operation, std::string detail,
            int errnoValue = 0, std::source_location where = {});

  Kind kind() const { return kind_; }
  const std::string& node() const { return node_; }
  const std::string& operation() const { return operation_; }
  const std::string& detail() const { return detail_; }

  // The node's errno, if a system call failed there. 0: none did.
  int errnoValue() const { return errnoValue_; }

  // The test's line that made the call.
  const std::source_location& where() const { return where_; }

 private:
  Kind kind_;
  std::string node_;
  std::string operation_;
  std::string detail_;
  int errnoValue_;
  std::source_location where_;
};

// "unreachable", "refused", …
std::string toString(NodeError::Kind kind);

}  // namespace muster
