#include "tests_d/muster/fuzz/hostile_agent.h"

#include <string.h>
#include <sys/socket.h>

#include <vector>

#include <kj/debug.h>

#include "schema/agent.capnp.h"
#include "schema/facts.capnp.h"
#include "schema/file.capnp.h"
#include "schema/job.capnp.h"
#include "schema/service.capnp.h"
#include "schema/support/base/crc32c.h"
#include "schema/support/base/socket.h"
#include "schema/support/rpc/rpc_connection.h"
#include "tests_d/muster/fuzz/fill.h"

namespace fuzz {
namespace {

using capnp::DynamicCapability;
using capnp::DynamicStruct;

class HostileServer final : public DynamicCapability::Server {
 public:
  HostileServer(capnp::InterfaceSchema type, const HostileAnswer& answer)
      : DynamicCapability::Server(type), answer_(answer) {}

  kj::Promise<void> call(capnp::InterfaceSchema::Method method,
                         capnp::CallContext<DynamicStruct, DynamicStruct> context) override {
    HostileCall call{method.getProto().getName(), context.getParams(), context.getResults(),
                     [this](capnp::InterfaceSchema type) -> DynamicCapability::Client {
                       return kj::heap<HostileServer>(type, answer_);
                     }};
    return answer_(call);
  }

 private:
  const HostileAnswer& answer_;
};

// Changes the targets of links, so that they lead out of the tree. A controller must not write
// there, but if it does, it does no harm to the machine.
void leadNowhere(wire::FileView::WalkResults::Builder results, Input& input) {
  if (!results.hasEntries()) return;
  for (auto entry : results.getEntries()) {
    kj::StringPtr target = input.byte() % 2 ? ".."_kj : "../.."_kj;
    if (entry.hasTarget()) entry.setTarget(target.asBytes());
  }
}

void repair(wire::Chunk::Builder chunk) {
  chunk.setCrc32c(support::crc32c(chunk.getData()));
}

// Corrects the check sums, so that the controller looks at the bytes that they protect.
void repair(DynamicStruct::Builder results) {
  KJ_IF_MAYBE (field, results.getSchema().findFieldByName("chunk")) {
    if (results.has(*field)) repair(results.get(*field).as<DynamicStruct>().as<wire::Chunk>());
  }
  KJ_IF_MAYBE (field, results.getSchema().findFieldByName("progress")) {
    if (!results.has(*field)) return;
    auto progress = results.get(*field).as<DynamicStruct>().as<wire::JobProgress>();
    repair(progress.getOutput());
    repair(progress.getErrors());
  }
}

kj::Promise<void> answerFrom(Input& input, HostileCall& call) {
  uint8_t choice = input.byte();
  FillOptions options;
  options.capability = kj::Function<DynamicCapability::Client(capnp::InterfaceSchema)>(
      [&call](capnp::InterfaceSchema type) { return call.capability(type); });
  if (call.method == "hello") {
    // The welcome is mostly right, because further calls follow only then.
    if (choice % 8 >= 6) fill(call.results, input, options);
    if (choice % 8 != 7) call.welcome();
    return kj::READY_NOW;
  }
  if (call.method == "ping" && choice % 16 != 1) return kj::READY_NOW;
  if (choice == 255) return kj::NEVER_DONE;
  if (choice == 254) return KJ_EXCEPTION(DISCONNECTED, "so they say");
  if (choice == 253) return KJ_EXCEPTION(OVERLOADED, "\x1b[2J");
  fill(call.results, input, options);
  if (call.method == "walk") leadNowhere(call.results.as<wire::FileView::WalkResults>(), input);
  if (choice % 2) repair(call.results);
  return kj::READY_NOW;
}

}  // namespace

HostileAnswer answersOf(Input& input) {
  return [&input](HostileCall& call) { return answerFrom(input, call); };
}

void HostileCall::welcome() {
  auto hello = results.as<wire::Gate::HelloResults>();
  auto welcome = hello.hasWelcome() ? hello.getWelcome() : hello.initWelcome();
  hello.disownError();
  welcome.setProtocolMajor(wire::PROTOCOL_MAJOR);
  welcome.setNodeName("n1");
  welcome.initKeeperEpoch(16);
  welcome.getLimits().setChunkBytesMax(1 << 16);
  auto grants = welcome.getGrants();
  auto more = grants.initMore(6);
  auto grant = [this, &more](unsigned index, capnp::InterfaceSchema type) {
    auto made = capability(type).castAs<capnp::Capability>();
    more[index].setInterfaceId(type.getProto().getId());
    more[index].setCapability(made);
    return made;
  };
  grants.setObsoleteJobs(grant(0, capnp::Schema::from<wire::Jobs>()));
  grants.setObsoleteFiles(grant(1, capnp::Schema::from<wire::Files>()));
  grants.setObsoleteServices(grant(2, capnp::Schema::from<wire::Services>()));
  grants.setObsoleteFacts(grant(3, capnp::Schema::from<wire::FactsView>()));
  grants.setObsoleteFileView(grant(4, capnp::Schema::from<wire::FileView>()));
  grants.setObsoleteServiceView(grant(5, capnp::Schema::from<wire::ServiceView>()));
  hello.setSession(capability(capnp::Schema::from<wire::Session>()).castAs<wire::Session>());
}

struct HostileAgent::State {
  State(harness::IoThread& loop, HostileAnswer answers) : io(loop), answer(std::move(answers)) {}

