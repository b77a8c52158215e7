#include <ostream>

#include <muster/node.h>

#include "harness/api/call_site.h"
#include "harness/api/request.h"
#include "harness/rpc/stubs.h"
#include "harness/values/failure_text.h"

namespace muster {

using harness::at;

namespace {

harness::CopyOptions copyOptions(harness::CopyOptions::What what, const WriteOptions& write) {
  harness::CopyOptions options;
  options.what = what;
  options.keep = harness::CopyOptions::Keep::kAll;
  options.write = write;
  return options;
}

}  // namespace

Node::Node(harness::NodeStub& stub) : stub_(&stub) {}

const std::string& Node::name() const {
  return stub_->description().name;
}
const std::string& Node::role() const {
  return stub_->description().role;
}
const std::map<std::string, std::string>& Node::labels() const {
  return stub_->description().labels;
}
const std::vector<std::string>& Node::addresses() const {
  return stub_->description().addresses;
}
const std::string& Node::address() const {
  return addresses().empty() ? name() : addresses().front();
}

Result Node::run(const Argv& argv, const RunOptions& options, Where where) const {
  return at(where, [&] {
    harness::JobRequest request = harness::requestOf(argv, options, name());
    Result result = stub_->run(request, harness::endOf(request));
    harness::keepLog(result);
    return result;
  });
}

Result Node::shell(const std::string& script, const RunOptions& options, Where where) const {
  return run({"/bin/sh", "-c", script}, options, where);
}

Process Node::start(const Argv& argv, const RunOptions& options, Where where) const {
  return Process(at(where, [&] {
    harness::JobRequest request = harness::requestOf(argv, options, name());
    if (options.input.empty()) request.input = harness::JobInput::kStream;
    return stub_->start(request, DeadlineScope::current());
  }));
}

File Node::file(const std::string& path) const {
  return File(*stub_, path);
}

Service Node::service(const std::string& name) const {
  return Service(*stub_, name);
}

Facts Node::facts(Where where) const {
  return at(where, [&] { return stub_->facts(DeadlineScope::current()); });
}

TransferResult Node::push(const std::filesystem::path& local, const std::string& remote,
                          const WriteOptions& options, Where where) const {
  return at(where, [&] {
    return stub_->files().push(local.string(), remote, options, DeadlineScope::current());
  });
}

TransferResult Node::pull(const std::string& remote, const std::filesystem::path& local,
                          Where where) const {
  return at(where,
            [&] { return stub_->files().pull(remote, local.string(), DeadlineScope::current()); });
}

TransferResult Node::pushTree(const std::filesystem::path& local, const std::string& remote,
                              const WriteOptions& options, Where where) const {
  return at(where, [&] {
    return stub_->files().pushTree(local.string(), remote, options, DeadlineScope::current());
  });
}

TransferResult Node::pullTree(const std::string& remote, const std::filesystem::path& local,
                              Where where) const {
  return at(where, [&] {
    return stub_->files().pullTree(remote, local.string(), DeadlineScope::current());
  });
}

TransferResult Node::copyTo(const std::string& path, const Node& target,
                            const std::string& targetPath, const WriteOptions& options,
                            Where where) const {
  return at(where, [&] {
    return harness::copy({stub_, path}, {target.stub_, targetPath},
                         copyOptions(harness::CopyOptions::What::kFile, options),
                         DeadlineScope::current());
  });
}

TransferResult Node::copyTreeTo(const std::string& path, const Node& target,
                                const std::string& targetPath, const WriteOptions& options,
                                Where where) const {
  return at(where, [&] {
    return harness::copy({stub_, path}, {target.stub_, targetPath},
                         copyOptions(harness::CopyOptions::What::kTree, options),
                         DeadlineScope::current());
  });
}

NodeState Node::state() const {
  return stub_->state();
}

void Node::awaitConnected(std::chrono::nanoseconds within, Where where) const {
  DeadlineScope scope(within);
  at(where, [&] { stub_->awaitConnected(DeadlineScope::current()); });
}

void Node::awaitDisconnected(std::chrono::nanoseconds within, Where where) const {
  DeadlineScope scope(within);
  at(where, [&] {
    if (stub_->awaitDisconnected(DeadlineScope::current())) return;
    throw NodeError(NodeError::Kind::kTimeout, name(), "wait for the loss of the connection",
                    "still connected after " + harness::durationText(within));
  });
}

void PrintTo(const Node& node, std::ostream* out) {
  *out << harness::nodeText(node.name(), node.address());
}

}  // namespace muster
