#include "harness/rpc/sync/sync.h"

#include <utility>

#include "harness/rpc/node_calls.h"
#include "harness/rpc/sync/feed.h"
#include "harness/values/failure_text.h"

namespace harness::rpc {
namespace {

using Kind = muster::NodeError::Kind;

// The waiter of the board that is the test. It has one wait for an event at a time in each thread.
constexpr const char* kTest = "";

[[noreturn]] void fail(Kind kind, const std::string& operation, const std::string& detail) {
  throw muster::NodeError(kind, "", operation, detail);
}

std::string eventText(const std::string& verb, const std::string& name) {
  return verb + " event " + inQuotes(name);
}

std::string barrierText(const std::string& name) {
  return "barrier " + inQuotes(name);
}

// An answer of the board that is being waited for on the io thread.
class Awaited {
 public:
  SyncBoard::Reply reply() {
    return [state = state_](const SyncAnswer& answer) {
      state->isAnswered = true;
      state->fulfiller->fulfill(SyncAnswer(answer));
    };
  }

  // Resolves to the answer, or to none at `until`. Calls `giveUp` if the promise ends without it.
  template <typename GiveUp>
  kj::Promise<std::optional<SyncAnswer>> promise(Loop& loop, SteadyTime until, GiveUp giveUp) {
    using Answer = std::optional<SyncAnswer>;
    auto late = loop.timer().afterDelay(loop.durationUntil(until)).then([]() { return Answer(); });
    return answer_.then([](SyncAnswer&& answer) { return Answer(std::move(answer)); })
        .exclusiveJoin(kj::mv(late))
        .attach(kj::defer([state = state_, giveUp = std::move(giveUp)]() {
          if (!state->isAnswered) giveUp();
        }));
  }

  Awaited() {
    auto pair = kj::newPromiseAndFulfiller<SyncAnswer>();
    answer_ = kj::mv(pair.promise);
    state_->fulfiller = kj::mv(pair.fulfiller);
  }

 private:
  struct State {
    bool isAnswered = false;
    kj::Own<kj::PromiseFulfiller<SyncAnswer>> fulfiller;
  };

