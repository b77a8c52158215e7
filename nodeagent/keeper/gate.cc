#include "nodeagent/keeper/gate.h"

#include "schema/support/base/log.h"
#include "schema/support/base/version.h"
#include "schema/support/base/wire_error.h"
#include "schema/support/rpc/frame.h"

namespace nodeagent {
namespace {

using Kind = wire::Error::Kind;

// The most that a welcome says of earlier sessions, of which one may have many.
constexpr size_t kEarlierMax = 16;
constexpr uint32_t kEarlierRunningMax = 16;

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

support::Id requireId(kj::StringPtr name, capnp::Data::Reader id) {
  if (!support::Id::fits(id)) {
    support::fail(Kind::INVALID, name, ": ", id.size(), " bytes given, wanted 16");
  }
  return support::Id::from(id);
}

void writeLabels(kj::ArrayPtr<const Label> labels, capnp::List<wire::Label>::Builder list) {
  for (uint32_t i = 0; i < labels.size(); ++i) {
    list[i].setName(labels[i].name);
    list[i].setValue(labels[i].value);
  }
}

void writeEarlier(SessionTable& sessions, const Session& session, int64_t boottimeNs,
                  wire::EarlierSession::Builder builder) {
  builder.setSessionId(session.id().data());
  auto labels = session.labels();
  writeLabels(labels, builder.initLabels(static_cast<uint32_t>(labels.size())));
  builder.setBeganRealtimeNs(session.beganRealtimeNs());
  builder.setLeaseLeftNs(kj::max(session.leaseEndsBoottimeNs() - boottimeNs, int64_t{0}));
  kj::Vector<kj::StringPtr> running;
  uint32_t runningCount = 0;
  uint32_t changeCount = 0;
  sessions.visitEntries(session, [&](EndPhase phase, kj::StringPtr what) {
    if (phase == EndPhase::kUndo) ++changeCount;
    if (phase == EndPhase::kStop && ++runningCount <= kEarlierRunningMax) running.add(what);
  });
  auto list = builder.initRunning(static_cast<uint32_t>(running.size()));
  for (uint32_t i = 0; i < running.size(); ++i) list.set(i, running[i]);
  builder.setRunningCount(runningCount);
  builder.setChangeCount(changeCount);
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
          .then([this, call]() mutable { writeLeftovers(call, *session_); })
          .attach(session_->addRef(), thisCap());
    });
  }

  kj::Promise<void> endEarlier(EndEarlierContext call) override {
    return support::answer(call, "session.endEarlier", [this, call]() mutable -> kj::Promise<void> {
      support::Id id = requireId("sessionId", call.getParams().getSessionId());
      KJ_IF_MAYBE (found, context_.sessions.findEarlier(*session_, id)) {
        Session& earlier = **found;
        return context_.sessions.end(earlier, EndReason::kClosed)
            .then([call, &earlier]() mutable { writeLeftovers(call, earlier); })
            .attach(kj::mv(*found), thisCap());
      }
      return kj::READY_NOW;
    });
  }

  kj::Promise<void> adoptEarlier(AdoptEarlierContext call) override {
    return support::answer(call, "session.adoptEarlier", [this, call]() mutable {
      session_->requireAlive();
      support::Id id = requireId("sessionId", call.getParams().getSessionId());
      KJ_IF_MAYBE (found, context_.sessions.findEarlier(*session_, id)) {
        (*found)->requireAlive();
        context_.sessions.adopt(*session_, **found);
      } else {
        support::fail(Kind::EXPIRED, "session ", id.text().c_str(), " is not known here");
      }
    });
  }

  kj::Promise<void> openScope(OpenScopeContext call) override {
    return support::answer(call, "session.openScope", [this, call]() mutable {
      auto params = call.getParams();
      auto scope = context_.sessions.openScope(*session_, requireId("scopeId", params.getScopeId()),
                                               readLabels(params.getLabels()));
      context_.services.grant(*scope, session_->role(), call.getResults().initGrants());
    });
  }

  kj::Promise<void> closeScope(CloseScopeContext call) override {
    return support::answer(call, "session.closeScope", [this, call]() mutable -> kj::Promise<void> {
      support::Id id = requireId("scopeId", call.getParams().getScopeId());
      KJ_IF_MAYBE (found, context_.sessions.findScope(*session_, id)) {
        Session& scope = **found;
        return context_.sessions.end(scope, EndReason::kClosed)
            .then([call, &scope]() mutable { writeLeftovers(call, scope); })
            .attach(kj::mv(*found), thisCap());
      }
      return kj::READY_NOW;
    });
  }

 private:
  template <typename Call>
  static void writeLeftovers(Call& call, const Session& session) {
    kj::ArrayPtr<const Leftover> leftovers = session.leftovers();
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
    Session::Options options;
    options.id = requireId("sessionId", greeting.getSessionId());
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
    if (!existed) writeAllEarlier(welcome, session);
  }

  void writeAllEarlier(wire::Welcome::Builder welcome, const Session& session) {
    auto earlier = context_.sessions.earlierThan(session);
    if (earlier.empty()) return;
    auto list = welcome.initEarlier(static_cast<uint32_t>(kj::min(earlier.size(), kEarlierMax)));
    int64_t now = context_.clock.boottimeNs();
    for (uint32_t i = 0; i < list.size(); ++i)
      writeEarlier(context_.sessions, *earlier[i], now, list[i]);
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
