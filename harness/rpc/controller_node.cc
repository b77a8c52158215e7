#include "harness/rpc/controller_node.h"

#include "harness/rpc/node_calls.h"

namespace harness {

ControllerNode::Impl::Impl(IoThread& loop, const NodeDescription& node,
                           const ControllerOptions& options, const ScopeStack& openScopes)
    : io(loop), scopes(openScopes), description(node) {
  auto connection = std::make_unique<Connection>(io, description, options);
  Connection& borrowed = *connection;
  onLoop =
      std::make_unique<OnLoop>(OnLoop{std::move(connection), JobRunner(borrowed, scopes), {}});
  io.post([&borrowed]() { borrowed.begin(); });
}

ControllerNode::Impl::~Impl() {
  disconnect();
}

void ControllerNode::Impl::disconnect() {
  // The promises of a connection belong to the loop's thread, which destroys them. If the loop has
  // ended, no thread has a right to them.
  SteadyTime soon = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  try {
    io.run(
        [this]() -> kj::Promise<void> {
          onLoop = nullptr;
          return kj::READY_NOW;
        },
        soon, Urgency::kUrgent);
  } catch (const kj::Exception&) {
    // The loop has ended, and the connection before it (Controller::stop).
  }
}

ControllerNode::ControllerNode(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

ControllerNode::~ControllerNode() = default;

const NodeDescription& ControllerNode::description() const {
  return impl_->description;
}

muster::NodeState ControllerNode::state() const {
  if (!impl_->onLoop) return {.kind = muster::NodeState::Kind::kClosed};
  return impl_->connection().snapshot();
}

void ControllerNode::awaitConnected(SteadyTime until) {
  impl_->blocking("connect", until,
                  [&]() { return impl_->connection().live(until).ignoreResult(); });
}

bool ControllerNode::awaitDisconnected(SteadyTime until) {
  return impl_->blocking("wait for the loss of the connection", until,
                         [&]() { return impl_->connection().down(until); });
}

}  // namespace harness
