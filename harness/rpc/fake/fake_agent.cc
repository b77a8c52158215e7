// The fake itself; the tests are in connection_test.cc.
#include "harness/rpc/fake/fake_agent.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <set>
#include <utility>

#include <kj/debug.h>

#include "harness/rpc/bytes.h"
#include "harness/rpc/fake/fake_diagnosis.h"
#include "harness/rpc/fake/fake_errors.h"
#include "harness/rpc/fake/fake_logs.h"
#include "schema/support/base/crc32c.h"
#include "schema/support/base/sha256.h"
#include "schema/support/base/socket.h"
#include "schema/support/rpc/rpc_connection.h"
#include "schema/sync.capnp.h"

namespace harness {
struct FakeAgent::State final : public kj::TaskSet::ErrorHandler {
  State(FakeAgent& owner, IoThread& loop) : agent(owner), io(loop), tasks(*this) {}

  void taskFailed(kj::Exception&&) override {}  // A connection that the script cut.

  // Listens, and returns the port, 0 for a unix socket.
  uint16_t listen(const std::string& address) {
    std::string why;
    auto endpoint = support::Endpoint::fromText(address, &why);
    if (!endpoint->path().empty()) unlink(endpoint->path().c_str());
    kj::AutoCloseFd fd = support::openSocket(*endpoint);
    KJ_SYSCALL(bind(fd, endpoint->socketAddress(), endpoint->addressBytes));
    KJ_SYSCALL(::listen(fd, 16));
    receiver = io.lowLevel().wrapListenSocketFd(kj::mv(fd));
    acceptor = accept().eagerlyEvaluate(nullptr);
    return static_cast<uint16_t>(KJ_ASSERT_NONNULL(receiver)->getPort());
  }

  kj::Promise<void> accept() {
    return KJ_ASSERT_NONNULL(receiver)->accept().then([this](kj::Own<kj::AsyncIoStream>&& stream) {
      if (tls) {
        tasks.add(tls->accept(kj::mv(stream)).then([this](support::TlsServer::Accepted&& accepted) {
          serve(kj::mv(accepted.stream));
        }));
      } else {
        serve(kj::mv(stream));
      }
      return accept();
    });
  }

  void serve(kj::Own<kj::AsyncIoStream> stream);

  FakeAgent& agent;
  std::atomic<unsigned>& logWaits = agent.logWaits_;
  IoThread& io;
  Script script;
  std::optional<support::TlsServer> tls;
  std::map<std::string, Session> sessions;
  std::set<std::string> spent;  // Their ids.
  std::string lastSession;

  // The events of the session, and who waits for one more.
  std::vector<std::string> said;
  std::vector<uint64_t> pulls;
  kj::Vector<kj::Own<kj::PromiseFulfiller<void>>> listeners;
  kj::Maybe<kj::Own<kj::ConnectionReceiver>> receiver;
  kj::Maybe<kj::Promise<void>> acceptor;
  std::vector<kj::Own<support::RpcConnection>> connections;
  kj::TaskSet tasks;
};

namespace {

using State = FakeAgent::State;

bool endsAtOnce(const FakeAgent::Job& job) {
  return job.argv[0] == "emit" || job.argv[0] == "fail" || job.argv[0] == "missing" ||
         job.argv[0] == "both";
}

class FakeJobs final : public wire::Jobs::Server {
 public:
  FakeJobs(State& server, std::string session) : server_(server), session_(std::move(session)) {}

  kj::Promise<void> run(RunContext context) override {
    if (server_.script.losesRuns) return kj::NEVER_DONE;
    auto params = context.getParams();
    auto& session = server_.sessions[session_];
    for (uint64_t number : params.getAcknowledge()) session.acknowledged.push_back(number);
    FakeAgent::Job& job = session.jobs[params.getNumber()];
    if (job.argv.empty()) {
      for (auto item : params.getSpec().getArgv()) job.argv.push_back(stringOf(item));
      ++job.starts;
      auto input = params.getSpec().getInput();
      if (input.isInline()) job.input = stringOf(input.getInline());
      job.inputEnded = !input.isStream();
    }
    if (server_.script.mute) return kj::NEVER_DONE;
    if (server_.script.dropAfterRun > 0) {
      --server_.script.dropAfterRun;
      for (auto& connection : server_.connections) connection->shutdown();
      return kj::NEVER_DONE;
    }
    return answer(context, job, params.getFollow());
  }

