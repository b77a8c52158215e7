// One machine of the cluster: run commands on it, reach its files and services, ask what it is.
//
//   Node& node = servers()[0];
//   EXPECT_THAT(node.run({"echo", "hello"}), StdoutIs("hello\n"));
//   EXPECT_THAT(node.shell("exit 3"), ExitedWith(3));
//   Process sleeper = node.start({"sleep", "60"});
//
// A Node is a name and a connection that heals itself. It does not make, remove or restart
// machines: see cluster.h. It keeps nothing of what it was told: each call asks the node.
//
// Things to get right:
//   * Hold references: a Node is owned by its Cluster. File, Service and Process are valid as long
//     as that cluster.
//   * Call from the test thread. Calls block, each until DeadlineScope::current() at the latest, so
//     the test's own time bounds them all.
//   * A command that fails, cannot be started or is killed at its deadline is a Result. Only "no
//     answer" is an error.
//   * While the node is unreachable, calls wait for it and then go on; they throw NodeError
//     kUnreachable at the deadline. A command that was sent before the connection broke is not run
//     twice.
#pragma once

#include <chrono>
#include <filesystem>
#include <iosfwd>
#include <map>
#include <optional>
#include <source_location>
#include <string>
#include <vector>

#include <muster/condition.h>
#include <muster/deadline.h>
#include <muster/facts.h>
#include <muster/file.h>
#include <muster/http.h>
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

// Every call throws NodeError when there is no answer to give, with the caller's line.
class Node {
 public:
  using Where = std::source_location;

  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // These are from the cluster's description, and ask nothing.
  const std::string& name() const;
  const std::string& role() const;
  const std::map<std::string, std::string>& labels() const;

  // Returns the addresses on the network that the nodes share, without prefix length. It may be
  // empty.
  const std::vector<std::string>& addresses() const;

  // Returns the first of addresses(), or else the name.
  const std::string& address() const;

  // Runs `argv` and blocks until the process has ended and its output was read. The command is
  // started once, whatever the connection does meanwhile.
  //
  // How it ended is a value: a non-zero exit and a missing program (Outcome kNotStarted) are
  // results. If the node answers, a passed deadline is Outcome kDeadline (see Result::stillEnding).
  // If it does not answer, or its output was not read by then, the call throws NodeError:
  // kUnreachable without a connection, kTimeout with one. Either comes at most 250 ms after the
  // deadline. What may still run is ended by the node at its deadline, and cancelled by us as soon
  // as the node is back. NodeError kInvalid names a wrong option.
  Result run(const Argv& argv, const RunOptions& options = {},
             Where where = Where::current()) const;

  // Runs a script as run does, by `/bin/sh -c`.
  Result shell(const std::string& script, const RunOptions& options = {},
               Where where = Where::current()) const;

  // Runs `argv` as run does, and returns its standard output as it is, with the newline at its end.
  //
  //   EXPECT_EQ(node.output({"cat", "/etc/hostname"}), "n1\n");
  //   int links = std::stoi(node.output({"stat", "-c", "%h", "/srv/a"}));
  //
  // NodeError kCommandFailed, with the outcome and the last lines of both streams, if the command
  // did not succeed. Result::checked does the same where more than the output is of interest.
  std::string output(const Argv& argv, const RunOptions& options = {},
                     Where where = Where::current()) const;

  // Starts `argv` and returns as soon as it runs. If it cannot be started, start still returns, and
  // Process::wait gives Outcome kNotStarted. Its standard input is open: see Process::write. Hold
  // the Process.
  Process start(const Argv& argv, const RunOptions& options = {},
                Where where = Where::current()) const;

  // Throw nothing and ask nothing: the work is done by the returned object. A wrong path or name
  // shows with its first call.
  File file(const std::string& path) const;
  Service service(const std::string& name, const ServiceOptions& options = {}) const;

  // Waits until `condition` holds as the node sees it, such as Condition::port(7000), and returns
  // what its last look saw. NodeError kTimeout, with the last look, if it does not after `within`.
  std::string waitFor(const Condition& condition, std::chrono::nanoseconds within,
                      Where where = Where::current()) const;

  // Sends an HTTP GET from the node, whose network and resolver are used, and returns the response,
  // whatever its status. See http.h.
  HttpResponse httpGet(const std::string& url, const HttpOptions& options = {},
                       Where where = Where::current()) const;

  // Asks the node what it is.
  Facts facts(Where where = Where::current()) const;

  // Copies one file from here to the node, or back, without reading or sending its holes. The
  // target is replaced in one step, unless `options` say in place; digests are compared. NodeError
  // kSystem with errno if the local file cannot be read or written, kNotFound if the remote one
  // does not exist, kConflict or kCorrupt if the source changes meanwhile.
  TransferResult push(const std::filesystem::path& local, const std::string& remote,
                      const WriteOptions& options = {}, Where where = Where::current()) const;
  TransferResult pull(const std::string& remote, const std::filesystem::path& local,
                      Where where = Where::current()) const;

  // Copies what is below a directory: files with their holes, directories, symbolic and hard links,
  // pipes, sockets and devices, all with modes, modification times, extended attributes and ACLs. A
  // directory that exists becomes like its source, except for the target itself, and for all with
  // UndoAt::kSessionEnd. What the target has besides stays. A special file that the target may not
  // make is named in TransferResult::leftOutFiles; devices of a node are not made here. Users and
  // groups are kept by push if `options` name none, and ignored by pull unless we are root. A part
  // of the tree may be there after an error. NodeError kInvalid if a modification time is not
  // between 1677 and 2262 or a path has over 4095 bytes, and kUnsupported if a file system cannot
  // hold the time or the agent is too old for copies of trees.
  TransferResult pushTree(const std::filesystem::path& local, const std::string& remote,
                          const WriteOptions& options = {}, Where where = Where::current()) const;
  TransferResult pullTree(const std::string& remote, const std::filesystem::path& local,
                          Where where = Where::current()) const;

  // Copies a file, or what is below a directory, from here to another node, or to another place of
  // this one, by way of this program, which holds one piece at a time. Mode, owner, modification
  // time and attributes go along unless `options` names others; the rest is as with push and
  // pushTree. The target is replaced in one step, a tree file by file; digests are compared.
  TransferResult copyTo(const std::string& path, const Node& target, const std::string& targetPath,
                        const WriteOptions& options = {}, Where where = Where::current()) const;
  TransferResult copyTreeTo(const std::string& path, const Node& target,
                            const std::string& targetPath, const WriteOptions& options = {},
                            Where where = Where::current()) const;

  // Returns the state of the connection as known here; asks nothing, and never throws NodeError.
  NodeState state() const;

  // Waits until the connection is established, or has been again. NodeError kUnreachable if
  // `within` passes, kRefused if the agent does not let us in.
  void awaitConnected(std::chrono::nanoseconds within, Where where = Where::current()) const;

  // Waits until the loss of the connection was noticed. NodeError kTimeout if `within` passes.
  void awaitDisconnected(std::chrono::nanoseconds within, Where where = Where::current()) const;

 private:
  friend struct harness::ApiAccess;
  explicit Node(harness::ControllerNode& node);

  // Owned by the connections of the cluster.
  harness::ControllerNode* node_;
};

// Prints name and address for gtest.
void PrintTo(const Node& node, std::ostream* out);

}  // namespace muster
