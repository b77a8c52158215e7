// The connections of one process: see stubs.h.
#include <algorithm>
#include <deque>

#include "harness/rpc/failure_text.h"
#include "harness/rpc/io_thread.h"
#include "harness/rpc/node_link.h"

namespace harness {

struct Controller::Impl {
  explicit Impl(const ControllerOptions& given) : options(given) {}

  ControllerOptions options;
  IoThread io;
  std::deque<NodeLink> links;  // After the thread that their promises run on.
};

namespace {

NodeLink& linkOf(NodeStub* stub) {
  auto* link = dynamic_cast<NodeLink*>(stub);
  KJ_REQUIRE(link != nullptr, "the stub is not of a controller");
  return *link;
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

std::vector<RunAnswer> NodeLink::runOnAll(const std::vector<NodeStub*>& nodes,
                                          const JobRequest& request, SteadyTime until) {
  auto answers = io_.run(
      [&]() {
        auto all = kj::heapArrayBuilder<kj::Promise<RunAnswer>>(nodes.size());
        for (NodeStub* node : nodes) {
          NodeLink& link = linkOf(node);
          auto answer = kj::evalNow([&]() { return link.jobs().run(request, until); });
          all.add(answer.then(
              [](muster::Result&& result) -> RunAnswer { return kj::mv(result); },
              [name = link.description().name, operation = "run " + argvText(request.argv)](
                  kj::Exception&& exception) -> RunAnswer {
                return toNodeError(exception, name, operation);
              }));
        }
        return kj::joinPromises(all.finish());
      },
      until);
  return std::vector<RunAnswer>(answers.begin(), answers.end());
}

std::vector<std::optional<muster::NodeError>> Controller::awaitAll(
    const std::vector<NodeStub*>& nodes, SteadyTime until) {
  using Answer = std::optional<muster::NodeError>;
  auto answers = impl_->io.run(
      [&]() {
        auto all = kj::heapArrayBuilder<kj::Promise<Answer>>(nodes.size());
        for (NodeStub* node : nodes) {
          NodeLink& link = linkOf(node);
          all.add(link.connection().live(until).then(
              [](kj::Own<Live>&&) { return Answer(); },
              [name = link.description().name](kj::Exception&& exception) {
                return Answer(toNodeError(exception, name, "connect"));
              }));
        }
        return kj::joinPromises(all.finish());
      },
      until);
  return std::vector<Answer>(answers.begin(), answers.end());
}

std::vector<Remain> Controller::closeAll(SteadyTime until) {
  auto answers = impl_->io.run(
      [&]() {
        auto all = kj::heapArrayBuilder<kj::Promise<std::vector<Remain>>>(impl_->links.size());
        for (NodeLink& link : impl_->links) all.add(link.connection().close(until));
        return kj::joinPromises(all.finish());
      },
      until);
  std::vector<Remain> remains;
  for (auto& some : answers) remains.insert(remains.end(), some.begin(), some.end());
  return remains;
}

}  // namespace harness