  kj::Promise<void> follow(FollowContext context) override {
    FakeAgent::Job* job = known(context);
    if (job == nullptr) return kj::READY_NOW;
    return answer(context, *job, context.getParams().getFollow());
  }

  kj::Promise<void> writeInput(WriteInputContext context) override {
    FakeAgent::Job* job = known(context);
    if (job == nullptr) return kj::READY_NOW;
    auto chunk = context.getParams().getChunk();
    const FakeAgent::Script& script = server_.script;
    uint64_t capacity = script.inputBytesOfCommand - job->input.size();
    size_t taken = std::min({chunk.getData().size(), script.inputBytesOfCall, capacity});
    if (chunk.getOffset() == job->input.size()) {
      job->input += stringOf(chunk.getData()).substr(0, taken);
      if (taken == chunk.getData().size()) job->inputEnded = context.getParams().getEnd();
    }
    context.getResults().setAcceptedTo(job->input.size());
    return kj::READY_NOW;
  }

  kj::Promise<void> cancel(CancelContext context) override {
    FakeAgent::Job* job = known(context);
    if (job != nullptr) job->cancelled = true;
    return kj::READY_NOW;
  }

 private:
  static bool hasEnded(const FakeAgent::Job& job) {
    bool isRead = job.argv[0] == "cat" && job.inputEnded;
    bool holdsOutput = job.argv[0] == "pour" && job.releasedTo < job.poured;
    return endsAtOnce(job) || isRead || (job.cancelled && !holdsOutput);
  }

  static std::string outputOf(const FakeAgent::Job& job) {
    if (endsAtOnce(job)) return job.argv.size() > 1 ? job.argv[1] : "";
    if (job.argv[0] == "cat") return job.input;
    if (job.argv[0] == "say") return job.argv[1];
    return std::string(job.poured, 'x');
  }

  // Returns the job that is asked for. If its `run` never came, the answer says so.
  template <typename Context>
  FakeAgent::Job* known(Context& context) {
    auto& jobs = server_.sessions[session_].jobs;
    auto found = jobs.find(context.getParams().getNumber());
    if (found != jobs.end()) return &found->second;
    context.getResults().initError().setKind(wire::Error::Kind::NOT_FOUND);
    return nullptr;
  }

  template <typename Context>
  kj::Promise<void> answer(Context context, FakeAgent::Job& job, wire::Follow::Reader follow) {
    if (follow.getReleaseTo()) {
      uint64_t to = follow.getBytesMin() > 0 ? follow.getOutputStoredTo() : follow.getOutputFrom();
      job.releasedTo = std::max(job.releasedTo, to);
    }
    if (!hasEnded(job) && follow.getWaitNs() > 0) {
      // A long poll of the fake looks again soon, unless its connection has ended meanwhile.
      context.allowCancellation();
      return server_.io.timer()
          .afterDelay(5 * kj::MILLISECONDS)
          .then(
              [this, context, &job, follow]() mutable { return answerNow(context, job, follow); });
    }
    return answerNow(context, job, follow);
  }

