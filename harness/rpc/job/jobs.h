// Commands on a node, for plain blocking code: started once whatever the connection does, followed,
// signalled, ended.
//
//   rpc::Job job = rpc::Jobs(node).start(request, until);
//   while (!job.ended()) job.pull(PullUntil::kChange, until);
//
// Calls end and throw as those of ControllerNode do.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <muster/node_error.h>
#include <muster/result.h>
#include <muster/signal_target.h>

#include "harness/rpc/controller_node.h"
#include "harness/rpc/job/job_listing.h"
#include "harness/rpc/job/job_request.h"
#include "harness/values/activity.h"

namespace harness {

struct JobState;

namespace rpc {

// One command on one node, which must outlive it. Destroying the object leaves the command alone. A
// Job that was moved from may only be destroyed or assigned to. Its `pull` may be called from one
// thread at a time.
class Job {
 public:
  uint64_t number() const;
  const JobRequest& request() const;
  const std::string& node() const;

  // Fetches output and state until `what` holds. False: `until` came first, and the node was
  // reached at least once. NodeError kUnreachable if it was not.
  bool pull(PullUntil what, SteadyTime until);

  // Fetches the output and state of this moment, without waiting for the command.
  void refresh(SteadyTime until);

  // These two tell the state of the last pull. The result has the output that has come, and the
  // outcome if ended() or result().stillEnding holds.
  bool ended() const;
  const muster::Result& result() const;

  // Tells whether this program has closed the connection to the node, and with it the session.
  bool closed() const;

  // The time at which the agent ends the command by its deadline, as far as this clock knows.
  SteadyTime deadlineAt() const;

  // Take away the output of a JobOutput::kTake that pulls have brought. Call them on the pulling
  // thread.
  std::string takeOut();
  std::string takeErr();

  // Says that the caller has read the first `bytes` of result().out, which may go when there is no
  // capacity for more. A pull that lets some of them go counts them off.
  void setOutRead(size_t bytes);
  size_t outRead() const;

  // Returns the number of bytes that have gone from the beginning of result().out.
  uint64_t outHeldFrom() const;

  // Wait until the node holds the bytes; a command that does not read delays that. NodeError
  // kConflict if the input was closed, or given with the request.
  void writeInput(const std::string& bytes, SteadyTime until);
  void closeInput(SteadyTime until);
  void signal(int number, muster::SignalTarget target, SteadyTime until);

  // Begins to end the command and every process of it. Zero grace kills them at once.
  void cancel(std::chrono::nanoseconds grace, SteadyTime until);
  void resize(uint16_t columns, uint16_t rows, SteadyTime until);

  // Cancels in the background, as soon as the node can be reached. Returns at once; a failure
  // leaves the command to the end of the session.
  void cancelLater(std::chrono::nanoseconds grace);

  // Says that nobody was told how the command ended, so that a crash of it counts (diagnosis.h).
  void endUnseen();

  // Allows the node to forget an ended command and its output. A later call carries the message.
  void release();

 private:
  friend class Jobs;
  Job(ControllerNode& node, std::shared_ptr<JobState> state, Activity activity);

  // Tells of the end of the command once it is known.
  void tellEnd();

  std::string operation(const std::string& verb) const;

  ControllerNode* node_;

  // Shared with the promises that work on the command.
  std::shared_ptr<JobState> state_;
  Activity activity_;
};

// The commands of one node.
class Jobs {
 public:
  // Borrows `node`.
  explicit Jobs(ControllerNode& node) : node_(node) {}

  // Runs a command to its end. See muster::Node::run. It returns at `until` whatever the node does;
  // a command that goes on then is cancelled and forgotten in the background.
  muster::Result run(JobRequest request, SteadyTime until) const;

  // Starts a command; Job::pull brings its output and state.
  Job start(JobRequest request, SteadyTime until) const;

 private:
  ControllerNode& node_;
};

// One node's answer, or the error that stands in for it.
using RunAnswer = std::variant<muster::Result, muster::NodeError>;

// A command that was started and is left to itself.
struct StartedJob {
  // 0: it was not started.
  int pid = 0;

  // Absent: it runs, as far as was seen.
  std::optional<muster::Outcome> outcome;
};

// The next five ask several nodes of one controller at once. One answer per node, in order.

// Runs one command on each node to its end.
std::vector<RunAnswer> runOnAll(const std::vector<ControllerNode*>& nodes, JobRequest request,
                                SteadyTime until);

// Runs on each node the command of the request of its place, which nodes may share, to its end.
std::vector<RunAnswer> runEach(const std::vector<ControllerNode*>& nodes,
                               const std::vector<SharedRequest>& requests, SteadyTime until);

// Starts a command on each node, looks at it for a moment, and leaves it alone.
std::vector<std::variant<StartedJob, muster::NodeError>> startOnAll(
    const std::vector<ControllerNode*>& nodes, JobRequest request, SteadyTime until);

// Lists the jobs of each node, of every session.
std::vector<std::variant<JobListing, muster::NodeError>> listJobs(
    const std::vector<ControllerNode*>& nodes, const JobFilter& filter, SteadyTime until);

// Ends the jobs that `filter` finds alive on each node, by TERM first and by KILL after `grace`.
// Answers when none of them runs, or at `until` with those that do.
std::vector<std::variant<JobsEnded, muster::NodeError>> endJobs(
    const std::vector<ControllerNode*>& nodes, const JobFilter& filter,
    std::chrono::nanoseconds grace, SteadyTime until);

}  // namespace rpc
}  // namespace harness
