#include "nodeagent/netfault/kill_table.h"

#include <algorithm>

#include <kj/refcount.h>

#include "nodeagent/netfault/local_effect.h"
#include "nodeagent/session/audit_log.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::netfault {

struct KillTable::Kill final : public kj::Refcounted {
  support::Id id;
  kj::String owner;
  kj::Vector<ProcessRef> killed;
  kj::ForkedPromise<void> done = kj::Promise<void>(kj::READY_NOW).fork();
};

namespace {

kj::Vector<ProcessRef> killRecorded(const ProcessChoice& choice, const FaultJournal& journal,
                                    FaultRecord record) {
  return killProcesses(choice, [&](kj::ArrayPtr<const ProcessRef> stopped) {
    if (stopped.size() == 0) return journal.drop(record.id);
    record.place = placeText(kPauseKind, linesOf(stopped));
    journal.write(record);
  });
}

}  // namespace

KillTable::KillTable(ServiceHost& host)
    : host_(host),
      journal_(kj::atomicRefcounted<FaultJournal>(FaultJournal::below(host.stateDirectory))),
      worker_(host.platform.makeWorker(1)) {}

KillTable::~KillTable() noexcept(false) = default;

kj::Promise<kj::Vector<ProcessRef>> KillTable::kill(Session& session, support::Id id,
                                                    ProcessChoice choice) {
  auto found =
      std::find_if(kills_.begin(), kills_.end(), [&](auto& each) { return each->id == id; });
  if (found == kills_.end()) {
    auto kill = kj::refcounted<Kill>();
    kill->id = id;
    kill->owner = kj::str(session.identity());
    auto line = host_.audit.line(session, "faults.kill", {{"processes", describe(choice)}});
    FaultRecord record;
    record.id = support::Id::random();
    record.title = kj::str("kill");
    record.owner = kj::str(session.identity());
    record.bootId = kj::str(host_.bootId);
    record.text = kj::str("kills ", describe(choice));
    record.sinceRealtimeNs = host_.platform.clock().realtimeNs();
    auto task = [choice = kj::mv(choice), journal = kj::atomicAddRef(*journal_),
                 record = kj::mv(record)]() mutable {
      return killRecorded(choice, *journal, kj::mv(record));
    };
    kill->done = worker_->run(audited(kj::mv(line), kj::mv(task)))
                     .then([kill = kj::addRef(*kill)](kj::Vector<ProcessRef>&& killed) mutable {
                       kill->killed = kj::mv(killed);
                     })
                     .fork();
    if (kills_.size() == kKillsMax) kills_.pop_front();
    found = kills_.insert(kills_.end(), kj::mv(kill));
  } else if ((*found)->owner != session.identity()) {
    support::fail(wire::Error::Kind::CONFLICT, "id: it is another identity's");
  }
  auto kill = kj::addRef(**found);
  auto done = kill->done.addBranch();
  return done.then([kill = kj::mv(kill)]() {
    kj::Vector<ProcessRef> killed;
    for (auto& process : kill->killed) killed.add(process.clone());
    return killed;
  });
}

}  // namespace nodeagent::netfault
