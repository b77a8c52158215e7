// The inside of a ControllerNode, and the three ways in which a service of this room makes its
// calls. It waits for one answer, begins a call and waits later, or asks several nodes at once.
//
//   return ask<std::string>(node, "digest " + inQuotes(path), until,
//                           [&](EstablishedConnection& connection) { … request.send().then(…); });
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <muster/write_options.h>

#include "harness/rpc/connection.h"
#include "harness/rpc/controller_node.h"
#include "harness/rpc/failure.h"
#include "harness/rpc/io_thread.h"
#include "harness/rpc/job/job_runner.h"
#include "harness/rpc/sync/feed.h"
#include "harness/values/activity.h"

namespace harness {

// A call that was begun.
template <typename Value>
class Answer {
 public:
  Answer(IoThread::Pending<Value> pending, std::string node, std::string operation)
      : pending_(std::move(pending)), node_(std::move(node)), operation_(std::move(operation)) {}

  // Returns the value or throws a NodeError. May be called once.
  Value wait(SteadyTime until) {
    try {
      return pending_.wait(until);
    } catch (const kj::Exception& exception) {
      throw toNodeError(exception, node_, operation_);
    }
  }

 private:
  IoThread::Pending<Value> pending_;
  std::string node_;
  std::string operation_;
};

struct ControllerNode::Impl {
  // Begins to connect. Borrows `loop` and `openScopes`. To be destroyed or disconnected off the io
  // thread, before that thread ends.
  Impl(IoThread& loop, const NodeDescription& node, const ControllerOptions& options,
       const ScopeStack& openScopes);
  ~Impl();

  // Destroys the connection. Call it once no call is under way; later ones fail.
  void disconnect();

  // The next two belong to the io thread. There are none after disconnect().
  Connection& connection() { return *onLoop->connection; }
  JobRunner& jobs() { return onLoop->jobs; }

  // Runs `function`, which returns a promise, on the io thread and waits for the value. Its failure
  // becomes a NodeError of `operation`.
  template <typename Function>
  auto blocking(const std::string& operation, SteadyTime until, Function&& function) {
    try {
      return io.run(function, until);
    } catch (const kj::Exception& exception) {
      throw toNodeError(exception, description.name, operation);
    }
  }

  // Does the same, and tells the listener of activities of it (harness/values/activity.h).
  template <typename Function>
  auto told(const char* kind, const std::string& operation, SteadyTime until, Function&& function) {
    auto start = [&]() {
      return ActivityStart{.kind = kind, .nodes = {description.name}, .text = operation};
    };
    return listed(start, [&]() { return blocking(operation, until, function); });
  }

  // Does what blocking() does without waiting. `function` owns its captures, and must itself end at
  // some time.
  template <typename Function>
  auto begin(const std::string& operation, Function function) {
    using Value = typename io_thread_internal::ValueOf<decltype(function())>::Type;
    return Answer<Value>(io.begin(std::move(function)), description.name, operation);
  }

  struct OnLoop {
    std::unique_ptr<Connection> connection;
    JobRunner jobs;

    // Null until somebody listens (sync/sync.h).
    kj::Own<SyncFeed> sync;
  };

  IoThread& io;
  const ScopeStack& scopes;
  const NodeDescription description;
  std::unique_ptr<OnLoop> onLoop;
};

// Makes a call over an established connection. It is made again after each loss of the connection,
// so it must be of a kind that may be sent twice.
template <typename T>
using Attempt = std::function<kj::Promise<T>(EstablishedConnection&)>;

// Makes such a call and waits for the answer, at most until `until` (Connection::call).
template <typename T>
T ask(ControllerNode& node, const std::string& operation, SteadyTime until, Attempt<T> attempt,
      ScopeHandle scope = nullptr) {
  ControllerNode::Impl& impl = node.impl();
  return impl.told("call", operation, until,
                   [&]() { return impl.connection().call<T>(until, std::move(attempt), scope); });
}

// Does the same without waiting. `attempt` owns its captures.
template <typename T>
Answer<T> beginAsking(ControllerNode& node, const std::string& operation, SteadyTime until,
                      Attempt<T> attempt, ScopeHandle scope = nullptr) {
  ControllerNode::Impl& impl = node.impl();
  return impl.begin(operation, [&impl, until, attempt = std::move(attempt), scope]() mutable {
    return impl.connection().call<T>(until, std::move(attempt), scope);
  });
}

// Returns the scope of a change that is undone at `undo`. Null: it belongs to the session.
inline ScopeHandle scopeOf(ControllerNode& node, muster::UndoAt undo) {
  return undo == muster::UndoAt::kTestEnd ? node.impl().scopes.current() : nullptr;
}

// Asks all of `nodes`, which are of one controller, at once. `call` is given the inside of a node
// and promises a T. Returns one answer or error for each, in order. Throws a NodeError if the call
// as a whole was given up (IoThread::refuseCalls).
template <typename T, typename Call>
std::vector<std::variant<T, muster::NodeError>> askAll(const std::vector<ControllerNode*>& nodes,
                                                       const std::string& operation,
                                                       SteadyTime until, Call&& call) {
  using Answer = std::variant<T, muster::NodeError>;
  if (nodes.empty()) return {};
  auto askEach = [&]() {
    auto all = kj::heapArrayBuilder<kj::Promise<Answer>>(nodes.size());
    for (ControllerNode* node : nodes) {
      ControllerNode::Impl& impl = node->impl();
      kj::Promise<T> asked = kj::evalNow([&]() { return call(impl); });
      all.add(asked.then([](T&& value) -> Answer { return kj::mv(value); },
                         [name = impl.description.name, operation](kj::Exception&& exception)
                             -> Answer { return toNodeError(exception, name, operation); }));
    }
    return kj::joinPromises(all.finish());
  };
  try {
    auto answers = nodes.front()->impl().io.run(askEach, until);
    return std::vector<Answer>(std::make_move_iterator(answers.begin()),
                               std::make_move_iterator(answers.end()));
  } catch (const kj::Exception& exception) {
    // The failure is none of a single node: the program gave up the call.
    throw toNodeError(exception, "", operation);
  }
}

// Reads the answer of a call that has nothing to say but perhaps an error.
constexpr auto answered = [](auto&& response) {
  requireNoError(response);
  return true;
};

}  // namespace harness
