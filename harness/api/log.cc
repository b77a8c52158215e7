#include <algorithm>
#include <deque>
#include <sstream>

#include <muster/deadline.h>
#include <muster/log.h>

#include "harness/api/access.h"
#include "harness/api/call_site.h"
#include "harness/api/fan_out.h"
#include "harness/rpc/log/logs.h"
#include "harness/values/failure_text.h"

namespace muster {

using harness::at;
using harness::rpc::LogPart;
namespace rpc = harness::rpc;

namespace {

// The last lines that a wait in vain shows, and how much of the log is looked at for them.
constexpr size_t kLastLines = 5;
constexpr int kPartsMax = 16;
constexpr std::chrono::seconds kEvidenceMax{2};

// Returns what was logged instead, and nothing if it cannot be read.
std::string evidence(const rpc::Logs& logs, const LogMark& mark) {
  std::deque<LogLine> last;
  uint64_t count = 0;
  try {
    LogMark from = mark;
    SteadyTime until = std::chrono::steady_clock::now() + kEvidenceMax;
    for (int i = 0; i < kPartsMax; ++i) {
      LogPart part = logs.readPart(from, std::nullopt, {}, until);
      for (LogLine& line : part.slice.lines) {
        ++count;
        last.push_back(std::move(line));
        if (last.size() > kLastLines) last.pop_front();
      }
      if (!part.hasMore) break;
      from = part.next;
    }
  } catch (const NodeError& error) {
    return std::string("; the log cannot be read: ") + error.detail();
  }
  std::ostringstream text;
  text << "; " << count << " other lines came";
  for (const LogLine& line : last) {
    text << "\n  ";
    PrintTo(line, &text);
  }
  return text.str();
}

LogLine awaitLine(harness::ControllerNode& node, const std::string& pattern, const LogMark& mark,
                  std::chrono::nanoseconds within) {
  SteadyTime limit = DeadlineScope::current();
  SteadyTime until = harness::waitEnd(within);
  auto allowed = until - std::chrono::steady_clock::now();
  rpc::Logs logs(node);
  LogPart part = logs.await(mark, {pattern}, until, limit);
  if (!part.slice.lines.empty()) return part.slice.lines.front();
  std::ostringstream operation;
  operation << "wait for " << harness::inQuotes(pattern) << " in ";
  PrintTo(mark.source, &operation);
  throw NodeError(NodeError::Kind::kTimeout, mark.node, operation.str(),
                  "no such line within " + harness::durationText(allowed) +
                      harness::multipliedText(within) + evidence(logs, mark));
}

// An unfinished line counts, and so the slice ends at a mark.
LogSlice readSince(harness::ControllerNode& node, const LogMark& mark,
                   const std::vector<std::string>& patterns) {
  rpc::Logs logs(node);
  SteadyTime until = DeadlineScope::current();
  return logs.read(mark, logs.mark(mark.source, until), patterns, until);
}

}  // namespace

Log::Log(const Node& node, LogSource source)
    : node_(&harness::ApiAccess::behind(node)), source_(std::move(source)) {}

LogMark Log::mark(Where where) const {
  return at(where, [&] { return rpc::Logs(*node_).mark(source_, DeadlineScope::current()); });
}

LogSlice Log::since(const LogMark& mark, const std::vector<std::string>& patterns,
                    Where where) const {
  return at(where, [&] { return readSince(*node_, mark, patterns); });
}

LogSlice Log::between(const LogMark& begin, const LogMark& end,
                      const std::vector<std::string>& patterns, Where where) const {
  return at(where,
            [&] { return rpc::Logs(*node_).read(begin, end, patterns, DeadlineScope::current()); });
}

LogLine Log::waitFor(const std::string& pattern, const LogMark& mark, Where where) const {
  return waitFor(pattern, mark, std::chrono::nanoseconds::max(), where);
}

LogLine Log::waitFor(const std::string& pattern, const LogMark& mark,
                     std::chrono::nanoseconds within, Where where) const {
  return at(where, [&] { return awaitLine(*node_, pattern, mark, within); });
}

LogSet::LogSet(const NodeSet& nodes, LogSource source) : source_(std::move(source)) {
  for (Node& node : nodes) nodes_.push_back(&node);
}

std::vector<LogMark> LogSet::mark(Where where) const {
  auto answers =
      harness::askEach<LogMark>(nodes_, harness::kFanOutMax, where, [&](const Node& node) {
        return rpc::Logs(harness::ApiAccess::behind(node)).mark(source_, DeadlineScope::current());
      });
  std::vector<LogMark> marks;
  answers.checked(where);
  for (const NodeAnswer<LogMark>& answer : answers) marks.push_back(*answer.value);
  return marks;
}

void LogSet::requireMarks(const std::vector<LogMark>& marks, Where where) const {
  if (marks.size() == nodes_.size()) return;
  throw NodeError(NodeError::Kind::kInvalid, "", "read logs",
                  "there are " + std::to_string(marks.size()) + " marks for " +
                      std::to_string(nodes_.size()) + " nodes",
                  0, where);
}

NodeAnswers<LogSlice> LogSet::since(const std::vector<LogMark>& marks,
                                    const std::vector<std::string>& patterns, Where where) const {
  requireMarks(marks, where);
  std::vector<std::string> names;
  for (const Node* node : nodes_) names.push_back(node->name());
  return NodeAnswers<LogSlice>(
      harness::answersOf<LogSlice>(names, harness::kFanOutMax, where, [&](size_t i) {
        return readSince(harness::ApiAccess::behind(*nodes_[i]), marks[i], patterns);
      }));
}

NodeAnswers<LogSlice> LogSet::between(const std::vector<LogMark>& begins,
                                      const std::vector<LogMark>& ends,
                                      const std::vector<std::string>& patterns, Where where) const {
  requireMarks(begins, where);
  requireMarks(ends, where);
  std::vector<std::string> names;
  for (const Node* node : nodes_) names.push_back(node->name());
  return NodeAnswers<LogSlice>(
      harness::answersOf<LogSlice>(names, harness::kFanOutMax, where, [&](size_t i) {
        return rpc::Logs(harness::ApiAccess::behind(*nodes_[i]))
            .read(begins[i], ends[i], patterns, DeadlineScope::current());
      }));
}

NodeAnswers<LogLine> LogSet::waitFor(const std::string& pattern, const std::vector<LogMark>& marks,
                                     std::chrono::nanoseconds within, Where where) const {
  requireMarks(marks, where);
  std::vector<std::string> names;
  for (const Node* node : nodes_) names.push_back(node->name());
  return NodeAnswers<LogLine>(
      harness::answersOf<LogLine>(names, harness::kFanOutMax, where, [&](size_t i) {
        return awaitLine(harness::ApiAccess::behind(*nodes_[i]), pattern, marks[i], within);
      }));
}

}  // namespace muster
