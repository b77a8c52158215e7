#include "harness/rpc/controller.h"

#include <algorithm>
#include <deque>

#include "harness/rpc/earlier_sessions.h"
#include "harness/rpc/facts/facts_wire.h"
#include "harness/rpc/node_calls.h"

namespace harness {
namespace {

// Nodes are told of releases for this long; they forget the other commands by themselves, later.
constexpr std::chrono::seconds kReleaseWait{2};

// The number of samples of a node's clock besides that of hello.
constexpr unsigned kClockSamples = 4;

}  // namespace

struct Controller::Impl {
  explicit Impl(const ControllerOptions& given) : options(given) {}

  ControllerOptions options;
  IoThread io;
  ScopeStack scopes;

  // They come after the thread that their promises run on, and so are destroyed before it.
  std::deque<ControllerNode> nodes;
};

Controller::Controller(const ControllerOptions& options) : impl_(std::make_unique<Impl>(options)) {}

Controller::~Controller() = default;

ControllerNode& Controller::connect(const NodeDescription& description) {
  return impl_->nodes.emplace_back(std::make_unique<ControllerNode::Impl>(
      impl_->io, description, impl_->options, impl_->scopes));
}

std::vector<std::variant<NodeSurvey, muster::NodeError>> Controller::survey(
    const std::vector<ControllerNode*>& nodes, SteadyTime until) {
  return askAll<NodeSurvey>(nodes, "survey", until, [until](ControllerNode::Impl& node) {
    Connection& connection = node.connection();
    return connection.measureClock(kClockSamples, until)
        .then([&connection, until]() { return askFacts(connection, until); })
        .then([&connection](muster::Facts&& facts) {
          return NodeSurvey{kj::mv(facts), connection.snapshot()};
        });
  });
}

std::vector<std::variant<Snapshot, muster::NodeError>> Controller::snapshots(
    const std::vector<ControllerNode*>& nodes, SteadyTime until) {
  return askAll<Snapshot>(nodes, "snapshot", until, [until](ControllerNode::Impl& node) {
    return askSnapshot(node.connection(), until);
  });
}

std::vector<std::optional<muster::NodeError>> Controller::awaitAll(
    const std::vector<ControllerNode*>& nodes, SteadyTime until) {
  auto answers = askAll<bool>(nodes, "connect", until, [until](ControllerNode::Impl& node) {
    return node.connection().live(until).then([](auto&&) { return true; });
  });
  std::vector<std::optional<muster::NodeError>> errors;
  for (auto& answer : answers) {
    auto* error = std::get_if<muster::NodeError>(&answer);
    errors.push_back(error ? std::optional(std::move(*error)) : std::nullopt);
  }
  return errors;
}

EarlierAnswer Controller::earlierSessions(const std::vector<ControllerNode*>& nodes) {
  using Sessions = std::optional<std::vector<EarlierSession>>;
  SteadyTime now = std::chrono::steady_clock::now();
  auto answers =
      askAll<Sessions>(nodes, "look for earlier sessions", now, [now](ControllerNode::Impl& node) {
        Connection& connection = node.connection();
        return connection.live(now).then([&connection](auto&&) { return connection.earlier(); });
      });
  EarlierAnswer all;
  for (size_t i = 0; i < answers.size(); ++i) {
    auto* sessions = std::get_if<Sessions>(&answers[i]);
    if (sessions == nullptr) continue;
    if (!*sessions) {
      all.untold.push_back(nodes[i]->description().name);
    } else {
      all.sessions.insert(all.sessions.end(), (*sessions)->begin(), (*sessions)->end());
    }
  }
  return all;
}

std::vector<std::string> Controller::actOnEarlier(const std::vector<EarlierSession>& sessions,
                                                  EarlierAction action, SteadyTime until) {
  std::vector<ControllerNode*> nodes;
  for (const EarlierSession& session : sessions) {
    for (ControllerNode& node : impl_->nodes) {
      if (node.description().name == session.node) nodes.push_back(&node);
    }
  }
  size_t next = 0;
  auto answers = askAll<std::vector<Leftover>>(
      nodes, action == EarlierAction::kEnd ? "end an earlier session" : "adopt an earlier session",
      until, [&](ControllerNode::Impl& node) {
        return harness::actOnEarlier(node.connection(), sessions[next++].id, action, until);
      });
  std::vector<std::string> problems;
  for (auto& answer : answers) {
    if (auto* error = std::get_if<muster::NodeError>(&answer)) {
      bool isGone = error->kind() == muster::NodeError::Kind::kLost;
      if (!isGone) problems.push_back(error->what());
      continue;
    }
    for (const Leftover& left : std::get<std::vector<Leftover>>(answer)) {
      problems.push_back("left on node " + left.node + ": " + left.what + ": " + left.reason);
    }
  }
  return problems;
}

ScopeHandle Controller::beginScope(std::string name,
                                   std::vector<std::pair<std::string, std::string>> labels) {
  return impl_->scopes.begin(std::move(name), std::move(labels));
}

std::vector<Leftover> Controller::endScope(const ScopeHandle& scope, SteadyTime until) {
  std::vector<Leftover> leftovers;
  for (const ScopeHandle& ended : impl_->scopes.end(scope)) {
    auto answers = impl_->io.run(
        [&]() {
          auto all = kj::heapArrayBuilder<kj::Promise<std::vector<Leftover>>>(impl_->nodes.size());
          for (ControllerNode& each : impl_->nodes) {
            each.impl().jobs().forget(*ended);
            all.add(each.impl().connection().endScope(ended, until));
          }
          return kj::joinPromises(all.finish());
        },
        until, Urgency::kUrgent);
    for (auto& some : answers) leftovers.insert(leftovers.end(), some.begin(), some.end());
  }
  return leftovers;
}

std::vector<Leftover> Controller::closeAll(SteadyTime until) {
  auto answers = impl_->io.run(
      [&]() {
        auto all = kj::heapArrayBuilder<kj::Promise<std::vector<Leftover>>>(impl_->nodes.size());
        for (ControllerNode& each : impl_->nodes) {
          ControllerNode::Impl& node = each.impl();
          auto told = node.jobs().released(
              std::min(until, std::chrono::steady_clock::now() + kReleaseWait));
          all.add(told.then([&node, until]() { return node.connection().close(until); }));
        }
        return kj::joinPromises(all.finish());
      },
      until, Urgency::kUrgent);
  std::vector<Leftover> leftovers;
  for (auto& some : answers) leftovers.insert(leftovers.end(), some.begin(), some.end());
  return leftovers;
}

void Controller::refuseCalls(const std::string& reason) {
  impl_->io.refuseCalls(reason);
}

void Controller::allowCalls() {
  impl_->io.allowCalls();
}

void Controller::stop() {
  for (ControllerNode& node : impl_->nodes) node.impl().disconnect();
  impl_->io.stop();
}

}  // namespace harness
