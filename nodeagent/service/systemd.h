// Controls services by systemd, through its own systemctl and journalctl.
#pragma once

#include "nodeagent/service/manager.h"

namespace nodeagent::service {

class Systemd final : public Manager {
 public:
  // Tests choose other programs.
  explicit Systemd(kj::StringPtr systemctl = "systemctl", kj::StringPtr journalctl = "journalctl");

  Status status(kj::StringPtr name) override;
  ActResult act(kj::StringPtr name, wire::ServiceAction action, int64_t limitNs) override;

 private:
  // Returns the last lines of the unit's log, as the further `option` of journalctl says.
  kj::Array<kj::String> logOf(kj::StringPtr name, kj::StringPtr option);

  kj::String systemctl_;
  kj::String journalctl_;
};

// Reads the output of `systemctl show`; null if systemd knows no such unit.
kj::Maybe<Status> parseShow(kj::StringPtr text);

}  // namespace nodeagent::service