  template <typename Context>
  kj::Promise<void> answerNow(Context context, FakeAgent::Job& job, wire::Follow::Reader follow) {
    bool ended = hasEnded(job);
    if (job.argv[0] == "pour" && !job.cancelled) {
      job.poured = std::max(job.poured, follow.getOutputFrom() + follow.getBytesMax());
    }
    std::string output = outputOf(job);
    auto progress = context.getResults().initProgress();
    auto status = progress.initStatus();
    status.setPid(4711);
    auto streams = status.initOutput();
    streams.setProducedBytes(output.size());
    streams.setRetainedTo(output.size());
    status.setState(ended ? wire::JobStatus::State::ENDED : wire::JobStatus::State::RUNNING);
    bool stubborn = !ended && job.argv[0] == "stubborn";
    if (stubborn) status.setStopping(wire::JobStatus::Stopping::DEADLINE);
    if (ended) {
      auto digest = support::Sha256::of(dataOf(output));
      streams.setSha256(kj::arrayPtr(digest.data(), digest.size()));
      if (job.cancelled) {
        status.initOutcome().initCancelled().initSignalled().setNumber(15);
      } else if (job.argv[0] == "missing") {
        status.setPid(0);
        auto error = status.initOutcome().initNotStarted();
        error.setErrno(ENOENT);
        error.setText("execute missing: No such file");
      } else {
        status.initOutcome().setExited(job.argv[0] == "fail" ? 3 : 0);
      }
    }
    if (follow.getOutputStoredTo() < follow.getOutputFrom() && follow.getBytesMin() > 0) {
      ++job.askedAhead;
    }
    progress.setAheadBytesMax(server_.script.aheadBytesMax);
    const FakeAgent::Script& script = server_.script;
    uint64_t from = follow.getOutputFrom();
    if (from >= script.outputDroppedFrom) from = std::max(from, script.outputDroppedTo);
    from = std::min<uint64_t>(from, output.size());
    std::string part =
        output.substr(from, std::min(follow.getBytesMax(), server_.script.chunkBytesMax));
    auto chunk = progress.initOutput();
    chunk.setOffset(from);
    chunk.setData(dataOf(part));
    chunk.setCrc32c(support::crc32c(dataOf(part)) + (server_.script.corruptChunks > 0 ? 1 : 0));
    if (server_.script.corruptChunks > 0) --server_.script.corruptChunks;
    if (job.argv[0] == "both") addErrors(job.argv, progress, follow.getErrorsFrom());
    return kj::READY_NOW;
  }

  State& server_;
  std::string session_;
};

class FakeSync final : public wire::Sync::Server {
 public:
  explicit FakeSync(State& server) : server_(server) {}

  kj::Promise<void> pull(PullContext context) override {
    server_.pulls.push_back(context.getParams().getAfter());
    return answer(context);
  }

 private:
  kj::Promise<void> answer(PullContext context) {
    uint64_t after = context.getParams().getAfter();
    bool waits = context.getParams().getWaitNs() > 0;
    if (waits && (server_.script.holdsEvents || server_.said.size() <= after)) {
      auto one = kj::newPromiseAndFulfiller<void>();
      server_.listeners.add(kj::mv(one.fulfiller));
      return one.promise.then([this, context]() mutable { return answer(context); });
    }
    auto records =
        context.getResults().initRecords(static_cast<unsigned>(server_.said.size() - after));
    for (unsigned i = 0; i < records.size(); ++i) {
      records[i].setNumber(after + i + 1);
      records[i].setJob(7);
      records[i].initNotified().setName(server_.said[after + i]);
    }
    return kj::READY_NOW;
  }

  State& server_;
};

void grantJobs(State& server, wire::Grants::Builder grants, wire::Jobs::Client jobs) {
  if (server.script.grantForm == FakeAgent::GrantForm::kField) {
    grants.setObsoleteJobs(kj::mv(jobs));
    return;
  }
  const FakeAgent::Script& script = server.script;
  unsigned next = 1;
  auto more = grants.initMore(next + (script.grantsSync ? 1 : 0) + (script.grantsLogs ? 1 : 0) +
                              (script.grantsDiagnosis ? 1 : 0));
  if (script.grantsSync) {
    more[next].setInterfaceId(capnp::typeId<wire::Sync>());
    more[next++].setCapability(wire::Sync::Client(kj::heap<FakeSync>(server)));
  }
  if (script.grantsLogs) {
    more[next].setInterfaceId(capnp::typeId<wire::Logs>());
    more[next++].setCapability(
        wire::Logs::Client(kj::heap<FakeLogs>(script, server.io.timer(), server.logWaits)));
  }
  if (script.grantsDiagnosis) {
    more[next].setInterfaceId(capnp::typeId<wire::Diagnosis>());
    more[next++].setCapability(wire::Diagnosis::Client(kj::heap<FakeDiagnosis>(script)));
  }
  auto grant = more[0];
  grant.setInterfaceId(capnp::typeId<wire::Jobs>());
  if (server.script.grantForm == FakeAgent::GrantForm::kListed) {
    grant.setCapability(kj::mv(jobs));
  }
}

class FakeSession final : public wire::Session::Server {
 public:
  FakeSession(State& server, std::string id) : server_(server), id_(std::move(id)) {}

