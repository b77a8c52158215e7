// Makes gtest print Muster's values, and what a test can call, as words.
//
//   EXPECT_THAT([&] { return node.state().connected(); }, Eventually(testing::IsTrue(), 5s));
//     Actual: a callable, not seen in 51 looks within 5.0 s; the last saw false
//
// gtest by itself shows a closure as "8-byte object <10-20 …>", and adds "(of type muster::Result)"
// to values that say what they are. The matchers include this header, tests need not. It changes
// how values look and nothing else; types of other namespaces are printed as ever. How one value
// looks is declared beside its type, as PrintTo.
//
// Things to get right:
//   * A class of a test that can be called and should show more has a PrintTo or an operator<< of
//     its own, which goes before.
//   * What a callable returned is in the explanation of its matcher, since only that has called it.
#pragma once

#include <ostream>
#include <type_traits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace muster::internal {

// Tells whether a function PrintTo is declared beside the type, as gtest asks for.
template <typename T>
concept HasPrintTo = requires(const T& value, std::ostream* out) {
  PrintTo(value, out);
};

// Tells whether the type says itself what it is. A closure without captures can be streamed too, as
// the bool that its function pointer is, and does not count.
template <typename T>
concept HasStreamOperator =
    !std::is_convertible_v<const T&, bool> && requires(const T& value, std::ostream& out) {
  out << value;
};

// A closure, a std::function or an object of a class with a call operator, which says nothing of
// itself.
template <typename T>
concept SilentCallable =
    std::is_class_v<T> && std::is_invocable_v<const T&> && !HasPrintTo<T> && !HasStreamOperator<T>;

}  // namespace muster::internal

namespace testing::internal {

// Prints a callable. gtest would show its bytes, which are pointers to what it captured.
template <muster::internal::SilentCallable T>
class UniversalPrinter<T> {
 public:
  // gtest's name for the function; the text stands behind "Actual: ".
  static void Print(const T&, std::ostream* out) { *out << "a callable"; }
};

}  // namespace testing::internal

namespace muster {

// Prints and explains as gtest's function of this name does, without the name of the type. gtest's
// calls find this one for Muster's types, and prefer it because it asks for more.
template <typename Value, typename T>
bool MatchPrintAndExplain(
    Value& value, const testing::Matcher<T>& matcher,
    testing::MatchResultListener* listener) requires(internal::HasPrintTo<Value> ||
                                                     internal::HasStreamOperator<Value>) {
  if (!listener->IsInterested()) return matcher.Matches(value);
  testing::StringMatchResultListener explanation;
  bool matched = matcher.MatchAndExplain(value, &explanation);
  *listener << testing::PrintToString(value);
  if (!explanation.str().empty()) *listener << ", " << explanation.str();
  return matched;
}

}  // namespace muster
