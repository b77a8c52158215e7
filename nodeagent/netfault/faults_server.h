// Takes the calls of schema/fault.capnp for one session, and answers them from the table.
#pragma once

#include "nodeagent/netfault/fault_table.h"
#include "nodeagent/netfault/kill_table.h"
#include "schema/fault.capnp.h"

namespace nodeagent::netfault {

class FaultViewServer : public virtual wire::FaultView::Server {
 public:
  // `table` outlives it.
  explicit FaultViewServer(FaultTable& table) : table_(table) {}

  kj::Promise<void> list(ListContext context) override;

 protected:
  FaultTable& table_;
};

class FaultsServer final : public wire::Faults::Server, public FaultViewServer {
 public:
  // All of these outlive it. `prober` runs probes, `controlPorts` are the agent's own.
  FaultsServer(FaultTable& table, KillTable& kills, Worker& prober, kj::Own<Session> session,
               kj::ArrayPtr<const uint16_t> controlPorts)
      : FaultViewServer(table),
        kills_(kills),
        prober_(prober),
        session_(kj::mv(session)),
        controlPorts_(controlPorts) {}

  kj::Promise<void> add(AddContext context) override;
  kj::Promise<void> heal(HealContext context) override;
  kj::Promise<void> probe(ProbeContext context) override;
  kj::Promise<void> kill(KillContext context) override;

 private:
  KillTable& kills_;
  Worker& prober_;
  kj::Own<Session> session_;
  kj::ArrayPtr<const uint16_t> controlPorts_;
};

}  // namespace nodeagent::netfault
