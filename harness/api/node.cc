#include <ostream>
#include <utility>

#include <muster/node.h>

#include "harness/api/access.h"
#include "harness/api/call_site.h"
#include "harness/api/request.h"
#include "harness/rpc/facts/facts.h"
#include "harness/rpc/file/copy.h"
#include "harness/rpc/job/jobs.h"
#include "harness/values/failure_text.h"

namespace muster {

using harness::at;

namespace {

using harness::CopyEnd;
using What = harness::CopyOptions::What;
using Keep = harness::CopyOptions::Keep;

TransferResult copied(const CopyEnd& source, const CopyEnd& target, What what, Keep keep,
                      const WriteOptions& write, const std::source_location& where) {
  harness::CopyOptions options;
  options.what = what;
  options.keep = keep;
  options.write = write;
  return at(where,
            [&] { return harness::copy(source, target, options, DeadlineScope::current()); });
}

CopyEnd here(const std::filesystem::path& path) {
  return {nullptr, path.string()};
}

}  // namespace

Node::Node(harness::ControllerNode& node) : node_(&node) {}

const std::string& Node::name() const {
  return node_->description().name;
}
const std::string& Node::role() const {
  return node_->description().role;
}
const std::map<std::string, std::string>& Node::labels() const {
  return node_->description().labels;
}
const std::vector<std::string>& Node::addresses() const {
  return node_->description().addresses;
}
const std::string& Node::address() const {
  return addresses().empty() ? name() : addresses().front();
}

Result Node::run(const Argv& argv, const RunOptions& options, Where where) const {
  return at(where, [&] {
    harness::JobRequest request = harness::requestOf(argv, options, name());
    auto until = harness::endOf(request);
    Result result = harness::rpc::Jobs(*node_).run(std::move(request), until);
    harness::keepLog(result);
    return result;
  });
}

Result Node::shell(const std::string& script, const RunOptions& options, Where where) const {
  return run({"/bin/sh", "-c", script}, options, where);
}

std::string Node::output(const Argv& argv, const RunOptions& options, Where where) const {
  return run(argv, options, where).checked(where).out;
}

Process Node::start(const Argv& argv, const RunOptions& options, Where where) const {
  return harness::ApiAccess::process(at(where, [&] {
    harness::JobRequest request = harness::requestOf(argv, options, name());
    if (options.input.empty()) request.input = harness::JobInput::kStream;
    return harness::rpc::Jobs(*node_).start(std::move(request), DeadlineScope::current());
  }));
}

File Node::file(const std::string& path) const {
  return harness::ApiAccess::file(*node_, path);
}

Service Node::service(const std::string& name, const ServiceOptions& options) const {
  return harness::ApiAccess::service(*node_, name, options);
}

Facts Node::facts(Where where) const {
  return at(where, [&] { return harness::rpc::Facts(*node_).read(DeadlineScope::current()); });
}

TransferResult Node::push(const std::filesystem::path& local, const std::string& remote,
                          const WriteOptions& options, Where where) const {
  return copied(here(local), {node_, remote}, What::kFile, Keep::kContent, options, where);
}

TransferResult Node::pull(const std::string& remote, const std::filesystem::path& local,
                          Where where) const {
  return copied({node_, remote}, here(local), What::kFile, Keep::kContent, {}, where);
}

TransferResult Node::pushTree(const std::filesystem::path& local, const std::string& remote,
                              const WriteOptions& options, Where where) const {
  return copied(here(local), {node_, remote}, What::kTree, Keep::kContent, options, where);
}

TransferResult Node::pullTree(const std::string& remote, const std::filesystem::path& local,
                              Where where) const {
  return copied({node_, remote}, here(local), What::kTree, Keep::kContent, {}, where);
}

TransferResult Node::copyTo(const std::string& path, const Node& target,
                            const std::string& targetPath, const WriteOptions& options,
                            Where where) const {
  return copied({node_, path}, {target.node_, targetPath}, What::kFile, Keep::kAll, options, where);
}

TransferResult Node::copyTreeTo(const std::string& path, const Node& target,
                                const std::string& targetPath, const WriteOptions& options,
                                Where where) const {
  return copied({node_, path}, {target.node_, targetPath}, What::kTree, Keep::kAll, options, where);
}

NodeState Node::state() const {
  return node_->state();
}

void Node::awaitConnected(std::chrono::nanoseconds within, Where where) const {
  DeadlineScope scope(within);
  harness::atWithin(where, within, [&] { node_->awaitConnected(DeadlineScope::current()); });
}

void Node::awaitDisconnected(std::chrono::nanoseconds within, Where where) const {
  DeadlineScope scope(within);
  at(where, [&] {
    if (node_->awaitDisconnected(DeadlineScope::current())) return;
    throw NodeError(NodeError::Kind::kTimeout, name(), "wait for the loss of the connection",
                    "still connected after " + harness::waitText(within));
  });
}

void PrintTo(const Node& node, std::ostream* out) {
  *out << harness::nodeText(node.name(), node.address());
}

}  // namespace muster
