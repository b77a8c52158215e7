// Takes the calls of schema/fault.capnp for one session, and answers them from the table.
#pragma once

#include "nodeagent/netfault/fault_table.h"
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
  FaultsServer(FaultTable& table, Worker& prober, kj::Own<Session> session,
               kj::ArrayPtr<const uint16_t> controlPorts)
      : FaultViewServer(table),
        prober_(prober),
        session_(kj::mv(session)),
        controlPorts_(controlPorts) {}

  kj::Promise<void> add(AddContext context) override;
  kj::Promise<void> heal(HealContext context) override;
  kj::Promise<void> probe(ProbeContext context) override;

 private:
  Worker& prober_;
  kj::Own<Session> session_;
  kj::ArrayPtr<const uint16_t> controlPorts_;
};

}  // namespace nodeagent::netfault
