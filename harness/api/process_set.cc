#include <ostream>
#include <utility>

#include <muster/process_set.h>

#include "harness/api/fan_out.h"

namespace muster {
namespace {

using Members = std::vector<NodeAnswer<Process>>;

// Calls each process by `ask`, at once; the error of a start stands in for the answer.
template <typename Value, typename Ask>
std::vector<NodeAnswer<Value>> askAll(Members& members, const std::source_location& where,
                                      const Ask& ask) {
  std::vector<std::string> names;
  for (const NodeAnswer<Process>& member : members) names.push_back(member.node);
  return harness::answersOf<Value>(names, harness::kFanOutMax, where, [&](size_t i) {
    if (members[i].error) throw *members[i].error;
    return ask(*members[i].value);
  });
}

template <typename Ask>
Results resultsOf(Members& members, const std::source_location& where, const Ask& ask) {
  std::vector<NodeResult> results;
  for (NodeAnswer<Result>& one : askAll<Result>(members, where, ask)) {
    results.push_back({std::move(one.node), std::move(one.value), std::move(one.error)});
  }
  return Results(std::move(results));
}

}  // namespace

ProcessSet::~ProcessSet() {
  end();
}

ProcessSet::ProcessSet(ProcessSet&& other) noexcept : all_(std::exchange(other.all_, {})) {}

ProcessSet& ProcessSet::operator=(ProcessSet&& other) noexcept {
  if (this == &other) return *this;
  end();
  all_ = std::exchange(other.all_, {});
  return *this;
}

// The destructors block, so they run side by side.
void ProcessSet::end() noexcept {
  try {
    harness::atOnce(all_.size(), harness::kFanOutMax, [&](size_t i) { all_[i].value.reset(); });
  } catch (const std::exception&) {
    // No thread could be made, so the rest of them ends one after the other.
  }
  all_.clear();
}

Process& ProcessSet::operator[](NameInSet node) {
  for (Member& member : all_) {
    if (member.node != node.name) continue;
    if (member.error) throw *member.error;
    return *member.value;
  }
  internal::failNoAnswerOf(node);
}

void ProcessSet::checked(Where where) const {
  std::vector<NodeError> errors;
  for (const Member& member : all_) {
    if (member.error) errors.push_back(*member.error);
  }
  internal::requireAnswers(all_.size(), errors, where);
}

Results ProcessSet::wait(Where where) {
  return resultsOf(all_, where, [&](Process& process) { return process.wait(where); });
}

Results ProcessSet::wait(std::chrono::nanoseconds within, Where where) {
  return resultsOf(all_, where, [&](Process& process) { return process.wait(within, where); });
}

Results ProcessSet::cancel(Where where) {
  return resultsOf(all_, where, [&](Process& process) { return process.cancel(where); });
}

Results ProcessSet::kill(Where where) {
  return resultsOf(all_, where, [&](Process& process) { return process.kill(where); });
}

NodeAnswers<std::monostate> ProcessSet::signal(int number, SignalTarget target, Where where) {
  return NodeAnswers<std::monostate>(askAll<std::monostate>(all_, where, [&](Process& process) {
    process.signal(number, target, where);
    return std::monostate();
  }));
}

NodeAnswers<std::string> ProcessSet::readUntil(const std::string& text,
                                               std::chrono::nanoseconds within, Where where) {
  return NodeAnswers<std::string>(askAll<std::string>(
      all_, where, [&](Process& process) { return process.readUntil(text, within, where); }));
}

void PrintTo(const ProcessSet& processes, std::ostream* out) {
  for (const NodeAnswer<Process>& one : processes.all_) {
    *out << "\n  ";
    PrintTo(one, out);
  }
}

}  // namespace muster
