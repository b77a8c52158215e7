#include "harness/rpc/controller_node.h"

#include <algorithm>
#include <utility>

#include "harness/values/failure_text.h"

namespace harness {
namespace {

constexpr std::chrono::minutes kServiceDeadlineMax{10};
constexpr std::chrono::milliseconds kServiceMargin{100};

// See stubs.h.
class Job final : public JobStub {
 public:
  Job(ControllerNode& node, IoThread& io, JobHandle job)
      : node_(node), io_(io), job_(std::move(job)) {}

  uint64_t number() const override { return job_->number; }
  const JobRequest& request() const override { return job_->request; }
  const std::string& node() const override { return job_->node; }
  bool ended() const override { return job_->ended; }
  const muster::Result& result() const override { return job_->result; }
  SteadyTime deadlineAt() const override { return job_->deadlineAt; }

  bool pull(PullUntil what, SteadyTime until) override {
    return node_.blocking(operation("wait for"), until,
                          [&]() { return node_.jobs().pull(job_, what, until); });
  }
  void refresh(SteadyTime until) override {
    node_.blocking(operation("look at"), until,
                   [&]() { return node_.jobs().refresh(job_, until); });
  }
  std::string takeOut() override { return std::exchange(job_->result.out, ""); }
  std::string takeErr() override { return std::exchange(job_->result.err, ""); }

  void writeInput(const std::string& bytes, SteadyTime until) override {
    node_.blocking(operation("write to"), until,
                   [&]() { return node_.jobs().writeInput(job_, bytes, false, until); });
  }
  void closeInput(SteadyTime until) override {
    node_.blocking(operation("close the input of"), until,
                   [&]() { return node_.jobs().writeInput(job_, "", true, until); });
  }
  void signal(int number, muster::SignalTarget target, SteadyTime until) override {
    node_.blocking(operation("send signal " + std::to_string(number) + " to"), until,
                   [&]() { return node_.jobs().signal(job_, number, target, until); });
  }
  void cancel(std::chrono::nanoseconds grace, SteadyTime until) override {
    node_.blocking(operation("cancel"), until,
                   [&]() { return node_.jobs().cancel(job_, grace, until); });
  }
  void resize(uint16_t columns, uint16_t rows, SteadyTime until) override {
    node_.blocking(operation("resize the terminal of"), until,
                   [&]() { return node_.jobs().resize(job_, columns, rows, until); });
  }
  void cancelLater(std::chrono::nanoseconds grace) override {
    ControllerNode* node = &node_;
    io_.post([node, grace, job = job_]() { node->jobs().cancelLater(job, grace); });
  }
  void release() override {
    ControllerNode* node = &node_;
    io_.post([node, job = job_]() { node->jobs().release(job); });
  }

 private:
  std::string operation(const std::string& verb) const {
    return verb + " " + argvText(job_->request.argv);
  }

