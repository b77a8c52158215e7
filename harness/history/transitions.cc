#include "harness/history/transitions.h"

namespace harness::history {
namespace {

Transition between(run::Outcome before, run::Outcome now) {
  Verdict one = verdictOf(before);
  Verdict other = verdictOf(now);
  if (one != other) return other == Verdict::kFail ? Transition::kRegressed : Transition::kFixed;
  return other == Verdict::kFail && before != now ? Transition::kChanged : Transition::kNone;
}

}  // namespace

std::string_view wordOf(Transition transition) {
  switch (transition) {
    case Transition::kNew:
      return "new";
    case Transition::kRegressed:
      return "regressed";
    case Transition::kFixed:
      return "fixed";
    case Transition::kChanged:
      return "changed";
    case Transition::kNone:
      break;
  }
  return "";
}

std::vector<Transition> transitionsOf(const std::vector<run::Outcome>& outcomes) {
  std::vector<Transition> transitions;
  const run::Outcome* before = nullptr;
  for (const run::Outcome& outcome : outcomes) {
    transitions.push_back(Transition::kNone);
    if (verdictOf(outcome) == Verdict::kNone) continue;
    transitions.back() = before == nullptr ? Transition::kNew : between(*before, outcome);
    before = &outcome;
  }
  return transitions;
}

std::optional<size_t> goneSince(const std::vector<Presence>& runs) {
  size_t last = runs.size();
  while (last > 0 && !runs[last - 1].hasTest) --last;
  if (last == 0) return std::nullopt;
  for (size_t i = last; i < runs.size(); ++i) {
    if (2 * runs[i].tests >= runs[last - 1].tests) return i;
  }
  return std::nullopt;
}

}  // namespace harness::history
