// Ten thousand agents in one process: real sockets, TLS and frames, the real protocol, and nothing
// behind it. A command "runs" by being answered.
//
// What a controller costs with so many nodes shows against these, because the machine could not
// hold as many real agents, and what those need does not depend on how many others there are.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "schema/support/pki.h"

namespace bench {

// Names of light agents all match one certificate: "n1.fleet.muster", "n2.fleet.muster", ...
extern const char* const kFleetCertificateName;
std::string fleetName(size_t index);

// The process that plays them. All of them share one address; a node is told from the others by
// the name in its greeting.
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
