// Reads the logs of nodes: what was written since a mark, and waits for a line.
//
//   Log log(node, "/var/log/kvd/*.log");
//   LogMark mark = log.mark();
//   node.service("kvd").restart();
//   LogLine line = log.waitFor("listening on port [0-9]+", mark, 10s);
//   EXPECT_THAT(log.since(mark).lines, testing::SizeIs(testing::Lt(100)));
//
//   LogSet logs(servers(), LogSource::unit("kvd.service"));
//   std::vector<LogMark> marks = logs.mark();
//   logs.waitFor("joined the cluster", marks, 10s).checked();
//
// Clocks play no part: a mark is the place where a log ended (log_slice.h). Rotation is followed,
// whether by rename or by copy and truncation, and what could not be followed is a note of the
// slice. Which lines make a test fail is said by rules: log_rules.h.
//
// Things to get right:
//   * Take the mark before you do what is to be logged. A wait begins at a mark, so a line that
//     came in the meantime is found.
//   * Patterns are regular expressions of RE2, found anywhere in a line. One that does not compile
//     or matches the empty string is NodeError kInvalid.
//   * A log is bytes. A line of over 64 KiB comes in parts.
//   * A rotated file that was compressed since the mark is not read; a note says so.
//   * Files tell of a line within milliseconds. journald takes up to a quarter of a second.
//   * Reading logs needs the role operator, since they may hold secrets.
#pragma once

#include <chrono>
#include <source_location>
#include <string>
#include <vector>

#include <muster/log_slice.h>
#include <muster/node.h>
#include <muster/node_answers.h>
#include <muster/node_set.h>

namespace harness {
class ControllerNode;
}

namespace muster {

// Stands for one source of one node, and asks nothing when it is made. A value that is valid as
// long as the cluster. Calls throw NodeError, end with DeadlineScope::current(), and belong to the
// test thread. Kinds: kInvalid for a wrong source, pattern or mark; kUnsupported if the node has no
// journal or no readable kernel log, or its agent is too old; kDenied for a role below operator.
class Log {
 public:
  using Where = std::source_location;

  Log(const Node& node, LogSource source);

  // Marks the present end. Files that do not exist yet count from their beginning.
  LogMark mark(Where where = Where::current()) const;

  // Return what was written behind a mark until now, or until another one; an unfinished line
  // counts. With patterns, only lines that match one of them come. At most 200 000 lines or 64 MiB
  // are read, and a note says if there are more.
  LogSlice since(const LogMark& mark, const std::vector<std::string>& patterns = {},
                 Where where = Where::current()) const;
  LogSlice between(const LogMark& begin, const LogMark& end,
                   const std::vector<std::string>& patterns = {},
                   Where where = Where::current()) const;

  // Waits for a whole line behind the mark that matches, and returns the first, at most until
  // DeadlineScope::current(), or for `within` if that is sooner. NodeError kTimeout with the last
  // lines that came instead.
  LogLine waitFor(const std::string& pattern, const LogMark& mark,
                  Where where = Where::current()) const;
  LogLine waitFor(const std::string& pattern, const LogMark& mark, std::chrono::nanoseconds within,
                  Where where = Where::current()) const;

  const LogSource& source() const { return source_; }

 private:
  // Owned by the connections of the cluster.
  harness::ControllerNode* node_;
  LogSource source_;
};

// Stands for the same source on several nodes, which are asked at once. Answers are those of Log,
// one for each node in the order of the set; an error of one node is kept in its place.
class LogSet {
 public:
  using Where = std::source_location;

  LogSet(const NodeSet& nodes, LogSource source);

  // Returns a mark of each node, in order. Throws the NodeError of a node that did not answer,
  // because marks of some nodes are of no use.
  std::vector<LogMark> mark(Where where = Where::current()) const;

  // Do as those of Log. `marks` are one for each node: NodeError kInvalid otherwise.
  [[nodiscard]] NodeAnswers<LogSlice> since(const std::vector<LogMark>& marks,
                                            const std::vector<std::string>& patterns = {},
                                            Where where = Where::current()) const;
  [[nodiscard]] NodeAnswers<LogSlice> between(const std::vector<LogMark>& begins,
                                              const std::vector<LogMark>& ends,
                                              const std::vector<std::string>& patterns = {},
                                              Where where = Where::current()) const;
  [[nodiscard]] NodeAnswers<LogLine> waitFor(const std::string& pattern,
                                             const std::vector<LogMark>& marks,
                                             std::chrono::nanoseconds within,
                                             Where where = Where::current()) const;

 private:
  void requireMarks(const std::vector<LogMark>& marks, Where where) const;

  std::vector<Node*> nodes_;
  LogSource source_;
};

}  // namespace muster
