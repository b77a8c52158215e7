// What the rest of the harness knows of the connections: blocking calls and plain values. Promises
// stay behind it.
//
// A Controller owns one io thread and one self-healing connection per node. Every call ends at
// `until` at the latest and throws muster::NodeError when there is no answer to give; its `where`
// is empty, for the public classes to fill in. Calls may come from any thread; a JobStub's `pull`
// from one at a time.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <muster/deadline.h>
#include <muster/facts.h>
#include <muster/node.h>
#include <muster/process.h>
#include <muster/result.h>
#include <muster/run_options.h>
#include <muster/service.h>

#include "harness/cluster/description.h"
#include "harness/rpc/file/files_stub.h"
#include "harness/rpc/job/job_listing.h"

namespace harness {

using muster::SteadyTime;

// How connections behave. The defaults are those of the architecture; tests set shorter ones.
struct ControllerOptions {
  std::chrono::nanoseconds heartbeatEvery = std::chrono::seconds(1);
  std::chrono::nanoseconds heartbeatMax =
      std::chrono::seconds(3);  // For an answer to one; then the node is gone.
  std::chrono::nanoseconds connectMax =
      std::chrono::seconds(3);  // For socket, TLS and hello together.
  std::chrono::nanoseconds backoffMin = std::chrono::milliseconds(50);
  std::chrono::nanoseconds backoffMax = std::chrono::seconds(2);
  std::chrono::nanoseconds lease =
      std::chrono::seconds(60);  // Without contact, the node ends our session.
  std::vector<std::pair<std::string, std::string>> labels;  // Of sessions and jobs; see run_id.h.
};

struct NodeSurvey {
  muster::Facts facts;
  muster::NodeState state;
};

// What a session could not undo when it was closed.
struct Leftover {
  std::string node;
  std::string what;
  std::string reason;
};

// A terminal of `columns` by `rows`, for commands that a person sits before.
struct TerminalSize {
  uint16_t columns = 80;
  uint16_t rows = 24;
  std::string type = "xterm-256color";
};

enum class JobInput {
  kText,    // RunOptions::input, then end of file.
  kStream,  // By JobStub::writeInput.
};

enum class JobOutput {
  kKeep,  // JobStub::result() has all of it, up to 512 MiB of a stream; beyond, the command waits
          // or drops.
  kTake,  // The caller takes it away by takeOut and takeErr, and the node forgets what was fetched.
};

struct JobRequest {
  muster::Argv argv;
  muster::RunOptions options;  // `deadline` must be set.
  JobInput input = JobInput::kText;
  JobOutput output = JobOutput::kKeep;
  std::optional<TerminalSize> terminal;
};

// What to wait for.
enum class PullUntil {
  kChange,  // More output than before, or the end.
  kEnded,   // The end, with all output read.
};

// One command on one node. Destroying the stub leaves the command alone.
class JobStub {
 public:
  virtual ~JobStub() = default;

  virtual uint64_t number() const = 0;
  virtual const JobRequest& request() const = 0;
  virtual const std::string& node() const = 0;

  // Fetches output and state until `what` holds. False: `until` came first, and the node was
  // reached at least once meanwhile. NodeError kUnreachable if it was not.
  virtual bool pull(PullUntil what, SteadyTime until) = 0;

  // Fetches what is there now, without waiting for the command.
  virtual void refresh(SteadyTime until) = 0;

  // As of the last pull: the output so far, and the outcome if ended() or result().stillEnding
  // holds.
  virtual bool ended() const = 0;
  virtual const muster::Result& result() const = 0;

  // When the agent ends the command by its deadline, as far as this clock knows.
  virtual SteadyTime deadlineAt() const = 0;

  // Of JobOutput::kTake: what the last pulls have brought and was not taken yet. From the pulling
  // thread.
  virtual std::string takeOut() = 0;
  virtual std::string takeErr() = 0;

  virtual void writeInput(const std::string& bytes, SteadyTime until) = 0;
  virtual void closeInput(SteadyTime until) = 0;
  virtual void signal(int number, muster::SignalTarget target, SteadyTime until) = 0;

