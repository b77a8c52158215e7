#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <muster/await.h>
#include <muster/eventually.h>
#include <muster/node_error.h>

#include "harness/match/look_history.h"
#include "harness/values/failure_text.h"
#include "harness/values/look_again.h"

namespace muster {
namespace internal {

namespace {

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

bool poll(const std::function<Observation()>& look, std::chrono::nanoseconds within,
          std::chrono::nanoseconds every, testing::MatchResultListener* listener) {
  Observation seen;
  harness::LookHistory history;
  auto begin = std::chrono::steady_clock::now();
  auto matches = [&] {
    auto at = std::chrono::steady_clock::now() - begin;
    seen = look();
    history.note(seen.explanation.empty() ? seen.seen : seen.seen + ", " + seen.explanation, at);
    return seen.matched;
  };
  harness::Looks looks = harness::lookAgain(matches, within, every);
  if (looks.matched) return true;
  *listener << "not seen in " << harness::looksText(looks) << "; the last saw " << seen.seen
            << (seen.explanation.empty() ? "" : ", ") << seen.explanation;
  if (std::string before = history.text(); !before.empty()) *listener << "; before that" << before;
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
