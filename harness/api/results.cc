#include <ostream>
#include <utility>

#include <gtest/gtest.h>

#include <muster/node_answers.h>
#include <muster/results.h>

#include "harness/values/failure_text.h"

namespace muster {

void PrintTo(const NodeResult& result, std::ostream* out) {
  *out << (result.result ? describe(*result.result) : result.error->what());
}

bool Results::succeeded() const {
  return failed().empty();
}

std::vector<std::string> Results::failed() const {
  std::vector<std::string> names;
  for (const NodeResult& one : all_) {
    if (!one.succeeded()) names.push_back(one.node);
  }
  return names;
}

const Results& Results::checked(std::source_location where) const& {
  std::string text;
  size_t failures = 0;
  for (const NodeResult& one : all_) {
    if (one.succeeded()) continue;
    ++failures;
    text += "\n  " + testing::PrintToString(one);
  }
  if (failures == 0) return *this;
  throw NodeError(NodeError::Kind::kCommandFailed, "",
                  "run on " + std::to_string(all_.size()) + " nodes",
                  "not succeeded on " + std::to_string(failures) + ": " +
                      harness::joined(failed(), ", ") + text,
                  0, where);
}

Results Results::checked(std::source_location where) && {
  std::as_const(*this).checked(where);
  return std::move(*this);
}

const Result& Results::operator[](NameInSet node) const {
  for (const NodeResult& one : all_) {
    if (one.node != node.name) continue;
    if (one.error) throw *one.error;
    return *one.result;
  }
  internal::failNoAnswerOf(node);
}

void PrintTo(const Results& results, std::ostream* out) {
  for (const NodeResult& one : results) {
    *out << "\n  ";
    PrintTo(one, out);
  }
}

void internal::requireAnswers(size_t nodes, const std::vector<NodeError>& errors,
                              const std::source_location& where) {
  if (errors.empty()) return;
  const NodeError& first = errors.front();
  if (errors.size() == 1) {
    throw NodeError(first.kind(), first.node(), first.operation(), first.detail(),
                    first.errnoValue(), where);
  }
  std::string text;
  for (const NodeError& error : errors) {
    text += "\n  node " + error.node() + ": " + error.operation() + ": " + error.detail();
  }
  throw NodeError(first.kind(), "", "ask " + std::to_string(nodes) + " nodes",
                  "no answer of " + std::to_string(errors.size()) + ":" + text, first.errnoValue(),
                  where);
}

void internal::failNoAnswerOf(const NameInSet& node) {
  throw NodeError(NodeError::Kind::kNotFound, "",
                  "answer of node " + harness::inQuotes(std::string(node.name)),
                  "the set does not have that node", 0, node.where);
}

}  // namespace muster
