// The one place where a test waits between two looks.
#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <muster/await.h>
#include <muster/deadline.h>
#include <muster/eventually.h>
#include <muster/node_error.h>

#include "harness/values/cancellation.h"
#include "harness/values/failure_text.h"

namespace muster {
namespace internal {

namespace {

// What the calls of the last look may take beyond the longest look so far.
constexpr std::chrono::seconds kLastLookMargin{1};

SteadyTime now() {
  return std::chrono::steady_clock::now();
}

// Splits a text; a newline at its end begins no line.
std::vector<std::string> linesOf(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

}  // namespace

// A state that came after the last look in time, and before its end, would be missed. The last look
// is therefore made at the end, with time of its own, since its calls have none left otherwise.
bool poll(const std::function<Observation()>& look, std::chrono::nanoseconds within,
          std::chrono::nanoseconds every, testing::MatchResultListener* listener) {
  SteadyTime begin = now();
  SteadyTime next = begin;
  std::chrono::nanoseconds longest{0};
  unsigned looks = 0;
  Observation seen;
  auto matches = [&] {
    SteadyTime start = now();
    seen = look();
    ++looks;
    longest = std::max<std::chrono::nanoseconds>(longest, now() - start);
    return seen.matched;
  };
  bool lastIsDue = within.count() <= 0;
  if (!lastIsDue) {
    DeadlineScope scope(within);
    SteadyTime end = DeadlineScope::current();
    while (!lastIsDue) {
      if (matches()) return true;
      // A look that took until the end was the last one.
      if (now() >= end) break;
      next = std::max(next + every, now());
      lastIsDue = next >= end;
      harness::sleepInScope(std::min(next, end));
      if (std::string reason = harness::scopesCancelledBy(); !reason.empty()) {
        throw NodeError(NodeError::Kind::kCancelled, "", "", reason);
      }
    }
  }
  if (lastIsDue && (looks == 0 || DeadlineScope::remaining().count() > 0)) {
    DeadlineScope scope(longest + kLastLookMargin);
    if (matches()) return true;
  }
  *listener << "not seen in " << looks << (looks == 1 ? " look" : " looks") << " within "
            << harness::durationText(now() - begin) << "; the last saw " << seen.seen
            << (seen.explanation.empty() ? "" : ", ") << seen.explanation;
  return false;
}

std::optional<Observation> differenceOf(const std::string& expected, std::string_view seen) {
  constexpr size_t kLinesMax = 1000;
  std::vector<std::string> left = linesOf(expected);
  std::vector<std::string> right = linesOf(seen);
  bool isShort = left.size() < 2 && right.size() < 2;
  if (isShort || left.size() > kLinesMax || right.size() > kLinesMax) return std::nullopt;
  std::string difference = testing::internal::edit_distance::CreateUnifiedDiff(left, right);
  // The texts may differ by nothing but the newline at the end.
  bool endsDiffer = expected.ends_with('\n') != seen.ends_with('\n');
  if (endsDiffer) {
    difference += std::string("only the ") + (seen.ends_with('\n') ? "seen" : "expected") +
                  " one ends with a newline\n";
  }
  return Observation{false, "a text of " + std::to_string(right.size()) + " lines",
                     "which differs from the expected one (- expected, + seen):\n" + difference};
}

void await(const std::string& purpose, const std::function<Observation()>& look,
           std::chrono::nanoseconds within, std::chrono::nanoseconds every,
           const std::source_location& where) {
  testing::StringMatchResultListener explanation;
  if (poll(look, within, every, &explanation)) return;
  throw NodeError(NodeError::Kind::kTimeout, "", purpose, explanation.str(), 0, where);
}

std::string purposeText(const std::string& description) {
  constexpr size_t kBytesMax = 200;
  if (description.size() > kBytesMax) return "wait";
  return "wait for a value that " + description;
}

std::string withinText(std::chrono::nanoseconds within) {
  return "within " + harness::durationText(within);
}

}  // namespace internal
}  // namespace muster
