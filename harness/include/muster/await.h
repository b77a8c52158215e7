// Waits for a condition outside of expectations: in helpers, set-ups and loops that need what they
// waited for, and cannot go on without it.
//
//   awaitUntil([&] { return node.file("/run/kvd.pid").exists(); }, 10s);
//   Result status = awaitUntil([&] { return node.run({"kvctl", "status"}); }, 30s);
//   std::string leader = awaitUntil([&] { return findLeader(servers()); }, 30s);
//   int peers = awaitThat([&] { return countPeers(node); }, testing::Ge(3), 30s);
//   awaitThat([&] { return node.output({"kvctl", "peers"}); }, "n1\nn2\nn3\n", 30s);
//
// They look again and again as Eventually does (eventually.h), which is for expectations: a test
// that goes on after a mismatch says EXPECT_THAT(…, Eventually(…)). They start nothing in the
// background, and do not say that the condition stays true.
//
// Things to get right:
//   * When the time is over they throw NodeError kTimeout with the last look and the number of
//     looks, and the caller's line. A wait for a text of several lines shows the difference.
//   * A NodeError within a look means "not yet". Other exceptions end the wait.
//   * The looks are 100 ms apart unless `every` says otherwise, and made on the calling thread. The
//     last one begins when `within` is over. The enclosing DeadlineScope ends the wait as well, and
//     with it the test's own deadline.
//   * A look is made many times: it should look, and change nothing.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>

#include <gmock/gmock.h>

#include <muster/eventually.h>
#include <muster/node_error.h>

namespace muster {
namespace internal {

// Looks until one matches, as poll does. NodeError kTimeout, with `purpose` as the operation, if
// none does.
void await(const std::string& purpose, const std::function<Observation()>& look,
           std::chrono::nanoseconds within, std::chrono::nanoseconds every,
           const std::source_location& where);

// Says what is waited for: "wait for a value that is >= 3". Long descriptions are left out.
std::string purposeText(const std::string& description);

// A value that is there or not, such as std::optional.
template <typename Value>
concept Absentable = requires(const Value& value) {
  value.has_value();
  *value;
};

// A value that knows whether it is a success: Result, Results, Outcome and the like.
template <typename Value>
concept Successful = requires(const Value& value) {
  { value.succeeded() } -> std::same_as<bool>;
};

// Tells whether a look has seen what awaitUntil waits for. Which of its meanings holds is decided
// by the type alone, so that a test never waits for something else than it reads.
template <typename Value>
bool isThere(const Value& value) {
  if constexpr (Absentable<Value>) {
    return value.has_value();
  } else if constexpr (Successful<Value>) {
    return value.succeeded();
  } else {
    static_assert(std::is_same_v<Value, bool> || std::is_pointer_v<Value>,
                  "awaitUntil waits for true, for a value that is there, for a success, or for a "
                  "call that does not fail; awaitThat takes a matcher for any other value");
    return static_cast<bool>(value);
  }
}

// Makes one look that keeps its value in `last`. A NodeError stands in for a value: the node may
// answer at the next look.
template <typename Value, typename Look, typename Judge>
Observation lookFor(std::optional<Value>& last, Look& look, const Judge& judge) {
  try {
    last.emplace(look());
    return judge(*last);
  } catch (const NodeError& error) {
    if (error.kind() == NodeError::Kind::kCancelled) throw;
    return {false, error.what(), ""};
  }
}

// The type of what a look returns. A look that returns a reference is taken for one that returns a
// value of that type, since what it refers to may change until the test uses it.
template <typename Look>
using SeenBy = std::remove_cvref_t<std::invoke_result_t<Look&>>;

}  // namespace internal

// Waits until `look` has seen that it is so, and returns what it saw. What counts depends on what
// `look` returns:
//
//   bool                  true; nothing is returned
//   std::optional, or a   a value; it is returned itself, a pointer as it is
//   pointer
//   Result, Results,      its success; it is returned
//   Outcome, NodeResult
//   nothing               that it throws no NodeError
//
// Other types do not compile. NodeError kTimeout if it was not so within `within`, with the last
// look. `every` lies between the beginnings of two looks.
//
//   awaitUntil([&] { node.file("/srv/a").remove(); }, 10s);
template <typename Look>
auto awaitUntil(Look&& look, std::chrono::nanoseconds within,
                std::chrono::nanoseconds every = std::chrono::milliseconds(100),
                std::source_location where = std::source_location::current()) {
  using Value = internal::SeenBy<Look>;
  if constexpr (std::is_void_v<Value>) {
    auto succeeds = [&look] {
      look();
      return true;
    };
    awaitUntil(succeeds, within, every, where);
  } else {
    std::optional<Value> last;
    auto judge = [](const Value& value) -> internal::Observation {
      return {internal::isThere(value), testing::PrintToString(value), ""};
    };
    internal::await(
        "wait", [&] { return internal::lookFor(last, look, judge); }, within, every, where);
    if constexpr (internal::Absentable<Value>) {
      return *std::move(*last);
    } else if constexpr (!std::is_same_v<Value, bool>) {
      return *std::move(last);
    }
  }
}

// Waits until the value of `look` matches `inner`, which is a matcher of Muster's or gmock's, or a
// plain value, and returns that value.
//
// With a plain text of several lines, the error shows the difference to what was seen last.
template <typename Look, typename Inner>
auto awaitThat(Look&& look, const Inner& inner, std::chrono::nanoseconds within,
               std::chrono::nanoseconds every = std::chrono::milliseconds(100),
               std::source_location where = std::source_location::current()) {
  using Value = internal::SeenBy<Look>;
  auto matcher = testing::SafeMatcherCast<const Value&>(inner);
  std::optional<std::string> expected = internal::plainText(inner);
  std::optional<Value> last;
  auto judge = [&](const Value& value) {
    return internal::observe<Value>(value, matcher, expected);
  };
  internal::await(
      internal::purposeText(testing::DescribeMatcher<const Value&>(matcher)),
      [&] { return internal::lookFor(last, look, judge); }, within, every, where);
  return *std::move(last);
}

}  // namespace muster