  // Shared by the board and the promise.
  std::shared_ptr<State> state_ = std::make_shared<State>();
  kj::Promise<SyncAnswer> answer_ = nullptr;
};

}  // namespace

Sync::Sync(std::vector<ControllerNode*> nodes) : nodes_(std::move(nodes)) {
  for (ControllerNode* node : nodes_) {
    ControllerNode::Impl& impl = node->impl();
    impl.io.post([&impl, board = board_]() {
      if (impl.onLoop) impl.onLoop->sync = kj::heap<SyncFeed>(impl.connection(), board);
    });
  }
}

Sync::~Sync() = default;

template <typename Function>
auto Sync::onLoop(const std::string& operation, SteadyTime until, Function function) {
  if (nodes_.empty()) fail(Kind::kInvalid, operation, "the cluster has no nodes");
  try {
    return nodes_.front()->impl().io.run(function, until);
  } catch (const kj::Exception& exception) {
    throw toNodeError(exception, "", operation);
  }
}

bool Sync::post(std::function<void()> function) noexcept {
  return !nodes_.empty() && nodes_.front()->impl().io.post(std::move(function));
}

void Sync::notify(const std::string& name, const SyncData& data, SteadyTime until) {
  std::string operation = eventText("send", name);
  for (const std::string& fault :
       {support::whyNoSyncName("name", name), support::whyNoSyncData(data)}) {
    if (!fault.empty()) fail(Kind::kInvalid, operation, fault);
  }
  std::string overflow = onLoop(operation, until, [&]() -> kj::Promise<std::string> {
    board_->notify({kTest, 0}, "", name, data);
    return board_->takeOverflow();
  });
  if (!overflow.empty()) fail(Kind::kOverloaded, operation, overflow);
}

SyncEvent Sync::wait(const std::string& name, SteadyTime until, std::chrono::nanoseconds allowed) {
  std::string operation = eventText("wait for", name);
  std::string fault = support::whyNoSyncName("name", name);
  if (!fault.empty()) fail(Kind::kInvalid, operation, fault);
  std::string events;
  auto answer = onLoop(operation, until, [&]() {
    Awaited awaited;
    SyncBoard::Waiter waiter = board_->newTestWaiter();
    board_->wait(waiter, {kTest, 0}, "", name, awaited.reply());
    return awaited
        .promise(
            nodes_.front()->impl().io, until,
            [board = board_, waiter]() { board->withdraw(waiter, SyncBoard::Leaving::kWaitOver); })
        .then([this, &events](std::optional<SyncAnswer>&& got) {
          if (!got) events = board_->describeEvents() + unheard();
          return kj::mv(got);
        });
  });
  if (answer) return answer->event;
  fail(Kind::kTimeout, operation, "none within " + durationText(allowed) + "; " + events);
}

void Sync::declare(const std::string& name, int64_t count, const SyncMembers& members,
                   SteadyTime until) {
  std::string operation = barrierText(name);
  for (const std::string& fault :
       {support::whyNoSyncName("name", name), support::whyNoBarrierCount(count)}) {
    if (!fault.empty()) fail(Kind::kInvalid, operation, fault);
  }
  std::string taken = onLoop(operation, until, [&]() -> kj::Promise<std::string> {
    std::string why = board_->declare(name, static_cast<uint32_t>(count), members);
    if (!why.empty()) return why;
    for (const auto& [command, text] : members.commands) {
      for (ControllerNode* node : nodes_) {
        ControllerNode::Impl& impl = node->impl();
        bool isNode = impl.description.name == command.node && impl.onLoop;
        if (isNode && impl.onLoop->sync) impl.onLoop->sync->watch(command.number);
      }
    }
    return why;
  });
  if (!taken.empty()) fail(Kind::kConflict, operation, taken);
}

void Sync::arrive(const std::string& name, SteadyTime until, std::chrono::nanoseconds allowed) {
  std::string operation = barrierText(name);
  std::string state;
  auto answer = onLoop(operation, until, [&]() {
    Awaited awaited;
    board_->arriveTest(name, awaited.reply());
    return awaited
        .promise(nodes_.front()->impl().io, until,
                 [board = board_, name]() { board->withdrawTest(name); })
        .then([this, &state, &name](std::optional<SyncAnswer>&& got) {
          if (!got) state = board_->describe(name) + unheard();
          return kj::mv(got);
        });
  });
  if (!answer) {
    fail(Kind::kTimeout, operation, "not complete within " + durationText(allowed) + "; " + state);
  }
  if (answer->kind == SyncAnswer::Kind::kDone) return;
  std::string prefix = operation + ": ";
  bool hasPrefix = answer->text.compare(0, prefix.size(), prefix) == 0;
  fail(Kind::kCommandFailed, operation,
       hasPrefix ? answer->text.substr(prefix.size()) : answer->text);
}

void Sync::undeclare(const std::string& name) noexcept {
  post([board = board_, name]() {
    board->undeclare(name, "the test has ended it before all had come");
  });
}

// Returns what to say of nodes whose commands cannot be heard now. On the io thread.
std::string Sync::unheard() const {
  std::string text;
  for (ControllerNode* node : nodes_) {
    std::string name = "\n  node " + node->description().name + ": ";
    ControllerNode::Impl& impl = node->impl();
    muster::NodeState state = node->state();
    if (!state.connected()) {
      text += name + toString(state);
    } else if (impl.onLoop && impl.onLoop->sync && !impl.onLoop->sync->unserved().empty()) {
      text += name + "its commands do not reach the test: " + impl.onLoop->sync->unserved();
    }
  }
  return text;
}

void Sync::beginTest() noexcept {
  post([board = board_]() { board->beginTest(); });
}

void Sync::endSuite() noexcept {
  post([board = board_]() { board->clear(); });
}

Sync::TestEnd Sync::endTest(SteadyTime until) noexcept {
  try {
    return onLoop("end the test's events", until, [&]() -> kj::Promise<TestEnd> {
      kj::Vector<kj::Promise<void>> flushed;
      for (ControllerNode* node : nodes_) {
        ControllerNode::Impl& impl = node->impl();
        if (board_->isUsed() && impl.onLoop && impl.onLoop->sync) {
          flushed.add(impl.onLoop->sync->flush(until));
        }
      }
      return kj::joinPromises(flushed.releaseAsArray()).then([this]() {
        board_->endTest();
        return TestEnd{board_->takeReports(), board_->takeOverflow()};
      });
    });
  } catch (const std::exception&) {
    // The test was cancelled, or there are no nodes, and so no reports.
    post([board = board_]() { board->endTest(); });
    return {};
  }
}

}  // namespace harness::rpc
