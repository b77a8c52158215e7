// What commands of the nodes and the test tell each other: events with data, which are waited for
// by name.
//
//   Process server = node.start({"sh", "-c", "kvd & nodeagent notify ready port=7400; wait"});
//   Notification ready = cluster().event("ready").wait(10s);
//   EXPECT_EQ(ready.data["port"], "7400");
//   cluster().notify("go", {{"rate", "100"}});  // A script waits for it by `nodeagent wait go`.
//
// Events are pushed: a waiter goes on within milliseconds, whichever node the event came from. The
// commands for scripts are in docs/reference/sync.md. A condition that nobody tells of is looked
// for by awaitUntil (await.h).
//
// Things to get right:
//   * An event stays. Who waits for it later still gets it, and each waiter, a command or the test,
//     gets each event once, in order. The second wait of a test for a name is for the second event.
//   * The end of a test forgets its events; those of SetUpTestSuite stay until the suite's end.
//   * The test program passes the events on. Commands that wait go on waiting while a node cannot
//     be reached, and miss nothing. If the agent's keeper was killed, its commands are lost.
#pragma once

#include <chrono>
#include <iosfwd>
#include <map>
#include <source_location>
#include <string>

namespace harness::rpc {
class Sync;
}

namespace muster {

class Cluster;

// The data of an event, by name.
using EventData = std::map<std::string, std::string>;

// One event that has come. A value.
struct Notification {
  std::string name = {};

  // The node whose command sent it; empty if the test did.
  std::string node = {};

  // That command in one line, cut at 200 bytes and without words that look like secrets.
  std::string command = {};
  EventData data = {};
};

// The events of one name, made by Cluster::event. A value that is valid as long as its cluster.
class Event {
 public:
  using Where = std::source_location;

  // Waits for the next event that the test has not had, at most until DeadlineScope::current(), or
  // for `within` if that is sooner. NodeError kTimeout, naming the events that came and the
  // commands that wait, if there is none. Call from the test thread.
  Notification wait(Where where = Where::current());
  Notification wait(std::chrono::nanoseconds within, Where where = Where::current());

  const std::string& name() const { return name_; }

 private:
  friend class Cluster;
  Event(harness::rpc::Sync& sync, std::string name);

  harness::rpc::Sync* sync_;
  std::string name_;
};

// Print name, sender and data, and the name, for gtest.
void PrintTo(const Notification& notification, std::ostream* out);
void PrintTo(const Event& event, std::ostream* out);

}  // namespace muster
