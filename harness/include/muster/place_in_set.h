// Carries the place or the name in the brackets of `servers()[5]` and `results["server1"]`, with
// the line of the test for the error if there is none.
//
//   Node& node = servers()[5];
//     node number 5 (from 0): not found: the set has 2: server1, server2
//       at test_x.cc:12
//
// Tests write numbers and texts, and never name these types. They do not look anything up.
#pragma once

#include <concepts>
#include <cstddef>
#include <source_location>
#include <string_view>

namespace muster {

// Is the number in the brackets of `servers()[5]`, with the line of the test for the error: an
// operator can take no argument of its own for that. Tests write a number of any integral type.
struct PlaceInSet {
  // Is implicit on purpose. A negative number is none of a node, like any other that is too large.
  template <std::integral Number>
  PlaceInSet(Number number, std::source_location at = std::source_location::current())
      : index(static_cast<size_t>(number)), where(at) {}

  // Counts from 0.
  size_t index;

  // The place in the source, as of every other call.
  std::source_location where;
};

// Is the name in the brackets of `servers()["server1"]` and `results["server1"]`, in the same way.
// Tests write a text of any kind, which must live as long as the expression.
struct NameInSet {
  // Is implicit on purpose.
  template <std::convertible_to<std::string_view> Text>
  NameInSet(const Text& text, std::source_location at = std::source_location::current())
      : name(text), where(at) {}

  // The name of a node.
  std::string_view name;

  std::source_location where;
};

}  // namespace muster
