// Makes one call on several nodes at once, and keeps what each answers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <source_location>
#include <string>
#include <vector>

#include <muster/node.h>
#include <muster/node_answers.h>

#include "harness/api/call_site.h"
#include "harness/values/at_once.h"

namespace harness {

// The most calls at once.
inline constexpr size_t kFanOutMax = 64;

// Asks for each of `names` by `ask`, which is given its place, up to `fanOut` at once, and keeps
// the value or the NodeError.
template <typename Value, typename Ask>
std::vector<muster::NodeAnswer<Value>> answersOf(const std::vector<std::string>& names,
                                                 size_t fanOut, const std::source_location& where,
                                                 const Ask& ask) {
  std::vector<muster::NodeAnswer<Value>> answers(names.size());
  atOnce(names.size(), std::min(fanOut, kFanOutMax), [&](size_t i) {
    answers[i].node = names[i];
    try {
      answers[i].value.emplace(at(where, [&] { return ask(i); }));
    } catch (const muster::NodeError& error) {
      answers[i].error = error;
    }
  });
  return answers;
}

// Asks each of `nodes` by `ask`, up to `fanOut` at once.
template <typename Value, typename Ask>
muster::NodeAnswers<Value> askEach(const std::vector<muster::Node*>& nodes, size_t fanOut,
                                   const std::source_location& where, const Ask& ask) {
  std::vector<std::string> names;
  for (const muster::Node* node : nodes) names.push_back(node->name());
  return muster::NodeAnswers<Value>(
      answersOf<Value>(names, fanOut, where, [&](size_t i) { return ask(*nodes[i]); }));
}

}  // namespace harness
