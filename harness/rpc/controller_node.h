// One node as the stubs show it: blocking calls over a connection and the room's promises. See
// stubs.h.
#pragma once

#include <memory>
#include <string>

#include "harness/rpc/connection.h"
#include "harness/rpc/file/files.h"
#include "harness/rpc/io_thread.h"
#include "harness/rpc/job/job_runner.h"

namespace harness {

// What ControllerNode::begin began.
template <typename Value>
class Answer {
 public:
  Answer(IoThread::Pending<Value> pending, std::string node, std::string operation)
      : pending_(std::move(pending)), node_(std::move(node)), operation_(std::move(operation)) {}

  // The value, or throws a NodeError. Once.
  Value wait(SteadyTime until) {
    try {
      return pending_.wait(until);
    } catch (const kj::Exception& exception) {
      throw toNodeError(exception, node_, operation_);
    }
  }

 private:
  IoThread::Pending<Value> pending_;
  std::string node_;
  std::string operation_;
};

class ControllerNode final : public NodeStub {
 public:
  // Begins to connect. `io` is borrowed. To be destroyed after close() and off the io thread.
  ControllerNode(IoThread& io, const NodeDescription& description,
                 const ControllerOptions& options);
  ~ControllerNode() override;

  const NodeDescription& description() const override { return description_; }
  muster::NodeState state() const override;
  void awaitConnected(SteadyTime until) override;
  bool awaitDisconnected(SteadyTime until) override;
  muster::Result run(const JobRequest& request, SteadyTime until) override;
  std::unique_ptr<JobStub> start(const JobRequest& request, SteadyTime until) override;
  std::vector<RunAnswer> runOnAll(const std::vector<NodeStub*>& nodes, const JobRequest& request,
                                  SteadyTime until) override;
  FilesStub& files() override { return files_; }
  muster::ServiceStatus serviceStatus(const std::string& name, SteadyTime until) override;
  muster::ServiceStatus serviceAct(const std::string& name, muster::ServiceAction action,
                                   SteadyTime until) override;
  muster::Facts facts(SteadyTime until) override;

  // Of the io thread; for joining the promises of several nodes.
  Connection& connection() { return *on_->connection; }
  JobRunner& jobs() { return on_->jobs; }
  kj::Promise<muster::Facts> askFacts(SteadyTime until);

  // Runs `function`, which returns a promise, on the io thread. What it throws becomes NodeError of
  // `operation`.
  template <typename Function>
  auto blocking(const std::string& operation, SteadyTime until, Function&& function) {
    try {
      return io_.run(function, until);
    } catch (const kj::Exception& exception) {
      throw toNodeError(exception, description_.name, operation);
    }
  }

  // The same without waiting, for several calls at once. `function` owns what it captures, and
  // must itself end at some time.
  template <typename Function>
  auto begin(const std::string& operation, Function function) {
    using Value = typename io_thread_internal::ValueOf<decltype(function())>::Type;
    return Answer<Value>(io_.begin(std::move(function)), description_.name, operation);
  }

 private:
  // What lives on the io thread.
  struct OnLoop {
    std::unique_ptr<Connection> connection;
    JobRunner jobs;
  };

  IoThread& io_;
  NodeDescription description_;
  std::unique_ptr<OnLoop> on_;
  Files files_;
};

// A facts or service answer as values. In translate.cc.
muster::Facts readFacts(wire::Facts::Reader facts);
muster::ServiceStatus readServiceStatus(wire::ServiceStatus::Reader status);

}  // namespace harness
