#include <algorithm>
#include <ostream>
#include <utility>

#include <gtest/gtest.h>

#include <muster/node_set.h>

#include "harness/api/access.h"
#include "harness/api/call_site.h"
#include "harness/api/request.h"
#include "harness/rpc/job/jobs.h"
#include "harness/values/failure_text.h"

namespace muster {
namespace {

std::string listed(const std::vector<std::string>& names) {
  return names.empty() ? "none" : harness::joined(names, ", ");
}

[[noreturn]] void fail(NodeError::Kind kind, const std::string& operation,
                       const std::string& detail, const std::source_location& where) {
  throw NodeError(kind, "", operation, detail, 0, where);
}

}  // namespace

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
  fail(NodeError::Kind::kCommandFailed, "run on " + std::to_string(all_.size()) + " nodes",
       "not succeeded on " + std::to_string(failures) + ": " + listed(failed()) + text, where);
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
  fail(NodeError::Kind::kNotFound, "result of node " + harness::quoted(std::string(node.name)),
       "the set does not have that node", node.where);
}

void PrintTo(const Results& results, std::ostream* out) {
  for (const NodeResult& one : results) {
    *out << "\n  ";
    PrintTo(one, out);
  }
}

NodeSet::NodeSet(std::initializer_list<std::reference_wrapper<Node>> nodes) {
  for (Node& node : nodes) nodes_.push_back(&node);
}

Node& NodeSet::operator[](PlaceInSet place) const {
  if (place.index < nodes_.size()) return *nodes_[place.index];
  fail(NodeError::Kind::kNotFound, "node number " + std::to_string(place.index) + " (from 0)",
       "the set has " + std::to_string(nodes_.size()) + ": " + listed(names()), place.where);
}

Node& NodeSet::operator[](NameInSet name) const {
  for (Node* node : nodes_) {
    if (node->name() == name.name) return *node;
  }
  fail(NodeError::Kind::kNotFound, "node " + harness::quoted(std::string(name.name)),
       "the set has " + listed(names()), name.where);
}

Node& NodeSet::only(Where where) const {
  if (nodes_.size() == 1) return *nodes_.front();
  fail(nodes_.empty() ? NodeError::Kind::kNotFound : NodeError::Kind::kInvalid, "the only node",
       "the set has " + listed(names()), where);
}

bool NodeSet::contains(const Node& node) const {
  return std::find(nodes_.begin(), nodes_.end(), &node) != nodes_.end();
}

std::vector<std::string> NodeSet::names() const {
  std::vector<std::string> names;
  for (Node* node : nodes_) names.push_back(node->name());
  return names;
}

NodeSet NodeSet::without(const Node& node) const {
  std::vector<Node*> rest = nodes_;
  std::erase(rest, &node);
  return NodeSet(rest);
}

NodeSet NodeSet::firstOf(size_t count) const {
  // The operator throws the error of a node that is not there.
  if (count > nodes_.size()) (*this)[count - 1];
  return NodeSet(std::vector<Node*>(nodes_.begin(), nodes_.begin() + static_cast<long>(count)));
}

NodeSet NodeSet::operator+(const NodeSet& other) const {
  std::vector<Node*> all = nodes_;
  for (Node& node : other) {
    if (!contains(node)) all.push_back(&node);
  }
  return NodeSet(all);
}

Results NodeSet::run(const Argv& argv, const RunOptions& options, Where where) const {
  if (nodes_.empty()) return Results({});
  std::vector<harness::ControllerNode*> nodes;
  for (Node* node : nodes_) nodes.push_back(&harness::ApiAccess::behind(*node));
  return harness::at(where, [&] {
    harness::JobRequest request = harness::requestOf(argv, options, "");
    auto until = harness::endOf(request);
    auto answers = harness::rpc::runOnAll(nodes, std::move(request), until);
    std::vector<NodeResult> results;
    for (size_t i = 0; i < answers.size(); ++i) {
      NodeResult one{nodes_[i]->name(), {}, {}};
      if (auto* result = std::get_if<Result>(&answers[i])) {
        harness::keepLog(*result);
        one.result = std::move(*result);
      } else {
        one.error = std::get<NodeError>(answers[i]);
      }
      results.push_back(std::move(one));
    }
    return Results(std::move(results));
  });
}

Results NodeSet::shell(const std::string& script, const RunOptions& options, Where where) const {
  return run({"/bin/sh", "-c", script}, options, where);
}

void NodeSet::each(const std::function<void(Node&)>& visit) const {
  for (Node* node : nodes_) visit(*node);
}

void PrintTo(const NodeSet& nodes, std::ostream* out) {
  *out << "nodes " << listed(nodes.names());
}

}  // namespace muster
