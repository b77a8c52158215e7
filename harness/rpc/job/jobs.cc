#include "harness/rpc/job/jobs.h"

#include <algorithm>
#include <utility>

#include "harness/rpc/job/job_view.h"
#include "harness/rpc/node_calls.h"
#include "harness/values/failure_text.h"

namespace harness::rpc {
namespace {

// A command that ends in this time has failed to start, or has little to do.
constexpr std::chrono::milliseconds kFirstLook{300};

SharedRequest shared(JobRequest request) {
  return std::make_shared<const JobRequest>(std::move(request));
}

ActivityStart commandOn(const std::string& node, const JobRequest& request) {
  return {.kind = "command", .nodes = {node}, .argv = request.argv};
}

}  // namespace

Job::Job(ControllerNode& node, std::shared_ptr<JobState> state, Activity activity)
    : node_(&node), state_(std::move(state)), activity_(std::move(activity)) {}

void Job::tellEnd() {
  if (activity_.isOpen() && state_->ended) activity_.end({.result = &state_->result});
}

uint64_t Job::number() const {
  return state_->number;
}
const JobRequest& Job::request() const {
  return *state_->request;
}
const std::string& Job::node() const {
  return state_->node;
}
bool Job::ended() const {
  return state_->ended;
}
const muster::Result& Job::result() const {
  return state_->result;
}
bool Job::closed() const {
  return node_->state().kind == muster::NodeState::Kind::kClosed;
}
SteadyTime Job::deadlineAt() const {
  return state_->deadlineAt;
}
std::string Job::takeOut() {
  return std::exchange(state_->result.out, "");
}
std::string Job::takeErr() {
  return std::exchange(state_->result.err, "");
}

void Job::setOutRead(size_t bytes) {
  state_->outReadBytes = bytes;
}
size_t Job::outRead() const {
  return state_->outReadBytes;
}
uint64_t Job::outHeldFrom() const {
  return state_->out.forgottenBytes;
}

std::string Job::operation(const std::string& verb) const {
  return verb + " " + argvText(state_->request->argv);
}

bool Job::pull(PullUntil what, SteadyTime until) {
  auto& node = node_->impl();
  bool isSeen = node.blocking(operation("wait for"), until,
                              [&]() { return node.jobs().pull(state_, what, until); });
  tellEnd();
  return isSeen;
}

void Job::refresh(SteadyTime until) {
  auto& node = node_->impl();
  node.blocking(operation("look at"), until, [&]() { return node.jobs().refresh(state_, until); });
  tellEnd();
}

void Job::writeInput(const std::string& bytes, SteadyTime until) {
  auto& node = node_->impl();
  auto shared = std::make_shared<const std::string>(bytes);
  node.blocking(operation("write to"), until, [&]() {
    return node.jobs().writeAndPull(state_, shared, AfterInput::kStaysOpen, until);
  });
}

void Job::closeInput(SteadyTime until) {
  auto& node = node_->impl();
  auto nothing = std::make_shared<const std::string>();
  node.blocking(operation("close the input of"), until, [&]() {
    return node.jobs().writeAndPull(state_, nothing, AfterInput::kEnds, until);
  });
}

void Job::signal(int number, muster::SignalTarget target, SteadyTime until) {
  auto& node = node_->impl();
  node.blocking(operation("send signal " + std::to_string(number) + " to"), until,
                [&]() { return node.jobs().signal(state_, number, target, until); });
}

void Job::cancel(std::chrono::nanoseconds grace, SteadyTime until) {
  auto& node = node_->impl();
  node.blocking(operation("cancel"), until,
                [&]() { return node.jobs().cancel(state_, grace, until); });
}

void Job::resize(uint16_t columns, uint16_t rows, SteadyTime until) {
  auto& node = node_->impl();
  node.blocking(operation("resize the terminal of"), until,
                [&]() { return node.jobs().resize(state_, columns, rows, until); });
}

void Job::cancelLater(std::chrono::nanoseconds grace) {
  auto& node = node_->impl();
  node.io.post([&node, grace, job = state_]() { node.jobs().cancelLater(job, grace); });
}

void Job::endUnseen() {
  auto& node = node_->impl();
  node.io.post([&node, number = state_->number]() { node.jobs().endUnseen(number); });
}

void Job::release() {
  auto& node = node_->impl();
  node.io.post([&node, job = state_]() { node.jobs().release(job); });
}

muster::Result Jobs::run(JobRequest request, SteadyTime until) const {
  auto& node = node_.impl();
  SharedRequest one = shared(std::move(request));
  Activity activity;
  if (isListened()) activity = Activity(commandOn(node.description.name, *one));
  try {
    muster::Result result = node.blocking("run " + argvText(one->argv), until,
                                          [&]() { return node.jobs().run(one, until); });
    activity.end({.result = &result});
    return result;
  } catch (const muster::NodeError& error) {
    activity.end({.error = error.what()});
    throw;
  }
}

Job Jobs::start(JobRequest request, SteadyTime until) const {
  auto& node = node_.impl();
  SharedRequest one = shared(std::move(request));
  Activity activity;
  if (isListened()) activity = Activity(commandOn(node.description.name, *one));
  try {
    JobHandle job = node.blocking("start " + argvText(one->argv), until, [&]() {
      JobHandle made = node.jobs().make(one);
      return node.jobs().start(made, until).then([made]() { return made; });
    });
    return Job(node_, std::move(job), std::move(activity));
  } catch (const muster::NodeError& error) {
    activity.end({.error = error.what()});
    throw;
  }
}

std::vector<RunAnswer> runOnAll(const std::vector<ControllerNode*>& nodes, JobRequest request,
                                SteadyTime until) {
  return runEach(nodes, std::vector<SharedRequest>(nodes.size(), shared(std::move(request))),
                 until);
}

std::vector<RunAnswer> runEach(const std::vector<ControllerNode*>& nodes,
                               const std::vector<SharedRequest>& requests, SteadyTime until) {
  std::vector<Activity> activities(nodes.size());
  for (size_t i = 0; i < nodes.size() && isListened(); ++i) {
    activities[i] = Activity(commandOn(nodes[i]->description().name, *requests[i]));
  }
  // askAll calls for the nodes in order.
  size_t next = 0;
  auto answers = askAll<muster::Result>(nodes, "run", until, [&](ControllerNode::Impl& node) {
    return node.jobs().run(requests[next++], until);
  });
  for (size_t i = 0; i < answers.size(); ++i) {
    auto* error = std::get_if<muster::NodeError>(&answers[i]);
    activities[i].end({.result = std::get_if<muster::Result>(&answers[i]),
                       .error = error == nullptr ? "" : error->what()});
    if (error == nullptr) continue;
    answers[i] =
        muster::NodeError(error->kind(), error->node(), "run " + argvText(requests[i]->argv),
                          error->detail(), error->errnoValue());
  }
  return answers;
}

std::vector<std::variant<StartedJob, muster::NodeError>> startOnAll(
    const std::vector<ControllerNode*>& nodes, JobRequest request, SteadyTime until) {
  SharedRequest one = shared(std::move(request));
  return askAll<StartedJob>(
      nodes, "start " + argvText(one->argv), until, [&](ControllerNode::Impl& node) {
        JobHandle job = node.jobs().make(one);
        auto begun = node.jobs().start(job, until);
        return begun
            .then([&node, job, until]() {
              auto soon = std::chrono::steady_clock::now() + kFirstLook;
              return node.jobs().pull(job, PullUntil::kEnded, std::min(soon, until));
            })
            .then([&node, job](bool hasEnded) {
              StartedJob started;
              started.pid = job->result.pid;
              if (hasEnded) started.outcome = job->result.outcome;
              node.jobs().release(job);
              return started;
            });
      });
}

std::vector<std::variant<JobListing, muster::NodeError>> listJobs(
    const std::vector<ControllerNode*>& nodes, const JobFilter& filter, SteadyTime until) {
  return askAll<JobListing>(nodes, "list jobs", until, [&](ControllerNode::Impl& node) {
    return harness::listJobs(node.connection(), filter, until);
  });
}

std::vector<std::variant<JobsEnded, muster::NodeError>> endJobs(
    const std::vector<ControllerNode*>& nodes, const JobFilter& filter,
    std::chrono::nanoseconds grace, SteadyTime until) {
  return askAll<JobsEnded>(nodes, "end jobs", until, [&](ControllerNode::Impl& node) {
    return harness::endJobs(node.connection(), filter, grace, until);
  });
}

}  // namespace harness::rpc
