// All faults of this node, each a state machine: set up, active once the kernel has shown it,
// recovering, and gone once the kernel has shown that nothing is left.
//
// A fault belongs to a session, whose undo list ends it, or has a time of its own. The kernel keeps
// it only as long as it is told to (nft_table.h), so this tells it again while the session's lease
// lasts. It knows nothing of messages; faults_server.h does.
#pragma once

#include <map>

#include <kj/async.h>
#include <kj/vector.h>

#include "nodeagent/netfault/fault_spec.h"
#include "nodeagent/netfault/fault_tools.h"
#include "nodeagent/os/worker.h"
#include "nodeagent/session/agent_service.h"
#include "nodeagent/session/session.h"

namespace nodeagent::netfault {

// What is known of a fault, for callers.
struct FaultReport {
  support::Id id;
  kj::String title;
  wire::FaultStatus::State state = wire::FaultStatus::State::UNSPECIFIED;
  int64_t sinceRealtimeNs = 0;
  int64_t remainingNs = 0;
  bool isHeld = false;
  kj::String owner;
  kj::Array<kj::String> peers;
  kj::String text;
  uint64_t packets = 0;
  uint64_t bytes = 0;
  kj::String reason;
  kj::String witness;
};

// Belongs to the loop's thread, and outlives the sessions.
class FaultTable final {
 public:
  static constexpr size_t kFaultsMax = 64;
  // How long the kernel keeps a session's fault at most when nobody tells it again.
  static constexpr int64_t kKernelHoldMaxNs = 60'000'000'000;

  // Faults of a killed keeper are found by "faults" below the state directory, on a worker thread:
  // those of its sessions are ended, the others are taken over. One that does not end is listed as
  // failed, and may be healed again. `host` outlives this.
  FaultTable(ServiceHost& host, RunTool run);
  ~FaultTable() noexcept(false);

  // Resolves once that is done. Every other call waits for it.
  kj::Promise<void> recovered() { return recovering_.addBranch(); }

  // Begins a fault, or finds it again by its id. Resolves when the kernel has shown it. After a
  // failure nothing is left of it.
  kj::Promise<FaultReport> add(Session& session, kj::Own<const FaultSpec> spec);

  // Ends a fault and resolves when the kernel shows that it is gone; null if there is none of this
  // id. Fails with kind denied if another identity added it and the caller is no admin, system if
  // it does not end, or if it had ended before its time.
  kj::Promise<kj::Maybe<FaultReport>> heal(Session& session, support::Id id);

  // Returns all faults with the kernel's counters of now. One that the kernel does not show any
  // more is failed from then on.
  kj::Promise<kj::Vector<FaultReport>> list();

  // Counts faults that are not gone.
  size_t count() const;

  bool close(kj::Duration limit) { return worker_->close(limit); }

 private:
  struct Fault;

  kj::Promise<void> recoverAll();
  void recover(kj::Vector<FoundFault> all);
  Fault& newFault(Session& session, kj::Own<const FaultSpec> spec);
  kj::Promise<void> begin(Fault& fault, Session& session);
  kj::Promise<void> startHealing(Fault& fault, AuditLog::Line line);
  kj::Promise<kj::Maybe<support::Failure>> undo(support::Id id);
  // Tells the kernel again, or ends the fault, when it is time. Runs as long as the fault is
  // active.
  void watch(Fault& fault);
  kj::Promise<void> keepHolding(Fault& fault);
  kj::Promise<void> endInTime(Fault& fault);
  int64_t kernelHoldNs(const Fault& fault) const;
  // Compares what is believed of a fault with what the kernel has just shown.
  void look(Fault& fault, const Shown& shown);
  FaultReport reportOf(const Fault& fault) const;
  // Forgets faults that are gone, which nothing waits for any more.
  void sweep();

  ServiceHost& host_;
  // What the threads use, which outlives this.
  kj::Own<const FaultTools> tools_;
  // One thread, so that the transactions of one fault keep their order.
  kj::Own<Worker> worker_;
  std::map<support::Id, kj::Own<Fault>> faults_;
  kj::ForkedPromise<void> recovering_;
};

}  // namespace nodeagent::netfault