  kj::Promise<void> ping(PingContext) override {
    if (server_.script.mute || server_.script.swallowPings > 0) return kj::NEVER_DONE;
    return kj::READY_NOW;
  }

  kj::Promise<void> close(CloseContext context) override {
    if (server_.script.mute) return kj::NEVER_DONE;
    server_.sessions[id_].closed = true;
    auto leftover = context.getResults().initLeftovers(1)[0];
    leftover.setWhat("job 7");
    leftover.initReason().setText("stuck");
    return kj::READY_NOW;
  }

  kj::Promise<void> openScope(OpenScopeContext context) override {
    std::string id = stringOf(context.getParams().getScopeId());
    Session& scope = server_.sessions[id];
    scope.scopeOf = id_;
    ++scope.opened;
    grantJobs(server_, context.getResults().initGrants(), kj::heap<FakeJobs>(server_, id));
    return kj::READY_NOW;
  }

  kj::Promise<void> closeScope(CloseScopeContext context) override {
    if (server_.script.mute) return kj::NEVER_DONE;
    server_.sessions[stringOf(context.getParams().getScopeId())].closed = true;
    if (server_.script.scopeLeftover.empty()) return kj::READY_NOW;
    auto leftover = context.getResults().initLeftovers(1)[0];
    leftover.setWhat(server_.script.scopeLeftover);
    leftover.initReason().setText("stuck");
    return kj::READY_NOW;
  }

 private:
  using Session = FakeAgent::Session;

  State& server_;
  std::string id_;
};

class FakeGate final : public wire::Gate::Server {
 public:
  FakeGate(State& server, std::atomic<unsigned>& hellos) : server_(server), hellos_(hellos) {}

  kj::Promise<void> hello(HelloContext context) override {
    ++hellos_;
    auto greeting = context.getParams().getGreeting();
    std::string id = stringOf(greeting.getSessionId());
    auto fail = [&](wire::Error::Kind kind, const std::string& text) {
      auto error = context.getResults().initError();
      error.setKind(kind);
      error.setText(text);
    };
    if (server_.script.refusal != wire::Error::Kind::UNSPECIFIED) {
      fail(server_.script.refusal, server_.script.refusalText);
      return kj::READY_NOW;
    }
    if (std::exchange(server_.script.spendNextSession, false)) server_.spent.insert(id);
    bool isKnown = server_.sessions.contains(id);
    if (server_.spent.contains(id) ||
        (greeting.getAttach() == wire::Attach::ATTACH_ONLY && !isKnown)) {
      fail(wire::Error::Kind::EXPIRED, "no such session");
      return kj::READY_NOW;
    }
    server_.sessions[id];
    server_.lastSession = id;
    auto welcome = context.getResults().initWelcome();
    welcome.setProtocolMajor(wire::PROTOCOL_MAJOR);
    bool isOld = server_.script.grantForm == FakeAgent::GrantForm::kField;
    welcome.setProtocolMinor(isOld ? 0 : wire::PROTOCOL_MINOR);
    welcome.setNodeName(context.getParams().getGreeting().getNodeName());
    welcome.setBuild("fake");
    welcome.setRole(server_.script.role);
    welcome.setBootId(server_.script.bootId);
    welcome.setKeeperEpoch(dataOf(server_.script.epoch));
    welcome.initLimits().setChunkBytesMax(server_.script.chunkBytesMax);
    grantJobs(server_, welcome.initGrants(), kj::heap<FakeJobs>(server_, id));
    context.getResults().setSession(kj::heap<FakeSession>(server_, id));
    return kj::READY_NOW;
  }

