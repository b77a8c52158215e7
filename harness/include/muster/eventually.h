// Waits for a condition with a bound: a gmock matcher that looks again and again.
//
//   EXPECT_THAT(node, Eventually(Runs({"cat", "/run/state"}, Prints("ready")), 5s));
//   EXPECT_THAT([&] { return node.file("/run/flag").exists(); },
//               Eventually(testing::IsTrue(), 5s));
//
// The literal 5s comes with `using namespace muster` (see run_options.h). What is waited for may be
// any matcher, Muster's or gmock's, a plain value too, and Eventually may stand in any of gmock's:
//
//   EXPECT_THAT([&] { return node.file("/run/n").read(); }, Eventually(AnyOf("1\n", "2\n"), 5s));
//   EXPECT_THAT(nodes, Each(Eventually(Runs({"kvctl", "status"}), 5s)));
//
// A plain text of several lines is shown by its difference, as EXPECT_EQ does. awaitUntil and
// awaitThat (await.h) wait outside of expectations.
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
//   * A callable is called many times: it should look, and change nothing. A `mutable` closure is
//     none that can be called here, and does not compile.
//   * --wait-multiplier stretches `within` on slow machines, and not the time between looks.
//   * The looks are 100 ms apart unless the test says otherwise. A state that lasts for less may
//     pass unseen between two looks. The last look begins when `within` is over: what came before
//     is seen.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <muster/first_explanation.h>
#include <muster/node_error.h>
#include <muster/printing.h>

namespace testing {

// The base of Muster's matchers. It is here so that the compiler finds AllOf, AnyOf and Not for
// them (argument-dependent lookup): AllOf(Succeeded(), StdoutIs("x")) needs no `testing::`.
struct BaseOfMusterMatchers {};

}  // namespace testing

namespace muster {
namespace internal {

// One look of Eventually.
struct Observation {
  bool matched = false;

  // The value that was seen, or the text of the error that stood in for it.
  std::string seen = {};

  // This is what the inner matcher said of it. It may be empty.
  std::string explanation = {};
};

// Looks until one matches, and for a last time when `within` is over. `every` lies between the
// beginnings of two looks. Calls made while looking end with `within`; those of the last look may
// take as long as the longest look before it, and a second. With `within` zero, the first look is
// the last. There is none behind the end of the enclosing DeadlineScope, except for the first. On
// failure, the last look, the number of looks and what they saw before are explained.
bool poll(const std::function<Observation()>& look, std::chrono::nanoseconds within,
          std::chrono::nanoseconds every, testing::MatchResultListener* listener);

// Returns "within 30 s", for descriptions.
std::string withinText(std::chrono::nanoseconds within);

// Returns the text that stands for a matcher of equality, and nothing for other matchers.
template <typename Inner>
std::optional<std::string> plainText(const Inner& inner) {
  if constexpr (std::is_convertible_v<const Inner&, std::string_view>) {
    return std::string(std::string_view(inner));
  }
  return std::nullopt;
}

// Shows how texts of several lines differ. Absent for texts of one line, or of more than 1000.
std::optional<Observation> differenceOf(const std::string& expected, std::string_view seen);

// Matches `value` once. The matchers of sets of nodes use it, too. `expected` is the text for which
// `inner` stands, if that is a plain one.
template <typename Value>
Observation observe(const Value& value, const testing::Matcher<const Value&>& inner,
                    const std::optional<std::string>& expected = std::nullopt) {
  testing::StringMatchResultListener explanation;
  bool matched = inner.MatchAndExplain(value, &explanation);
  if constexpr (std::is_convertible_v<const Value&, std::string_view>) {
    if (!matched && expected) {
      if (auto difference = differenceOf(*expected, value)) return *difference;
    }
  }
  return {matched, testing::PrintToString(value), explanation.str()};
}

// Names what a look sees: the value of a subject that can be called, or the subject itself. A
// callable that returns a reference is looked at as a value of that type.
template <typename Subject>
struct Seen {
  using Type = std::remove_cvref_t<Subject>;
};

// Says that a subject can be called without arguments. It is looked at again and again, and so must
// be callable while it is const.
template <typename Subject>
using ConstSubject = const std::remove_cvref_t<Subject>&;
template <typename Subject>
concept Callable = std::is_invocable_v<ConstSubject<Subject>>;

template <Callable Subject>
struct Seen<Subject> {
  using Type = std::remove_cvref_t<std::invoke_result_t<ConstSubject<Subject>>>;
  static_assert(!std::is_void_v<Type>, "the callable returns nothing that could be matched");
};

// Matches subjects of one type, such as `const Node&`, for Eventually.
template <typename Subject>
class EventuallyImpl : public testing::MatcherInterface<Subject> {
 public:
  using Value = typename Seen<Subject>::Type;

  template <typename Inner>
  EventuallyImpl(const Inner& inner, std::chrono::nanoseconds within,
                 std::chrono::nanoseconds every)
      : inner_(testing::SafeMatcherCast<const Value&>(inner)),
        expected_(plainText(inner)),
        within_(within),
        every_(every) {}

  bool MatchAndExplain(Subject subject, testing::MatchResultListener* listener) const override {
    return explanation_.match(&subject, listener, [&](testing::MatchResultListener* explanation) {
      return poll([&] { return look(subject); }, within_, every_, explanation);
    });
  }
  void DescribeTo(std::ostream* out) const override {
    *out << withinText(within_) << ", in the end: ";
    inner_.DescribeTo(out);
  }
  void DescribeNegationTo(std::ostream* out) const override {
    *out << withinText(within_) << ", not: ";
    inner_.DescribeTo(out);
  }

 private:
  // Looks once. A NodeError of a callable is what was seen, and no match, but for one that ends the
  // test.
  Observation look(const std::remove_cvref_t<Subject>& subject) const {
    if constexpr (std::is_invocable_v<const std::remove_cvref_t<Subject>&>) {
      try {
        return observe<Value>(subject(), inner_, expected_);
      } catch (const NodeError& error) {
        if (error.kind() == NodeError::Kind::kCancelled) throw;
        return {false, error.what(), ""};
      }
    } else {
      return observe<Value>(subject, inner_);
    }
  }

  testing::Matcher<const Value&> inner_;
  std::optional<std::string> expected_;
  std::chrono::nanoseconds within_;
  std::chrono::nanoseconds every_;
  FirstExplanation explanation_;
};

// What Eventually returns. It becomes a matcher of whatever type gmock asks for, as gmock's own do,
// and so combines with all of them.
template <typename Inner>
class EventuallyMatcher : public testing::BaseOfMusterMatchers {
 public:
  EventuallyMatcher(Inner inner, std::chrono::nanoseconds within, std::chrono::nanoseconds every)
      : inner_(std::move(inner)), within_(within), every_(every) {}

  template <typename Subject>
  operator testing::Matcher<Subject>() const {  // Not explicit: gmock converts.
    return testing::Matcher<Subject>(new EventuallyImpl<Subject>(inner_, within_, every_));
  }

 private:
  Inner inner_;
  std::chrono::nanoseconds within_;
  std::chrono::nanoseconds every_;
};

}  // namespace internal

// Matches as soon as `inner` does, looking again and again until `within` has passed. The subject
// is a Node (with Runs), a callable whose value `inner` matches, or anything that changes. The
// first look is made at once, and `every` is the time from the beginning of one look to that of the
// next.
//
// The last look is made when `within` is over, and its calls may take as long as the longest look
// before it, and a second. With `within` zero there is exactly one look. On failure the text has
// the last look, how many there were, and what those before it saw, at most ten changes of it.
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