  ControllerNode& node_;
  IoThread& io_;
  JobHandle job_;
};

wire::ServiceAction actionOf(muster::ServiceAction action) {
  switch (action) {
    case muster::ServiceAction::kStart:
      return wire::ServiceAction::START;
    case muster::ServiceAction::kStop:
      return wire::ServiceAction::STOP;
    case muster::ServiceAction::kRestart:
      return wire::ServiceAction::RESTART;
    case muster::ServiceAction::kReload:
      return wire::ServiceAction::RELOAD;
    case muster::ServiceAction::kEnable:
      return wire::ServiceAction::ENABLE;
    case muster::ServiceAction::kDisable:
      return wire::ServiceAction::DISABLE;
  }
  return wire::ServiceAction::UNSPECIFIED;
}

const char* verbOf(muster::ServiceAction action) {
  switch (action) {
    case muster::ServiceAction::kStart:
      return "start";
    case muster::ServiceAction::kStop:
      return "stop";
    case muster::ServiceAction::kRestart:
      return "restart";
    case muster::ServiceAction::kReload:
      return "reload";
    case muster::ServiceAction::kEnable:
      return "enable";
    case muster::ServiceAction::kDisable:
      return "disable";
  }
  return "act on";
}

}  // namespace

ControllerNode::ControllerNode(IoThread& io, const NodeDescription& description,
                               const ControllerOptions& options)
    : io_(io), description_(description), files_(*this) {
  auto connection = std::make_unique<Connection>(io, description, options);
  Connection& borrowed = *connection;
  on_ = std::make_unique<OnLoop>(OnLoop{std::move(connection), JobRunner(borrowed)});
  io_.post([&borrowed]() { borrowed.begin(); });
}

ControllerNode::~ControllerNode() {
  // Its promises belong to the loop's thread. If the loop has ended, nobody else has a right to it.
  SteadyTime soon = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  try {
    io_.run(
        [this]() -> kj::Promise<void> {
          on_ = nullptr;
          return kj::READY_NOW;
        },
        soon);
  } catch (const kj::Exception&) {
    // Only after the loop has ended, which the Controller's order of destruction rules out.
  }
}

muster::NodeState ControllerNode::state() const {
  return on_->connection->snapshot();
}

void ControllerNode::awaitConnected(SteadyTime until) {
  blocking("connect", until, [&]() { return connection().live(until).ignoreResult(); });
}

bool ControllerNode::awaitDisconnected(SteadyTime until) {
  return blocking("wait for the loss of the connection", until,
                  [&]() { return connection().down(until); });
}

muster::Result ControllerNode::run(const JobRequest& request, SteadyTime until) {
  return blocking("run " + argvText(request.argv), until,
                  [&]() { return jobs().run(request, until); });
}

std::unique_ptr<JobStub> ControllerNode::start(const JobRequest& request, SteadyTime until) {
  JobHandle job = blocking("start " + argvText(request.argv), until, [&]() {
    JobHandle made = jobs().make(request);
    return jobs().start(made, until).then([made]() { return made; });
  });
  return std::make_unique<Job>(*this, io_, job);
}

muster::ServiceStatus ControllerNode::serviceStatus(const std::string& name, SteadyTime until) {
  return blocking("status of service " + quoted(name), until, [&]() {
    return connection().call<muster::ServiceStatus>(until, [&name](EstablishedConnection& live) {
      auto request = live.services.statusRequest();
      request.setName(name);
      return request.send().then([](auto&& response) {
        requireNoError(response);
        return readServiceStatus(response.getStatus());
      });
    });
  });
}

muster::ServiceStatus ControllerNode::serviceAct(const std::string& name,
                                                 muster::ServiceAction action, SteadyTime until) {
  auto attempt = [&name, action, until](EstablishedConnection& live) {
    auto left = std::chrono::nanoseconds(until - std::chrono::steady_clock::now());
    auto request = live.services.actRequest();
    request.setName(name);
    request.setAction(actionOf(action));
    auto limit = std::clamp<std::chrono::nanoseconds>(left - kServiceMargin, kServiceMargin,
                                                      kServiceDeadlineMax);
    request.setDeadlineNs(limit.count());
    return request.send().then([](auto&& response) {
      requireNoError(response);
      return readServiceStatus(response.getStatus());
    });
  };
  return blocking(std::string(verbOf(action)) + " service " + quoted(name), until,
                  [&]() { return connection().call<muster::ServiceStatus>(until, attempt); });
}

muster::Facts ControllerNode::facts(SteadyTime until) {
  return blocking("facts", until, [&]() { return askFacts(until); });
}

kj::Promise<muster::Facts> ControllerNode::askFacts(SteadyTime until) {
  return connection().call<muster::Facts>(until, [](EstablishedConnection& live) {
    return live.facts.readRequest().send().then([](auto&& response) {
      requireNoError(response);
      return readFacts(response.getFacts());
    });
  });
}

}  // namespace harness
