// Waits for a condition with a bound: a gmock matcher that looks again and again.
//
//   EXPECT_THAT(node, Eventually(Runs({"cat", "/run/state"}, Prints("ready")), 5s));
//   EXPECT_THAT([&] { return node.file("/run/flag").exists(); },
//               Eventually(testing::IsTrue(), 5s));
//
// The literal 5s comes with `using namespace muster` (see run_options.h).
//
// It replaces every sleep of "long enough" in a test. It does not say that the condition stays
// true, nor that it never held before. The matchers for one look, such as Runs, are in matchers.h.
//
// Things to get right:
//   * The subject must change between looks: a Node with Runs, or a callable. A value that was
//     computed before, such as a Result, stays the same for all looks.
//   * The looks are made on the calling thread, one after the other. Calls on nodes within a look
//     end with `within`, and with the enclosing DeadlineScope; a look of other kinds is not
//     interrupted.
//   * A NodeError within a look means "not yet", so a node that reboots may be waited for. Other
//     exceptions end the wait.
//   * A callable is called many times: it should look, and change nothing.
//   * The looks are 100 ms apart unless the test says otherwise. A state that lasts for less may
//     pass unseen between two looks.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <muster/node_error.h>

namespace muster {
namespace internal {

// One look of Eventually.
struct Observation {
  bool matched = false;

  // The value that was seen, or the text of the error that stood in for it.
  std::string seen;

  // This is what the inner matcher said of it. It may be empty.
  std::string explanation;
};

// Looks until one matches or `within` has passed, at least once. `every` lies between the
// beginnings of two looks. Calls made while looking end with `within`. On failure, the last look
// and the number of looks are explained.
bool poll(const std::function<Observation()>& look, std::chrono::nanoseconds within,
          std::chrono::nanoseconds every, testing::MatchResultListener* listener);

// Returns "within 30 s", for descriptions.
std::string withinText(std::chrono::nanoseconds within);

// Matches `value` once. The matchers of sets of nodes use it, too.
template <typename Value, typename Inner>
Observation observe(const Value& value, const Inner& inner) {
  testing::StringMatchResultListener explanation;
  bool matched = testing::SafeMatcherCast<const Value&>(inner).MatchAndExplain(value, &explanation);
  return {matched, testing::PrintToString(value), explanation.str()};
}

// What Eventually returns.
template <typename Inner>
class EventuallyMatcher {
 public:
  using is_gtest_matcher = void;

  EventuallyMatcher(Inner inner, std::chrono::nanoseconds within, std::chrono::nanoseconds every)
      : inner_(std::move(inner)), within_(within), every_(every) {}

  // gtest asks a matcher that did not match a second time, for its explanation. The answer to that
  // is kept: waiting again would double the time of a failure and might tell of something else.
  template <typename Subject>
  bool MatchAndExplain(const Subject& subject, testing::MatchResultListener* listener) const {
    std::optional<std::string> failure = std::exchange(*failure_, std::nullopt);
    if (!failure || !listener->IsInterested()) {
      testing::StringMatchResultListener explanation;
      if (poll([&] { return look(subject); }, within_, every_, &explanation)) return true;
      failure = explanation.str();
      if (!listener->IsInterested()) *failure_ = failure;
    }
    *listener << *failure;
    return false;
  }
  void DescribeTo(std::ostream* out) const { describe(out, "in the end"); }
  void DescribeNegationTo(std::ostream* out) const { describe(out, "not"); }

 private:
  // Calls a subject that can be called, and takes any other as the value.
  template <typename Subject>
  Observation look(const Subject& subject) const {
    if constexpr (std::is_invocable_v<const Subject&>) {
      try {
        return observe(subject(), inner_);
      } catch (const NodeError& error) {
        return {false, error.what(), ""};
      }
    } else {
      return observe(subject, inner_);
    }
  }

  // A plain value, as in Eventually(3, 5s), has no description of its own and is printed.
  void describe(std::ostream* out, const char* how) const {
    *out << withinText(within_) << ", " << how << ": ";
    if constexpr (requires { inner_.DescribeTo(out); }) {
      inner_.DescribeTo(out);
    } else {
      *out << testing::PrintToString(inner_);
    }
  }

  Inner inner_;
  std::chrono::nanoseconds within_;
  std::chrono::nanoseconds every_;

  // Shared by the copies that gtest makes of this matcher.
  std::shared_ptr<std::optional<std::string>> failure_ =
      std::make_shared<std::optional<std::string>>();
};

}  // namespace internal

// Matches as soon as `inner` does, looking again and again until `within` has passed. The subject
// is a Node (with Runs), a callable whose value `inner` matches, or anything that changes. The
// first look is made at once, and `every` is the time from the beginning of one look to that of the
// next.
//
// With `within` zero there is exactly one look. On failure the text has the last look and how many
// there were.
//
//   EXPECT_THAT(node, Eventually(Runs({"pgrep", "kvd"}, ExitedWith(1)), 5s));
//
// A test that waits for the end of a state matches its absence, as here. Not(Eventually(…)) says
// that the state does not come, and takes the whole of `within` to pass.
template <typename Inner>
internal::EventuallyMatcher<Inner> Eventually(
    Inner inner, std::chrono::nanoseconds within,
    std::chrono::nanoseconds every = std::chrono::milliseconds(100)) {
  return {std::move(inner), within, every};
}

}  // namespace muster
