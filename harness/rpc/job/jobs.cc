#include "harness/rpc/job/jobs.h"

#include <utility>

#include "harness/rpc/job/job_view.h"
#include "harness/rpc/node_calls.h"
#include "harness/values/failure_text.h"

namespace harness::rpc {

Job::Job(ControllerNode& node, std::shared_ptr<JobState> state)
    : node_(&node), state_(std::move(state)) {}

uint64_t Job::number() const {
  return state_->number;
}
const JobRequest& Job::request() const {
  return state_->request;
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

std::string Job::operation(const std::string& verb) const {
  return verb + " " + argvText(state_->request.argv);
}

bool Job::pull(PullUntil what, SteadyTime until) {
  auto& node = node_->impl();
  return node.blocking(operation("wait for"), until,
                       [&]() { return node.jobs().pull(state_, what, until); });
}

void Job::refresh(SteadyTime until) {
  auto& node = node_->impl();
  node.blocking(operation("look at"), until, [&]() { return node.jobs().refresh(state_, until); });
}

void Job::writeInput(const std::string& bytes, SteadyTime until) {
  auto& node = node_->impl();
  node.blocking(operation("write to"), until, [&]() {
    return node.jobs().writeInput(state_, bytes, AfterInput::kStaysOpen, until);
  });
}

void Job::closeInput(SteadyTime until) {
  auto& node = node_->impl();
  node.blocking(operation("close the input of"), until,
                [&]() { return node.jobs().writeInput(state_, "", AfterInput::kEnds, until); });
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

void Job::release() {
  auto& node = node_->impl();
  node.io.post([&node, job = state_]() { node.jobs().release(job); });
}

muster::Result Jobs::run(const JobRequest& request, SteadyTime until) const {
  auto& node = node_.impl();
  return node.blocking("run " + argvText(request.argv), until,
                       [&]() { return node.jobs().run(request, until); });
}

Job Jobs::start(const JobRequest& request, SteadyTime until) const {
  auto& node = node_.impl();
  JobHandle job = node.blocking("start " + argvText(request.argv), until, [&]() {
    JobHandle made = node.jobs().make(request);
    return node.jobs().start(made, until).then([made]() { return made; });
  });
  return Job(node_, std::move(job));
}

std::vector<RunAnswer> runOnAll(const std::vector<ControllerNode*>& nodes,
                                const JobRequest& request, SteadyTime until) {
  return askAll<muster::Result>(
      nodes, "run " + argvText(request.argv), until,
      [&](ControllerNode::Impl& node) { return node.jobs().run(request, until); });
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
