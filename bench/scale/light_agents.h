// Ten thousand agents in one process: real sockets, TLS and frames, the real protocol, and nothing
// behind it. A command "runs" by being answered.
//
// What a controller costs with so many nodes shows against these, because the machine could not
// hold as many real agents, and what those need does not depend on how many others there are.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "schema/support/tls/pki.h"

namespace bench {

// All light agents have one name, since they have one certificate, and a certificate of an agent
// names one node. What tells them apart is the address at which they are reached.
extern const char* const kFleetName;
std::string fleetAddress(size_t index);  // 127.1.0.0, 127.1.0.1, ...

// The process that plays them.
class LightAgents {
 public:
  // Forks. Call before this process has a second thread. Throws std::runtime_error.
  LightAgents(const std::string& authority, const support::KeyPair& pair);
  ~LightAgents();
  LightAgents(const LightAgents&) = delete;
  LightAgents& operator=(const LightAgents&) = delete;

  uint16_t port() const { return port_; }
  pid_t pid() const { return pid_; }

  // From now on every node whose number (from 0) is a multiple of `stride` is dead: its connection
  // is cut, and new ones are not answered. 0: all live again. Returns how many connections ended.
  size_t kill(size_t stride);

 private:
  uint64_t ask(uint64_t request);

  pid_t pid_ = -1;
  int control_ = -1;
  uint16_t port_ = 0;
};

}  // namespace bench
