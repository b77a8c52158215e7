#include "nodeagent/netfault/faults_server.h"

#include "nodeagent/netfault/probe.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::netfault {
namespace {

using Kind = wire::Error::Kind;

constexpr int64_t kProbeMaxNs = 5'000'000'000;
constexpr size_t kProbesMax = 64;

void writeReport(wire::FaultStatus::Builder to, const FaultReport& report) {
  to.setId(report.id.data());
  to.setTitle(report.title);
  to.setState(report.state);
  to.setSinceRealtimeNs(report.sinceRealtimeNs);
  to.setRemainingNs(report.remainingNs);
  to.setIsHeld(report.isHeld);
  to.setOwner(report.owner);
  auto peers = to.initPeers(static_cast<uint32_t>(report.peers.size()));
  for (size_t i = 0; i < report.peers.size(); ++i) {
    peers.set(static_cast<uint32_t>(i), report.peers[i]);
  }
  to.setText(report.text);
  to.setPackets(report.packets);
  to.setBytes(report.bytes);
  to.setReason(report.reason);
  to.setWitness(report.witness);
}

ProbeTarget readTarget(wire::Probe::Reader from) {
  ProbeTarget target;
  target.address = kj::str(from.getAddress());
  bool isTcp = from.getProtocol() == wire::Drop::Protocol::TCP;
  target.protocol = isTcp ? ProbeTarget::Protocol::kTcp : ProbeTarget::Protocol::kUdp;
  target.port = from.getPort() == 0 ? kQuietPort : from.getPort();
  return target;
}

}  // namespace

kj::Promise<void> FaultViewServer::list(ListContext context) {
  return support::answer(context, "faults.list", [this, context]() mutable {
    return table_.list().then([context](kj::Vector<FaultReport>&& reports) mutable {
      auto faults = context.getResults().initFaults(static_cast<uint32_t>(reports.size()));
      for (size_t i = 0; i < reports.size(); ++i) {
        writeReport(faults[static_cast<uint32_t>(i)], reports[i]);
      }
    });
  });
}

kj::Promise<void> FaultsServer::add(AddContext context) {
  return support::answer(context, "faults.add", [this, context]() mutable {
    session_->requireOpen();
    auto spec = readSpec(context.getParams().getSpec(), controlPorts_);
    return table_.add(*session_, kj::mv(spec)).then([context](FaultReport&& report) mutable {
      writeReport(context.getResults().initStatus(), report);
    });
  });
}

kj::Promise<void> FaultsServer::heal(HealContext context) {
  return support::answer(context, "faults.heal", [this, context]() mutable {
    auto id = context.getParams().getId();
    if (!support::Id::fits(id)) support::fail(Kind::INVALID, "id: is not 16 bytes");
    return table_.heal(*session_, support::Id::from(id))
        .then([this, context](kj::Maybe<FaultReport>&& healed) mutable {
          auto results = context.getResults();
          results.setOthers(static_cast<uint32_t>(table_.count()));
          KJ_IF_MAYBE (report, healed) {
            results.setFound(true);
            writeReport(results.initStatus(), *report);
          }
        });
  });
}

kj::Promise<void> FaultsServer::kill(KillContext context) {
  return support::answer(context, "faults.kill", [this, context]() mutable {
    session_->requireOpen();
    auto params = context.getParams();
    if (!support::Id::fits(params.getId())) support::fail(Kind::INVALID, "id: is not 16 bytes");
    auto id = support::Id::from(params.getId());
    auto choice = readProcesses(params.getProcesses());
    return table_.recovered()
        .then([this, id, choice = kj::mv(choice)]() mutable {
          session_->requireOpen();
          return kills_.kill(*session_, id, kj::mv(choice));
        })
        .then([context](kj::Vector<ProcessRef>&& killed) mutable {
          auto list = context.getResults().initKilled(static_cast<uint32_t>(killed.size()));
          for (uint32_t i = 0; i < killed.size(); ++i) {
            list[i].setPid(killed[i].pid);
            list[i].setName(killed[i].name);
          }
        });
  });
}

kj::Promise<void> FaultsServer::probe(ProbeContext context) {
  return support::answer(context, "faults.probe", [this, context]() mutable {
    session_->requireAlive();
    auto params = context.getParams();
    if (params.getProbes().size() > kProbesMax) {
      support::fail(Kind::INVALID, "probes: more than ", kProbesMax);
    }
    int64_t waitNs = params.getWaitNs();
    if (waitNs <= 0 || waitNs > kProbeMaxNs) {
      support::fail(Kind::INVALID, "waitNs: ", waitNs, " is not between 1 ns and 5 s");
    }
    auto targets = KJ_MAP(probe, params.getProbes()) {
      return readTarget(probe);
    };
    return prober_
        .run([targets = kj::mv(targets), waitNs]() { return sendProbes(targets, waitNs); })
        .then([context](kj::Array<bool>&& answered) mutable {
          auto list = context.getResults().initAnswered(static_cast<uint32_t>(answered.size()));
          for (size_t i = 0; i < answered.size(); ++i) {
            list.set(static_cast<uint32_t>(i), answered[i]);
          }
        });
  });
}

}  // namespace nodeagent::netfault
