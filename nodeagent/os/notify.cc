#include "nodeagent/os/notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <kj/io.h>

namespace nodeagent {

Notifier Notifier::fromEnvironment() {
  Notifier notifier;
  if (const char* socket = getenv("NOTIFY_SOCKET")) notifier.socket_ = socket;
  if (const char* interval = getenv("WATCHDOG_USEC"))
    notifier.watchdogIntervalNs_ = atoll(interval) * 1000 / 2;
  unsetenv("NOTIFY_SOCKET");
  unsetenv("WATCHDOG_USEC");
  unsetenv("WATCHDOG_PID");
  return notifier;
}

void Notifier::reloading() const {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  send("RELOADING=1\nMONOTONIC_USEC=" +
       std::to_string(now.tv_sec * 1'000'000 + now.tv_nsec / 1000));
}

void Notifier::send(const std::string& text) const {
  sockaddr_un address{};
  if (socket_.empty() || socket_.size() >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, socket_.data(), socket_.size());
  auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  if (socket_[0] == '@') address.sun_path[0] = '\0';
  int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return;
  kj::AutoCloseFd closing(descriptor);
  // The manager may be gone or restarting, which is no reason to fail.
  (void)!sendto(descriptor, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                reinterpret_cast<sockaddr*>(&address), length);
}

}  // namespace nodeagent
