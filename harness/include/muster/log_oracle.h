// Says within a test which lines of the logs are allowed, and which must come.
//
//   {
//     Fault cut = cluster().isolate(victim);
//     AllowLog allowed({.pattern = "ERROR: peer .* lost", .reason = "the peer is cut off"}, cut);
//     ExpectLog expected({victim}, "/var/log/kvd/*.log", "ERROR: no quorum");
//     EXPECT_THAT(victim, Eventually(Prints({"kvctl", "status"}, "stale"), 10s));
//   }
//
// Both hold from their construction to their destruction, by marks and not by clocks. The rules of
// a whole suite are in log_rules.h. Nothing here changes a log.
//
// Things to get right:
//   * Hold them: an object that is not held is over at once. Compilers warn of it.
//   * Make them before that which is to be logged.
//   * Use them on the test thread, and destroy them before the test ends.
#pragma once

#include <chrono>
#include <memory>
#include <source_location>
#include <string>
#include <vector>

#include <muster/fault.h>
#include <muster/log.h>
#include <muster/log_rules.h>

namespace muster {

// Allows lines in the sources that ClusterTest::logs() of the suite names, on the nodes that the
// rule names, in addition to the rules of the suite. A scope in which no line is allowed is
// reported when the program ends, unless another one of the same rule allowed some.
class [[nodiscard]] AllowLog {
 public:
  using Where = std::source_location;

  // Holds until its destruction. NodeError kInvalid if the rule is refused (log_rules.h) or the
  // suite watches no logs.
  explicit AllowLog(const LogRule& rule, Where where = Where::current());

  // Holds while the fault does: until it is healed, or until its own destruction if that is sooner.
  // The lines that the heal itself makes are not allowed.
  AllowLog(const LogRule& rule, Fault& fault, Where where = Where::current());

  // Reads what was logged, for 30 s at most. An error fails the test.
  ~AllowLog();
  AllowLog(const AllowLog&) = delete;
  AllowLog& operator=(const AllowLog&) = delete;

  // Ends the scope now. Later calls and the destructor do nothing.
  void end();

  class Scope;

 private:
  std::shared_ptr<Scope> scope_;
};

// Expects that each of the nodes logs a line that matches, between construction and destruction. A
// line that is missing then makes the test fail, at the line of the construction.
class [[nodiscard]] ExpectLog {
 public:
  using Where = std::source_location;

  // Takes a mark on all nodes. Its end waits `within` for lines that are missing. Throws what
  // LogSet::mark does, and NodeError kInvalid for a pattern that is refused.
  ExpectLog(const NodeSet& nodes, LogSource source, std::string pattern,
            std::chrono::nanoseconds within = std::chrono::milliseconds(0),
            Where where = Where::current());
  ~ExpectLog();
  ExpectLog(const ExpectLog&) = delete;
  ExpectLog& operator=(const ExpectLog&) = delete;

  // Ends the expectation now. Later calls and the destructor do nothing.
  void end();

 private:
  LogSet logs_;
  std::string pattern_;
  std::chrono::nanoseconds within_;
  Where where_;
  std::vector<LogMark> marks_;
  bool holds_ = true;
};

}  // namespace muster