  // Begins to end the command and every process of it. Zero grace: at once.
  virtual void cancel(std::chrono::nanoseconds grace, SteadyTime until) = 0;
  virtual void resize(uint16_t columns, uint16_t rows, SteadyTime until) = 0;

  // As cancel, in the background, as soon as the node can be reached. Returns at once; what goes
  // wrong is left to the end of the session.
  virtual void cancelLater(std::chrono::nanoseconds grace) = 0;

  // The caller wants no more: the node may forget an ended command and its output. Sent along with
  // a later call.
  virtual void release() = 0;
};

// One node and the connection to it.
class NodeStub {
 public:
  virtual ~NodeStub() = default;

  virtual const NodeDescription& description() const = 0;

  // As known here; asks nothing.
  virtual muster::NodeState state() const = 0;

  // Waits until the connection is up. NodeError kUnreachable, kRefused.
  virtual void awaitConnected(SteadyTime until) = 0;

  // Waits until the connection is not up. False: `until` came first.
  virtual bool awaitDisconnected(SteadyTime until) = 0;

  // Runs a command to its end. See muster::Node::run. It returns at `until` whatever the node does;
  // a command that goes on then is cancelled and forgotten in the background.
  virtual muster::Result run(const JobRequest& request, SteadyTime until) = 0;

  // Starts a command; what it is doing comes by JobStub::pull.
  virtual std::unique_ptr<JobStub> start(const JobRequest& request, SteadyTime until) = 0;

  // Runs on all of `nodes` at once, which are of one controller, as this is. One answer per node,
  // in order.
  virtual std::vector<std::variant<muster::Result, muster::NodeError>> runOnAll(
      const std::vector<NodeStub*>& nodes, const JobRequest& request, SteadyTime until) = 0;

  virtual FilesStub& files() = 0;
  virtual muster::ServiceStatus serviceStatus(const std::string& name, SteadyTime until) = 0;
  virtual muster::ServiceStatus serviceAct(const std::string& name, muster::ServiceAction action,
                                           SteadyTime until) = 0;
  virtual muster::Facts facts(SteadyTime until) = 0;
};

// All connections of a process. Destroying it without closeAll leaves the sessions to their leases.
class Controller {
 public:
  explicit Controller(const ControllerOptions& options = {});
  ~Controller();
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  // Begins to connect and returns at once. The stub lives as long as the controller.
  NodeStub& connect(const NodeDescription& description);

  // Runs on all nodes at once. One answer per stub, in order.
  std::vector<std::variant<muster::Result, muster::NodeError>> runOnAll(
      const std::vector<NodeStub*>& nodes, const JobRequest& request, SteadyTime until);

  // Lists the jobs of all nodes at once, of every session. One answer per stub, in order.
  std::vector<std::variant<JobListing, muster::NodeError>> listJobs(
      const std::vector<NodeStub*>& nodes, const JobFilter& filter, SteadyTime until);

  // Ends what `filter` finds alive on each node, TERM first and KILL after `grace`, and answers
  // when nothing of it runs, or at `until` with what does.
  std::vector<std::variant<JobsEnded, muster::NodeError>> endJobs(
      const std::vector<NodeStub*>& nodes, const JobFilter& filter, std::chrono::nanoseconds grace,
      SteadyTime until);

  // Asks all nodes at once what they are, and for their clocks a few times; what was estimated is
  // in the answer. One answer per stub, in order.
  std::vector<std::variant<NodeSurvey, muster::NodeError>> survey(
      const std::vector<NodeStub*>& nodes, SteadyTime until);

  // Waits for all of `nodes` at once; one entry per node, empty where it is connected.
  std::vector<std::optional<muster::NodeError>> awaitAll(const std::vector<NodeStub*>& nodes,
                                                         SteadyTime until);

  // Ends all sessions, which undoes what they did, and all connections. What could not be undone,
  // or asked, is reported.
  std::vector<Leftover> closeAll(SteadyTime until);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace harness
