#include "nodeagent/netfault/kill_table.h"

#include <algorithm>

#include <kj/refcount.h>

#include "nodeagent/session/audit_log.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::netfault {

struct KillTable::Kill final : public kj::Refcounted {
  support::Id id;
  kj::String owner;
  kj::Vector<ProcessRef> killed;
  kj::ForkedPromise<void> done = kj::Promise<void>(kj::READY_NOW).fork();
};

KillTable::KillTable(ServiceHost& host) : host_(host), worker_(host.platform.makeWorker(1)) {}

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
    auto task = [choice = kj::mv(choice)]() { return killProcesses(choice); };
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
