// Controls services by systemd, through its own systemctl and journalctl.
#pragma once

#include <initializer_list>

#include "nodeagent/os/command.h"
#include "nodeagent/service/manager.h"

namespace nodeagent::service {

class Systemd final : public Manager {
 public:
  // Controls the node's own services. Tests choose other programs.
  explicit Systemd(kj::StringPtr systemctl = "systemctl", kj::StringPtr journalctl = "journalctl");

  // Controls the services of `user`. Fails with kind unsupported if no systemd of the user's runs.
  explicit Systemd(const User& user, kj::StringPtr runtimeRoot = "/run/user",
                   kj::StringPtr systemctl = "systemctl", kj::StringPtr journalctl = "journalctl");

  Status status(kj::StringPtr name, Log log = Log::kWith) override;
  ActResult act(kj::StringPtr name, wire::ServiceAction action, int64_t limitNs) override;
  ActResult kill(kj::StringPtr name, int signal, int64_t limitNs) override;
  Journal journalSince(kj::StringPtr name, int64_t realtimeNs) override;

 private:
  CommandResult systemctl(std::initializer_list<kj::StringPtr> words, kj::StringPtr name,
                          int64_t limitNs);
  // Runs journalctl for the last lines of the unit, with a further `option`.
  CommandResult journal(kj::StringPtr name, kj::StringPtr option, size_t linesMax);
  ActResult resultOf(kj::StringPtr what, kj::StringPtr name, CommandResult tool, int64_t sinceNs,
                     int64_t limitNs);

  kj::String systemctl_;
  kj::String journalctl_;
  kj::Maybe<CommandUser> user_;
};

// Reads the output of `systemctl show`; null if systemd knows no such unit.
kj::Maybe<Status> parseShow(kj::StringPtr text);

}  // namespace nodeagent::service