 private:
  State& server_;
  std::atomic<unsigned>& hellos_;
};

}  // namespace

void FakeAgent::State::serve(kj::Own<kj::AsyncIoStream> stream) {
  support::GuardOptions options;
  options.frame.bytesMax = support::kFrameBytesMax;
  auto connection = kj::heap<support::RpcConnection>(
      kj::mv(stream), io.timer(), kj::heap<FakeGate>(*this, agent.hellos_), options);
  tasks.add(connection->onDisconnect());
  connections.push_back(kj::mv(connection));
}

FakeAgent::FakeAgent() {
  char pattern[] = "/tmp/muster-fake-XXXXXX";
  KJ_REQUIRE(mkdtemp(pattern) != nullptr);
  directory_ = pattern;
  onLoop([this]() { server_ = std::make_unique<State>(*this, io_); });
  listen();
}

FakeAgent::FakeAgent(const support::Credentials& credentials) {
  onLoop([this, &credentials]() {
    server_ = std::make_unique<State>(*this, io_);
    server_->tls.emplace(credentials, io_.timer(), 2 * kj::SECONDS);
    port_ = server_->listen("tls:127.0.0.1:0");
  });
}

FakeAgent::~FakeAgent() {
  onLoop([this]() { server_ = nullptr; });
  if (directory_.empty()) return;
  unlink((directory_ + "/agent.sock").c_str());
  rmdir(directory_.c_str());
}

void FakeAgent::onLoop(const std::function<void()>& function) {
  io_.run(
      [&function]() {
        function();
        return kj::Promise<void>(kj::READY_NOW);
      },
      std::chrono::steady_clock::now() + std::chrono::seconds(10));
}

NodeDescription FakeAgent::description() const {
  NodeDescription description;
  description.name = "n1";
  description.addresses = {"10.7.0.1"};
  if (port_ != 0) {
    description.route.endpoint = support::Endpoint::parse("tls:127.0.0.1:" + std::to_string(port_));
    return description;
  }
  description.route.endpoint = support::Endpoint::parse("unix:" + directory_ + "/agent.sock");
  return description;
}

void FakeAgent::change(const std::function<void(Script&)>& edit) {
  onLoop([this, &edit]() { edit(server_->script); });
}

void FakeAgent::drop() {
  onLoop([this]() {
    for (auto& connection : server_->connections) connection->shutdown();
  });
}

void FakeAgent::say(const std::string& event) {
  onLoop([this, &event]() {
    server_->said.push_back(event);
    for (auto& listener : server_->listeners) listener->fulfill();
    server_->listeners.clear();
  });
}

std::vector<uint64_t> FakeAgent::pulls() const {
  std::vector<uint64_t> pulls;
  const_cast<FakeAgent*>(this)->onLoop([&]() { pulls = server_->pulls; });
  return pulls;
}

void FakeAgent::forget() {
  onLoop([this]() {
    server_->sessions.clear();
    server_->said.clear();
  });
}

void FakeAgent::stopListening() {
  onLoop([this]() {
    server_->acceptor = nullptr;
    server_->receiver = nullptr;
  });
}

void FakeAgent::listen() {
  onLoop([this]() { server_->listen("unix:" + directory_ + "/agent.sock"); });
}

std::vector<FakeAgent::Session> FakeAgent::scopes() const {
  std::vector<Session> scopes;
  const_cast<FakeAgent*>(this)->onLoop([this, &scopes]() {
    for (const auto& [id, session] : server_->sessions) {
      if (!session.scopeOf.empty()) scopes.push_back(session);
    }
  });
  return scopes;
}

FakeAgent::Session FakeAgent::session() const {
  Session copy;
  const_cast<FakeAgent*>(this)->onLoop(
      [this, &copy]() { copy = server_->sessions[server_->lastSession]; });
  return copy;
}

}  // namespace harness
