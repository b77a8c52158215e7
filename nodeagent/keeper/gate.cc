#include "nodeagent/keeper/gate.h"

#include "schema/support/base/log.h"
#include "schema/support/base/version.h"
#include "schema/support/base/wire_error.h"
#include "schema/support/rpc/frame.h"

namespace nodeagent {
namespace {

using Kind = wire::Error::Kind;

void writeClock(const Clock& clock, wire::Clock::Builder builder) {
  builder.setRealtimeNs(clock.realtimeNs());
  builder.setBoottimeNs(clock.boottimeNs());
}

kj::Array<Label> readLabels(capnp::List<wire::Label>::Reader labels) {
  return KJ_MAP(label, labels) {
    return Label{kj::str(label.getName()), kj::str(label.getValue())};
  };
}

void requireVersion(wire::Greeting::Reader greeting) {
  uint16_t theirs = greeting.getProtocolMajor();
  if (theirs == wire::PROTOCOL_MAJOR) return;
  support::fail(Kind::VERSION_MISMATCH, "the controller (muster ", greeting.getBuild(),
                ") speaks protocol ", theirs, ".", greeting.getProtocolMinor(), ", this agent (",
                support::kVersion, ") speaks ", wire::PROTOCOL_MAJOR, ".", wire::PROTOCOL_MINOR,
                ": upgrade the ", theirs > wire::PROTOCOL_MAJOR ? "agent" : "controller");
}

kj::Duration requireSilence(int64_t silenceMaxNs) {
  if (silenceMaxNs == 0) return GateListener::kSilenceDefault;
  kj::Duration silenceMax = silenceMaxNs * kj::NANOSECONDS;
  if (silenceMax < GateListener::kSilenceMin || silenceMax > GateListener::kSilenceMax) {
    support::fail(Kind::INVALID, "silenceMaxNs: ", silenceMaxNs,
                  " is not between 200 ms and 1 h, nor 0");
  }
  return silenceMax;
}

class SessionServer final : public wire::Session::Server {
 public:
  SessionServer(GateContext& context, kj::Own<Session> session)
      : context_(context), session_(kj::mv(session)) {}

 protected:
  kj::Promise<void> ping(PingContext call) override {
    session_->renew();
    // The size is given because a message of unknown size gets 8 KiB of memory, which are cleared.
    writeClock(context_.clock, call.getResults(capnp::MessageSize{8, 0}).initClock());
    return kj::READY_NOW;
  }

  kj::Promise<void> close(CloseContext call) override {
    return support::answer(call, "session.close", [this, call]() mutable {
      // The session and this server stay alive until the answer, even if the connection is lost
      // during the end.
      return context_.sessions.end(*session_, EndReason::kClosed)
          .then([this, call]() mutable { writeLeftovers(call); })
          .attach(session_->addRef(), thisCap());
    });
  }

 private:
  void writeLeftovers(CloseContext& call) {
    kj::ArrayPtr<const Leftover> leftovers = session_->leftovers();
    auto list = call.getResults().initLeftovers(static_cast<uint32_t>(leftovers.size()));
    for (uint32_t i = 0; i < leftovers.size(); ++i) {
      list[i].setWhat(leftovers[i].what);
      support::writeError(list[i].initReason(), leftovers[i].reason);
    }
  }

  GateContext& context_;
  kj::Own<Session> session_;
};

class GateServer final : public wire::Gate::Server {
 public:
  GateServer(GateContext& context, Peer peer, GateListener& listener)
      : context_(context), peer_(kj::mv(peer)), listener_(listener) {}

 protected:
  kj::Promise<void> hello(HelloContext call) override {
    return support::answer(call, "gate.hello", [this, call]() mutable { greet(call); });
  }

 private:
  // Every check comes before attach(), which may begin a session, so a refused hello leaves none.
  // The protocol's version is checked before fields that another version might read differently.
  // The listener is told last, when the answer is complete.
  void greet(HelloContext& call) {
    wire::Greeting::Reader greeting = call.getParams().getGreeting();
    requireVersion(greeting);
    if (greeting.getNodeName().size() > 0 && greeting.getNodeName() != context_.nodeName) {
      support::fail(Kind::WRONG_NODE, "this agent is node \"", context_.nodeName,
                    "\"; the controller meant \"", greeting.getNodeName(), "\"");
    }
    kj::Duration silenceMax = requireSilence(greeting.getSilenceMaxNs());
    if (greeted_) support::fail(Kind::CONFLICT, "hello: this connection has a session already");

    SessionTable::Attached attached = attach(greeting);
    greeted_ = true;
    auto results = call.getResults();
    writeWelcome(results.initWelcome(), *attached.session, attached.existed);
    results.setSession(kj::heap<SessionServer>(context_, attached.session->addRef()));
    listener_.greeted(*attached.session, silenceMax);
  }

  // Identity and role come from the front's preamble and never from the greeting. The session table
  // refuses a session that belongs to another identity.
  SessionTable::Attached attach(wire::Greeting::Reader greeting) {
    if (!support::Id::fits(greeting.getSessionId())) {
      support::fail(Kind::INVALID, "sessionId: ", greeting.getSessionId().size(),
                    " bytes given, wanted 16");
    }
    Session::Options options;
    options.id = support::Id::from(greeting.getSessionId());
    options.identity = kj::str(peer_.identity.name.c_str());
    options.role = peer_.identity.role;
    options.labels = readLabels(greeting.getLabels());
    options.leaseNs = greeting.getLeaseNs();
    SessionTable::Attached attached =
        context_.sessions.attach(kj::mv(options), greeting.getAttach());
    support::log(support::Level::kInfo, attached.existed ? "session attached" : "session begins",
                 {{"session", attached.session->id().text()},
                  {"identity", peer_.identity.name},
                  {"address", peer_.address},
                  {"controller", greeting.getBuild()}});
    return attached;
  }

  void writeWelcome(wire::Welcome::Builder welcome, Session& session, bool existed) {
    welcome.setProtocolMajor(wire::PROTOCOL_MAJOR);
    welcome.setProtocolMinor(wire::PROTOCOL_MINOR);
    welcome.setBuild(support::kVersion);
    welcome.setNodeName(context_.nodeName);
    welcome.setBootId(context_.bootId);
    welcome.setKeeperEpoch(context_.sessions.keeperEpoch().data());
    welcome.setAttached(existed);
    welcome.setIdentity(peer_.identity.name.c_str());
    welcome.setRole(peer_.identity.role);
    context_.services.grant(session, peer_.identity.role, welcome.initGrants());
    auto limits = welcome.initLimits();
    limits.setFrameBytesMax(support::kFrameBytesMax);
    limits.setChunkBytesMax(support::kChunkBytesMax);
    context_.services.writeLimits(limits);
    writeClock(context_.clock, welcome.initClock());
  }

  GateContext& context_;
  Peer peer_;
  GateListener& listener_;
  bool greeted_ = false;
};

}  // namespace

wire::Gate::Client makeGate(GateContext& context, Peer peer, GateListener& listener) {
  return kj::heap<GateServer>(context, kj::mv(peer), listener);
}

}  // namespace nodeagent
