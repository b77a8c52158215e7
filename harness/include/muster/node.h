// One machine of the cluster: run commands on it, reach its files and services, ask what it is.
//
// A Node is a name and a connection that heals itself. It does not make or remove machines: see
// cluster.h.
#pragma once

#include <chrono>
#include <filesystem>
#include <iosfwd>
#include <map>
#include <optional>
#include <source_location>
#include <string>
#include <vector>

#include <muster/deadline.h>
#include <muster/facts.h>
#include <muster/file.h>
#include <muster/node_error.h>
#include <muster/node_state.h>
#include <muster/process.h>
#include <muster/result.h>
#include <muster/run_options.h>
#include <muster/service.h>
#include <muster/transfer_result.h>

namespace harness {
class ControllerNode;
struct ApiAccess;
}  // namespace harness

namespace muster {

// Owned by its Cluster; tests hold references. Every call ends with DeadlineScope::current() at the
// latest, and throws NodeError when there is no answer to give; only run and shell may take the
// grace and five seconds more, for the node's word on how a command ended that was killed at its
// deadline. While the node is unreachable, calls wait for it until then. Call from the test thread.
class Node {
 public:
  using Where = std::source_location;

  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  const std::string& name() const;
  const std::string& role() const;
  const std::map<std::string, std::string>& labels() const;

  // On the network that the nodes share, without prefix length. May be empty.
  const std::vector<std::string>& addresses() const;

  // The first of addresses(), or the name.
  const std::string& address() const;

  // Runs `argv` and blocks until the process has ended and its output was read. The command is
  // started once, whatever the connection does meanwhile.
  //
  // How it ended is a value: a non-zero exit, a missing program (Outcome kNotStarted) or a passed
  // deadline are results. Returns at the deadline (and 250 ms for the way back), whatever the node
  // does. Throws NodeError kUnreachable if the node could not be reached then, and kTimeout if it
  // did not answer: the text says what is known. What may still run is ended by the node at that
  // deadline, and cancelled by us as soon as the node is back.
  Result run(const Argv& argv, const RunOptions& options = {},
             Where where = Where::current()) const;

  // As run, of a script given to `/bin/sh -c`.
  Result shell(const std::string& script, const RunOptions& options = {},
               Where where = Where::current()) const;

  // Starts `argv` and returns as soon as it runs, or is known not to. Its standard input is open:
  // see Process::write.
  Process start(const Argv& argv, const RunOptions& options = {},
                Where where = Where::current()) const;

  // Throw nothing and ask nothing: the work is done by the returned object.
  File file(const std::string& path) const;
  Service service(const std::string& name) const;

  Facts facts(Where where = Where::current()) const;

  // Copies one file from here to the node, or back. The target is replaced in one step; SHA-256 is
  // compared. NodeError kSystem with errno if the local file cannot be read or written.
  TransferResult push(const std::filesystem::path& local, const std::string& remote,
                      const WriteOptions& options = {}, Where where = Where::current()) const;
  TransferResult pull(const std::string& remote, const std::filesystem::path& local,
                      Where where = Where::current()) const;

  // Copies what is below a directory: files, directories, links, modes, modification times,
  // extended attributes. What the target has besides stays. Users and groups are kept by push if
  // `options` name none, and ignored by pull unless we are root.
  TransferResult pushTree(const std::filesystem::path& local, const std::string& remote,
                          const WriteOptions& options = {}, Where where = Where::current()) const;
  TransferResult pullTree(const std::string& remote, const std::filesystem::path& local,
                          Where where = Where::current()) const;

  // Copies a file, or what is below a directory, from here to another node, or to another place of
  // this one, by way of this program, which holds one piece at a time. Mode, owner, modification
  // time and attributes go along unless `options` names others; holes stay holes. The target is
  // replaced in one step, a tree file by file; digests are compared.
  TransferResult copyTo(const std::string& path, const Node& target, const std::string& targetPath,
                        const WriteOptions& options = {}, Where where = Where::current()) const;
  TransferResult copyTreeTo(const std::string& path, const Node& target,
                            const std::string& targetPath, const WriteOptions& options = {},
                            Where where = Where::current()) const;

  // Of the connection, as known here; asks nothing.
  NodeState state() const;

  // Waits until the connection is established, or has been again. NodeError kUnreachable if
  // `within` passes, kRefused.
  void awaitConnected(std::chrono::nanoseconds within, Where where = Where::current()) const;

  // Waits until the loss of the connection was noticed. NodeError kTimeout if `within` passes.
  void awaitDisconnected(std::chrono::nanoseconds within, Where where = Where::current()) const;

 private:
  friend struct harness::ApiAccess;
  explicit Node(harness::ControllerNode& node);

  // Owned by the connections of the cluster.
  harness::ControllerNode* node_;
};

// For gtest: name and address.
void PrintTo(const Node& node, std::ostream* out);

}  // namespace muster
