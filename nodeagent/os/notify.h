// Reports the agent's state to the service manager by the protocol of sd_notify(3). Every call does
// nothing without NOTIFY_SOCKET.
#pragma once

#include <stdint.h>

#include <string>

namespace nodeagent {

class Notifier {
 public:
  // Takes the address from NOTIFY_SOCKET and removes it, so that jobs do not inherit it.
  static Notifier fromEnvironment();

  Notifier() = default;
  explicit Notifier(std::string socket) : socket_(std::move(socket)) {}

  void ready(const std::string& status) const { send("READY=1\nSTATUS=" + status); }
  void status(const std::string& status) const { send("STATUS=" + status); }
  void reloading() const;
  void stopping() const { send("STOPPING=1\nSTATUS=ending the sessions"); }
  void watchdog() const { send("WATCHDOG=1"); }

  // Returns how often watchdog() is due, half of the time that WATCHDOG_USEC allows; 0 means never.
  int64_t watchdogIntervalNs() const { return watchdogIntervalNs_; }

 private:
  void send(const std::string& text) const;

  std::string socket_;
  int64_t watchdogIntervalNs_ = 0;
};

}  // namespace nodeagent