  void listen(const std::string& path) {
    std::string why;
    auto endpoint = support::Endpoint::fromText("unix:" + path, &why);
    kj::AutoCloseFd fd = support::openSocket(*endpoint);
    KJ_SYSCALL(::bind(fd, endpoint->socketAddress(), endpoint->addressBytes));
    KJ_SYSCALL(::listen(fd, 16));
    receiver = io.lowLevel().wrapListenSocketFd(kj::mv(fd));
    accepting = accept().eagerlyEvaluate(nullptr);
  }

  kj::Promise<void> accept() {
    return KJ_ASSERT_NONNULL(receiver)->accept().then([this](kj::Own<kj::AsyncIoStream>&& stream) {
      DynamicCapability::Client gate =
          kj::heap<HostileServer>(capnp::Schema::from<wire::Gate>(), answer);
      connections.push_back(kj::heap<support::RpcConnection>(
          kj::mv(stream), io.timer(), capnp::Capability::Client(gate), guardOptions()));
      return accept();
    });
  }

  static support::GuardOptions guardOptions() {
    support::GuardOptions options;
    options.frame.bytesMax = support::kFrameBytesMax;
    return options;
  }

  harness::IoThread& io;
  const HostileAnswer answer;
  kj::Maybe<kj::Own<kj::ConnectionReceiver>> receiver;
  std::vector<kj::Own<support::RpcConnection>> connections;
  // This is the last member because it uses the others.
  kj::Maybe<kj::Promise<void>> accepting;
};

HostileAgent::HostileAgent(const std::string& directory, HostileAnswer answer)
    : socket_(directory + "/agent.sock") {
  auto until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  io_.run(
      [&]() -> kj::Promise<void> {
        state_ = std::make_unique<State>(io_, std::move(answer));
        state_->listen(socket_);
        return kj::READY_NOW;
      },
      until);
}

HostileAgent::~HostileAgent() {
  auto until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  io_.run(
      [&]() -> kj::Promise<void> {
        state_.reset();
        return kj::READY_NOW;
      },
      until);
}

harness::NodeDescription HostileAgent::description() const {
  harness::NodeDescription description;
  description.name = "n1";
  description.route.endpoint = support::Endpoint::parse("unix:" + socket_);
  return description;
}

}  // namespace fuzz
