// Services by systemd, through its own systemctl and journalctl.
#pragma once

#include "nodeagent/service/manager.h"

namespace nodeagent::service {

class Systemd final : public Manager {
 public:
  // The programs are for tests to choose.
  explicit Systemd(kj::StringPtr systemctl = "systemctl", kj::StringPtr journalctl = "journalctl");

  Status status(kj::StringPtr name) override;
  ActResult act(kj::StringPtr name, wire::ServiceAction action, int64_t limitNs) override;

 private:
  kj::String systemctl_;
  kj::String journalctl_;
};

// What `systemctl show` said; null: it knows no such unit.
kj::Maybe<Status> parseShow(kj::StringPtr text);

}  // namespace nodeagent::service
