#include "bench/scale/light_agents.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <list>
#include <memory>
#include <stdexcept>

#include <kj/async-io.h>
#include <kj/async-unix.h>
#include <kj/debug.h>

#include "schema/agent.capnp.h"
#include "schema/job.capnp.h"
#include "schema/support/base/socket.h"
#include "schema/support/rpc/rpc_connection.h"
#include "schema/support/tls/tls.h"

namespace bench {
namespace {

constexpr kj::Duration kHandshakeMax = 30 * kj::SECONDS;
constexpr int kBacklog = 4096;
constexpr uint32_t kFirstAddress = 0x7f010000;

// Returns the number, from 0, of the node whose address was dialled.
size_t numberOf(kj::AsyncIoStream& stream) {
  struct sockaddr_in address {};
  unsigned int length = sizeof address;
  stream.getsockname(reinterpret_cast<sockaddr*>(&address), &length);
  return ntohl(address.sin_addr.s_addr) - kFirstAddress;
}

class LightJobs final : public wire::Jobs::Server {
 public:
  kj::Promise<void> run(RunContext context) override {
    auto status = context.getResults().initProgress().initStatus();
    status.setPid(1);
    status.setState(wire::JobStatus::State::ENDED);
    status.initOutcome().setExited(0);
    return kj::READY_NOW;
  }
};

class LightSession final : public wire::Session::Server {
 public:
  kj::Promise<void> ping(PingContext) override { return kj::READY_NOW; }
  kj::Promise<void> close(CloseContext) override { return kj::READY_NOW; }
};

class Fleet final : private kj::TaskSet::ErrorHandler {
 public:
  Fleet(kj::AsyncIoContext& io, const support::Credentials& credentials)
      : io_(io), tls_(credentials, io.provider->getTimer(), kHandshakeMax), tasks_(*this) {}

  uint16_t listen() {
    std::string why;
    auto endpoint = support::Endpoint::fromText("tls:0.0.0.0:0", &why);
    kj::AutoCloseFd socket = support::openSocket(*endpoint);
    KJ_SYSCALL(bind(socket, endpoint->socketAddress(), endpoint->addressBytes));
    KJ_SYSCALL(::listen(socket, kBacklog));
    receiver_ = io_.lowLevelProvider->wrapListenSocketFd(kj::mv(socket));
    tasks_.add(accept());
    return static_cast<uint16_t>(KJ_ASSERT_NONNULL(receiver_)->getPort());
  }

  size_t kill(size_t stride) {
    stride_ = stride;
    size_t count = 0;
    for (Node& node : nodes_) {
      if (!dead(node.number)) continue;
      node.connection->shutdown();
      ++count;
    }
    return count;
  }

 private:
  struct Node {
    explicit Node(size_t given) : number(given) {}
    const size_t number;
    kj::Own<support::RpcConnection> connection;
  };

  class LightGate final : public wire::Gate::Server {
   public:
    LightGate(Fleet& fleet, Node& node) : fleet_(fleet), node_(node) {}

    kj::Promise<void> hello(HelloContext context) override {
      auto greeting = context.getParams().getGreeting();
      kj::StringPtr name = greeting.getNodeName();
      if (fleet_.dead(node_.number)) return kj::NEVER_DONE;
      auto welcome = context.getResults().initWelcome();
      welcome.setProtocolMajor(wire::PROTOCOL_MAJOR);
      welcome.setBuild("light");
      welcome.setNodeName(name);
      welcome.setBootId("boot");
      welcome.setKeeperEpoch(greeting.getSessionId());
      welcome.initLimits().setChunkBytesMax(support::kChunkBytesMax);
      welcome.initGrants().setObsoleteJobs(kj::heap<LightJobs>());
      context.getResults().setSession(kj::heap<LightSession>());
      return kj::READY_NOW;
    }

   private:
    Fleet& fleet_;
    Node& node_;
  };

  bool dead(size_t number) const { return stride_ != 0 && number % stride_ == 0; }

  kj::Promise<void> accept() {
    return KJ_ASSERT_NONNULL(receiver_)->accept().then([this](kj::Own<kj::AsyncIoStream>&& stream) {
      tasks_.add(tls_.accept(kj::mv(stream)).then([this](auto&& accepted) {
        return serve(kj::mv(accepted.stream));
      }));
      return accept();
    });
  }

  kj::Promise<void> serve(kj::Own<kj::AsyncIoStream> stream) {
    auto at = nodes_.emplace(nodes_.end(), numberOf(*stream));
    at->connection =
        kj::heap<support::RpcConnection>(kj::mv(stream), io_.provider->getTimer(),
                                         kj::heap<LightGate>(*this, *at), support::GuardOptions());
    return at->connection->onDisconnect()
        .then([]() { return kj::evalLater([]() {}); })
        .then([this, at]() { nodes_.erase(at); });
  }

  // The client went away.
  void taskFailed(kj::Exception&&) override {}

  kj::AsyncIoContext& io_;
  support::TlsServer tls_;
  kj::Maybe<kj::Own<kj::ConnectionReceiver>> receiver_;
  size_t stride_ = 0;
  std::list<Node> nodes_;
  kj::TaskSet tasks_;
};

// Answers requests until the other end is closed.
kj::Promise<void> obey(kj::AsyncIoStream& control, Fleet& fleet, uint64_t& request) {
  return control.tryRead(&request, sizeof request, sizeof request)
      .then([&control, &fleet, &request](size_t count) -> kj::Promise<void> {
        if (count < sizeof request) return kj::READY_NOW;
        request = fleet.kill(request);
        return control.write(&request, sizeof request).then([&control, &fleet, &request]() {
          return obey(control, fleet, request);
        });
      });
}

int play(int socket, const support::Credentials& credentials) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  auto io = kj::setupAsyncIo();
  Fleet fleet(io, credentials);
  auto control = io.lowLevelProvider->wrapSocketFd(kj::AutoCloseFd(socket));
  uint64_t word = fleet.listen();
  control->write(&word, sizeof word).wait(io.waitScope);
  obey(*control, fleet, word).wait(io.waitScope);
  return 0;
}

}  // namespace

const char* const kFleetName = "fleet";

std::string fleetAddress(size_t index) {
  struct in_addr address {
    htonl(kFirstAddress + static_cast<uint32_t>(index))
  };
  char text[INET_ADDRSTRLEN];
  return inet_ntop(AF_INET, &address, text, sizeof text);
}

LightAgents::LightAgents(const std::string& authority, const support::KeyPair& pair) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0 || (pid_ = fork()) < 0) {
    throw std::runtime_error("the process of the light agents cannot be started");
  }
  if (pid_ == 0) {
    close(ends[0]);
    int status = 1;
    auto failed = kj::runCatchingExceptions([&]() { status = play(ends[1], {authority, pair}); });
    KJ_IF_MAYBE (exception, failed) {
      KJ_LOG(ERROR, "light agents", *exception);
    }
    _exit(status);
  }
  close(ends[1]);
  control_ = ends[0];
  uint64_t port = 0;
  if (read(control_, &port, sizeof port) != sizeof port) {
    throw std::runtime_error("the light agents do not listen");
  }
  port_ = static_cast<uint16_t>(port);
}

LightAgents::~LightAgents() {
  close(control_);
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

size_t LightAgents::kill(size_t stride) {
  return ask(stride);
}

uint64_t LightAgents::ask(uint64_t request) {
  if (write(control_, &request, sizeof request) != sizeof request ||
      read(control_, &request, sizeof request) != sizeof request) {
    throw std::runtime_error("the light agents are gone");
  }
  return request;
}

}  // namespace bench
