// Waits for a condition with a bound: a gmock matcher that looks again and again. The matchers for
// one look are in matchers.h.
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

// One look of Eventually: whether it matched, what was seen, and what the inner matcher said of it.
struct Observation {
  bool matched = false;
  std::string seen;
  std::string explanation;
};

// Looks until one matches or `within` passed; `every` lies between the beginnings of two looks. At
// least one look. Calls made while looking end with `within`. Explains the last look and their
// number on failure.
bool poll(const std::function<Observation()>& look, std::chrono::nanoseconds within,
          std::chrono::nanoseconds every, testing::MatchResultListener* listener);

// "within 30 s", for descriptions.
std::string withinText(std::chrono::nanoseconds within);

template <typename Value, typename Inner>
Observation observe(const Value& value, const Inner& inner) {
  testing::StringMatchResultListener explanation;
  bool matched = testing::SafeMatcherCast<const Value&>(inner).MatchAndExplain(value, &explanation);
  return {matched, testing::PrintToString(value), explanation.str()};
}

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
// is a Node (with Runs), a callable whose value `inner` matches, or anything that changes.
// NodeErrors thrown by the callable are "not yet".
template <typename Inner>
internal::EventuallyMatcher<Inner> Eventually(
    Inner inner, std::chrono::nanoseconds within,
    std::chrono::nanoseconds every = std::chrono::milliseconds(100)) {
  return {std::move(inner), within, every};
}

}  // namespace muster
