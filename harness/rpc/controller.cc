// The connections of one process: see stubs.h.
#include <algorithm>
#include <deque>

#include "harness/rpc/controller_node.h"
#include "harness/rpc/io_thread.h"
#include "harness/rpc/job/job_view.h"
#include "harness/values/failure_text.h"

namespace harness {

struct Controller::Impl {
  explicit Impl(const ControllerOptions& given) : options(given) {}

  ControllerOptions options;
  IoThread io;
  std::deque<ControllerNode> links;  // After the thread that their promises run on.
};

namespace {

constexpr std::chrono::seconds kReleaseWait{2};  // Then the node forgets them by itself, later.
constexpr unsigned kClockSamples = 4;            // Besides that of hello.

ControllerNode& controllerNodeOf(NodeStub* stub) {
  auto* link = dynamic_cast<ControllerNode*>(stub);
  KJ_REQUIRE(link != nullptr, "the stub is not of a controller");
  return *link;
}

// What `ask(link)` promises, of all nodes at once: one answer or error for each, in order.
template <typename T, typename Ask>
std::vector<std::variant<T, muster::NodeError>> askAll(IoThread& io,
                                                       const std::vector<NodeStub*>& nodes,
                                                       const std::string& operation,
                                                       SteadyTime until, Ask&& ask) {
  using Answer = std::variant<T, muster::NodeError>;
  auto answers = io.run(
      [&]() {
        auto all = kj::heapArrayBuilder<kj::Promise<Answer>>(nodes.size());
        for (NodeStub* node : nodes) {
          ControllerNode& link = controllerNodeOf(node);
          kj::Promise<T> asked = kj::evalNow([&]() { return ask(link); });
          all.add(asked.then([](T&& value) -> Answer { return kj::mv(value); },
                             [name = link.description().name, operation](kj::Exception&& exception)
                                 -> Answer { return toNodeError(exception, name, operation); }));
        }
        return kj::joinPromises(all.finish());
      },
      until);
  return std::vector<Answer>(answers.begin(), answers.end());
}

}  // namespace

Controller::Controller(const ControllerOptions& options) : impl_(std::make_unique<Impl>(options)) {}

Controller::~Controller() = default;

NodeStub& Controller::connect(const NodeDescription& description) {
  return impl_->links.emplace_back(impl_->io, description, impl_->options);
}

std::vector<RunAnswer> Controller::runOnAll(const std::vector<NodeStub*>& nodes,
                                            const JobRequest& request, SteadyTime until) {
  if (nodes.empty()) return {};
  return nodes.front()->runOnAll(nodes, request, until);
}

std::vector<RunAnswer> ControllerNode::runOnAll(const std::vector<NodeStub*>& nodes,
                                                const JobRequest& request, SteadyTime until) {
  return askAll<muster::Result>(
      io_, nodes, "run " + argvText(request.argv), until,
      [&](ControllerNode& link) { return link.jobs().run(request, until); });
}

std::vector<std::variant<JobListing, muster::NodeError>> Controller::listJobs(
    const std::vector<NodeStub*>& nodes, const JobFilter& filter, SteadyTime until) {
  return askAll<JobListing>(impl_->io, nodes, "list jobs", until, [&](ControllerNode& link) {
    return harness::listJobs(link.connection(), filter, until);
  });
}

std::vector<std::variant<JobsEnded, muster::NodeError>> Controller::endJobs(
    const std::vector<NodeStub*>& nodes, const JobFilter& filter, std::chrono::nanoseconds grace,
    SteadyTime until) {
  return askAll<JobsEnded>(impl_->io, nodes, "end jobs", until, [&](ControllerNode& link) {
    return harness::endJobs(link.connection(), filter, grace, until);
  });
}

std::vector<std::variant<NodeSurvey, muster::NodeError>> Controller::survey(
    const std::vector<NodeStub*>& nodes, SteadyTime until) {
  return askAll<NodeSurvey>(impl_->io, nodes, "survey", until, [&](ControllerNode& link) {
    return link.connection()
        .measureClock(kClockSamples, until)
        .then([&link, until]() { return link.askFacts(until); })
        .then([&link](muster::Facts&& facts) {
          return NodeSurvey{kj::mv(facts), link.connection().snapshot()};
        });
  });
}

std::vector<std::optional<muster::NodeError>> Controller::awaitAll(
    const std::vector<NodeStub*>& nodes, SteadyTime until) {
  using Answer = std::optional<muster::NodeError>;
  auto answers = impl_->io.run(
      [&]() {
        auto all = kj::heapArrayBuilder<kj::Promise<Answer>>(nodes.size());
        for (NodeStub* node : nodes) {
          ControllerNode& link = controllerNodeOf(node);
          all.add(link.connection().live(until).then(
              [](kj::Own<EstablishedConnection>&&) { return Answer(); },
              [name = link.description().name](kj::Exception&& exception) {
                return Answer(toNodeError(exception, name, "connect"));
              }));
        }
        return kj::joinPromises(all.finish());
      },
      until);
  return std::vector<Answer>(answers.begin(), answers.end());
}

std::vector<Leftover> Controller::closeAll(SteadyTime until) {
  auto answers = impl_->io.run(
      [&]() {
        auto all = kj::heapArrayBuilder<kj::Promise<std::vector<Leftover>>>(impl_->links.size());
        for (ControllerNode& link : impl_->links) {
          auto told = link.jobs().released(
              std::min(until, std::chrono::steady_clock::now() + kReleaseWait));
          all.add(told.then([&link, until]() { return link.connection().close(until); }));
        }
        return kj::joinPromises(all.finish());
      },
      until);
  std::vector<Leftover> leftovers;
  for (auto& some : answers) leftovers.insert(leftovers.end(), some.begin(), some.end());
  return leftovers;
}

}  // namespace harness
