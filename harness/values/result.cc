#include <algorithm>
#include <ostream>
#include <utility>

#include <muster/node_error.h>
#include <muster/result.h>

#include "harness/values/failure_text.h"
#include "harness/values/stream_order.h"
#include "schema/support/base/text.h"

namespace muster {
namespace {

std::string outcomeText(const Result& result) {
  std::string after = " after " + harness::durationText(result.elapsed);
  switch (result.outcome.kind()) {
    case Outcome::Kind::kDeadline:
      return (result.stillEnding ? "told to end" : "killed") + after +
             " (deadline of this call: " + harness::durationText(result.deadline) + ")" +
             (result.stillEnding ? "; still ending" : "");
    case Outcome::Kind::kNotStarted:
    case Outcome::Kind::kLost:
      return toString(result.outcome);
    default:
      return toString(result.outcome) + after;
  }
}

std::string leftText(const Result& result) {
  std::string text;
  if (result.leftRunning) {
    text += "\n  left " + std::to_string(result.leftRunning) + " processes running";
  }
  for (const muster::ProcessName& holder : result.holders) {
    text += "\n  its output is still held open by pid " + std::to_string(holder.pid) + " " +
            harness::inQuotes(holder.command);
  }
  return text;
}

// What a failure shows below the outcome.
std::string evidenceText(const Result& result) {
  std::string text;
  if (result.succeeded()) {
    text += "\n  " + harness::wroteText(result);
  } else if (result.outcome.kind() != Outcome::Kind::kNotStarted) {
    text += "\n  " + harness::countsText(result) + harness::lastLinesText(result);
  }
  text += leftText(result);
  if (!result.logPath.empty()) text += "\n  full output: " + support::printable(result.logPath);
  return text;
}

}  // namespace

const Result& Result::checked(std::source_location where) const& {
  if (succeeded()) return *this;
  throw NodeError(NodeError::Kind::kCommandFailed, node, "run " + harness::argvText(argv),
                  outcomeText(*this) + evidenceText(*this), outcome.errnoValue(), where);
}

Result Result::checked(std::source_location where) && {
  std::as_const(*this).checked(where);
  return std::move(*this);
}

std::string Result::line(std::source_location where) const {
  size_t end = out.find_last_not_of('\n');
  if (end != std::string::npos) return out.substr(0, end + 1);
  if (succeeded()) return "";
  throw NodeError(
      NodeError::Kind::kNotFound, node, "the line of " + harness::argvText(argv),
      outcomeText(*this) + "; " + harness::countsText(*this) + harness::lastLinesText(*this),
      outcome.errnoValue(), where);
}

std::vector<std::string> Result::lines() const {
  std::vector<std::string> lines;
  size_t begin = 0;
  while (begin < out.size()) {
    size_t end = std::min(out.find('\n', begin), out.size());
    lines.push_back(out.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

std::string Result::merged() const {
  std::string text;
  text.reserve(out.size() + err.size());
  for (const harness::StreamPiece& piece : harness::piecesOf(out, err, order)) text += piece.text;
  return text;
}

void PrintTo(const Result& result, std::ostream* out) {
  *out << describe(result);
}

std::string describe(const Result& result) {
  return harness::nodeText(result.node, result.address) + ": run " +
         harness::argvText(result.argv) + ": " + outcomeText(result) + evidenceText(result);
}

}  // namespace muster
