// Tells the service manager how we are, by the protocol of sd_notify(3). Without NOTIFY_SOCKET
// every call does nothing.
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

  // How often watchdog() is due, half of what WATCHDOG_USEC allows; 0: never.
  int64_t watchdogIntervalNs() const { return watchdogIntervalNs_; }

 private:
  void send(const std::string& text) const;

  std::string socket_;
  int64_t watchdogIntervalNs_ = 0;
};

}  // namespace nodeagent
