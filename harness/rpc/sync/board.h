// Joins what the commands of all nodes and the test say to each other: which event releases which
// waiter, and when a barrier is complete or broken. It knows neither connections nor time.
//
// Events last until clear(). Each consumer, a command or a stream of the test, gets each event of a
// name once, in the order in which they came, also those that came before it asked.
//
// A barrier is complete when as many commands wait at it as it is for, and the test too if the test
// has declared it; then all go on, and its next round begins. It is broken, for all that wait and
// for all that come later, when a command that waits at it ends.
#pragma once

#include <stdint.h>

#include <compare>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "schema/support/base/sync_words.h"

namespace harness {

using support::SyncData;

// A command on a node. The node "" is the test itself, whose numbers are those of its streams.
struct SyncCommand {
  std::string node;
  uint64_t number = 0;

  auto operator<=>(const SyncCommand&) const = default;
};

struct SyncEvent {
  // Counts the events from 1.
  uint64_t order = 0;
  std::string name;
  SyncCommand from;

  // The command for people; empty if the test sent it.
  std::string command;
  SyncData data;

  // It was sent while a test ran, and not by a suite's set-up.
  bool isOfTest = false;
};

// What a command puts into the report of the test.
struct SyncReport {
  enum class Result { kNone, kPass, kFail, kSkip };
  SyncCommand from;
  std::string command;
  Result result = Result::kNone;
  std::string message;
  SyncData data;
};

// Returns "data", "pass", "fail" or "skip".
std::string toString(SyncReport::Result result);

struct SyncAnswer {
  enum class Kind {
    kEvent,

    // The barrier is complete.
    kDone,

    // The barrier is broken, or the waiter asked for what cannot be.
    kFailed,
  };
  Kind kind = Kind::kDone;
  SyncEvent event;
  std::string text;
};

// The participants that the test has named. All are empty if it gave a number.
struct SyncMembers {
  std::vector<std::string> nodes;

  // With the commands for people.
  std::vector<std::pair<SyncCommand, std::string>> commands;
};

class SyncBoard {
 public:
  // Called once for each waiter at most. It must not call the board.
  using Reply = std::function<void(const SyncAnswer&)>;

  // A waiter of a node, or of the test (node ""), by the number that its side gave it.
  struct Waiter {
    std::string node;
    uint64_t number = 0;

    auto operator<=>(const Waiter&) const = default;
  };

  // How a command ended, with the last bytes of its streams.
  struct End {
    std::string how;
    std::string output;
    std::string errors;
  };

  struct Limits {
    size_t events = 65536;
    size_t eventBytes = 64 << 20;
    size_t reports = 65536;
  };

  explicit SyncBoard(const Limits& limits) : limits_(limits) {}
  SyncBoard() : SyncBoard(Limits()) {}

  // Adds an event, and answers those that wait for it. An event beyond the limits is not kept,
  // which overflow() tells.
  void notify(const SyncCommand& from, const std::string& command, const std::string& name,
              const SyncData& data);

  // Answers with the first event of the name that the consumer did not have, now or later.
  void wait(const Waiter& waiter, const SyncCommand& consumer, const std::string& command,
            const std::string& name, Reply reply);

  // A command waits at a barrier. `count` 0: it does not say for how many the barrier is.
  void arrive(const Waiter& waiter, const SyncCommand& from, const std::string& command,
              const std::string& name, uint32_t count, Reply reply);

  // The waiter waits no more, and has had no answer. An event that was meant for it is its
  // consumer's next one again. If its process has ended, the barrier is broken.
  enum class Leaving { kWaitOver, kProcessEnded };
  void withdraw(const Waiter& waiter, Leaving leaving);

  // A command has ended: barriers at which it waits, or of which it is a member, are broken.
  void end(const SyncCommand& command, const End& end);

  // All commands of a node are lost, for this reason.
  void lose(const std::string& node, const std::string& reason);

  void report(SyncReport report);
  std::vector<SyncReport> takeReports();

  // Declares a barrier of the test. Returns a text if there is one of this name already.
  std::string declare(const std::string& name, uint32_t count, const SyncMembers& members);

  // Ends the declaration. Commands that wait fail with `reason`.
  void undeclare(const std::string& name, const std::string& reason);

  // Returns a new number for a wait of the test.
  Waiter newTestWaiter() { return {"", ++lastTestWaiter_}; }

  // The test waits at the barrier that it has declared.
  void arriveTest(const std::string& name, Reply reply);
  void withdrawTest(const std::string& name);

  // Says which participants wait at the barrier and which do not, for people.
  std::string describe(const std::string& name) const;

  // Says which events there are and who waits for what, for people.
  std::string describeEvents() const;

  // A test begins or ends. Its end forgets its events, and that barriers were broken.
  void beginTest() { isInTest_ = true; }
  void endTest();

  // Forgets all events, as at the end of a suite.
  void clear();

  // Returns whether anything came from a node yet.
  bool isUsed() const { return isUsed_; }
  void noteUse() { isUsed_ = true; }

  // Says what could not be kept since the last call; empty: nothing.
  std::string takeOverflow();

 private:
  struct Waiting {
    SyncCommand consumer;
    std::string command;
    std::string name;
    Reply reply;
  };
  struct Given {
    Waiter waiter;
    SyncCommand consumer;
    std::string name;
    uint64_t before = 0;
  };
  struct Arrival {
    Waiter waiter;
    SyncCommand from;
    std::string command;
    uint32_t count = 0;
    Reply reply;
  };
  struct Declaration {
    uint32_t count = 0;
    SyncMembers members;

    // Set while the test waits.
    Reply test;
  };
  struct Barrier {
    std::optional<Declaration> declared;
    std::vector<Arrival> arrived;

    // Says why it is broken.
    std::string broken;
  };
  using Cursor = std::pair<SyncCommand, std::string>;

  uint64_t lastHad(const SyncCommand& consumer, const std::string& name) const;
  const SyncEvent* nextFor(const SyncCommand& consumer, const std::string& name) const;
  void give(const Waiter& waiter, const SyncCommand& consumer, const SyncEvent& event,
            const Reply& reply);
  static uint32_t countOf(const Barrier& barrier);
  static std::vector<size_t> complete(const Barrier& barrier);
  static bool isMember(const Barrier& barrier, const SyncCommand& command);
  static std::string who(const SyncCommand& command, const std::string& text);
  std::string refusal(const std::string& name, const Barrier& barrier,
                      const Arrival& arrival) const;
  void settle(const std::string& name);
  void breakBarrier(const std::string& name, const std::string& reason);
  static std::string stateOf(const Barrier& barrier, uint32_t count);
  void forgetIf(const std::function<bool(const SyncEvent&)>& isForgotten);

  const Limits limits_;
  std::deque<SyncEvent> events_;
  size_t eventBytes_ = 0;
  uint64_t lastOrder_ = 0;
  uint64_t lastTestWaiter_ = 0;
  bool isInTest_ = false;
  bool isUsed_ = false;
  std::string overflow_;

  // The last event that a consumer had of a name.
  std::map<Cursor, uint64_t> had_;
  std::map<Waiter, Waiting> waiting_;

  // The newest answers, which may turn out not to have arrived.
  std::deque<Given> given_;
  std::map<std::string, Barrier> barriers_;
  std::vector<SyncReport> reports_;
};

}  // namespace harness
