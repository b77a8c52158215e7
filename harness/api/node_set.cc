#include <algorithm>
#include <memory>
#include <ostream>
#include <utility>

#include <muster/node_set.h>

#include "harness/api/access.h"
#include "harness/api/call_site.h"
#include "harness/api/fan_out.h"
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
  fail(NodeError::Kind::kNotFound, "node " + harness::inQuotes(std::string(name.name)),
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

NodeSet NodeSet::with(std::vector<Node*> nodes) const {
  NodeSet set(std::move(nodes));
  set.fanOut_ = fanOut_;
  return set;
}

size_t NodeSet::fanOutOr(size_t most) const {
  return fanOut_.value_or(most);
}

NodeSet NodeSet::withFanOut(size_t count, Where where) const {
  if (count == 0) {
    fail(NodeError::Kind::kInvalid, "a fan-out of 0",
         "calls could not begin; the least is 1 node at once", where);
  }
  NodeSet set = *this;
  set.fanOut_ = count;
  return set;
}

NodeSet NodeSet::without(const Node& node) const {
  std::vector<Node*> rest = nodes_;
  std::erase(rest, &node);
  return with(rest);
}

NodeSet NodeSet::firstOf(size_t count, Where where) const {
  // The operator throws the error of a node that is not there.
  if (count > nodes_.size()) (*this)[PlaceInSet(count - 1, where)];
  return with({nodes_.begin(), nodes_.begin() + static_cast<long>(count)});
}

NodeSet NodeSet::operator+(const NodeSet& other) const {
  std::vector<Node*> all = nodes_;
  for (Node& node : other) {
    if (!contains(node)) all.push_back(&node);
  }
  return with(all);
}

Results NodeSet::run(const Argv& argv, const RunOptions& options, Where where) const {
  return runEach(std::vector<Argv>(nodes_.size(), argv), options, where);
}

// One thread for each node that runs, since a node's time begins with its command.
Results NodeSet::runByFanOut(const std::vector<Argv>& argvs, const RunOptions& options,
                             Where where) const {
  auto answers = harness::answersOf<Result>(
      names(), *fanOut_, where, [&](size_t i) { return nodes_[i]->run(argvs[i], options, where); });
  std::vector<NodeResult> results;
  for (auto& one : answers) {
    results.push_back({std::move(one.node), std::move(one.value), std::move(one.error)});
  }
  return Results(std::move(results));
}

Results NodeSet::runEach(std::vector<Argv> argvs, const RunOptions& options, Where where) const {
  if (nodes_.empty()) return Results({});
  if (fanOut_ && *fanOut_ < nodes_.size()) return runByFanOut(argvs, options, where);
  std::vector<harness::ControllerNode*> nodes;
  for (Node* node : nodes_) nodes.push_back(&harness::ApiAccess::behind(*node));
  return harness::at(where, [&] {
    std::vector<harness::SharedRequest> requests;
    for (size_t i = 0; i < argvs.size(); ++i) {
      // Nodes that run the same command share its request.
      bool isSame = i > 0 && argvs[i] == argvs[i - 1];
      requests.push_back(isSame ? requests.back()
                                : std::make_shared<const harness::JobRequest>(
                                      harness::requestOf(argvs[i], options, "")));
    }
    auto until = harness::endOf(*requests.front());
    auto answers = harness::rpc::runEach(nodes, requests, until);
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

ProcessSet NodeSet::start(const Argv& argv, const RunOptions& options, Where where) const {
  return startEach(std::vector<Argv>(nodes_.size(), argv), options, where);
}

ProcessSet NodeSet::startEach(const std::vector<Argv>& argvs, const RunOptions& options,
                              Where where) const {
  return ProcessSet(harness::answersOf<Process>(
      names(), fanOutOr(harness::kFanOutMax), where,
      [&](size_t i) { return nodes_[i]->start(argvs[i], options, where); }));
}

NodeAnswers<TransferResult> NodeSet::push(const std::filesystem::path& local,
                                          const std::string& remote, const WriteOptions& options,
                                          Where where) const {
  return harness::askEach<TransferResult>(
      nodes_, fanOutOr(harness::kFanOutMax), where,
      [&](Node& node) { return node.push(local, remote, options, where); });
}

NodeAnswers<TransferResult> NodeSet::pushTree(const std::filesystem::path& local,
                                              const std::string& remote,
                                              const WriteOptions& options, Where where) const {
  return harness::askEach<TransferResult>(
      nodes_, fanOutOr(harness::kFanOutMax), where,
      [&](Node& node) { return node.pushTree(local, remote, options, where); });
}

FileSet NodeSet::file(const std::string& path) const {
  return FileSet(nodes_, fanOutOr(harness::kFanOutMax), path);
}

void NodeSet::each(const std::function<void(Node&)>& visit) const {
  for (Node* node : nodes_) visit(*node);
}

void PrintTo(const NodeSet& nodes, std::ostream* out) {
  *out << "nodes " << listed(nodes.names());
}

}  // namespace muster
