// Runs ten thousand agents in one process: real sockets, TLS and frames, the real protocol, and
// nothing behind it. A command "runs" by being answered.
//
// They show the cost of a controller with that many nodes. The machine could not hold as many real
// agents, whose own cost does not depend on how many others there are.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "schema/support/tls/pki.h"

namespace bench {

// All light agents have one name, since they have one certificate, and a certificate of an agent
// names one node. They are told apart by their address.
extern const char* const kFleetName;
// Returns 127.1.0.0, 127.1.0.1, ...
std::string fleetAddress(size_t index);

// The process that plays the agents.
class LightAgents {
 public:
  // Forks. Call before this process has a second thread. Throws std::runtime_error.
  LightAgents(const std::string& authority, const support::KeyPair& pair);
  ~LightAgents();
  LightAgents(const LightAgents&) = delete;
  LightAgents& operator=(const LightAgents&) = delete;

  uint16_t port() const { return port_; }
  pid_t pid() const { return pid_; }

  // Makes every node dead whose number (from 0) is a multiple of `stride`: its connection is cut,
  // and new ones are not answered. A stride of 0 makes all live again. Returns the number of
  // connections that ended.
  size_t kill(size_t stride);

 private:
  uint64_t ask(uint64_t request);

  pid_t pid_ = -1;
  int control_ = -1;
  uint16_t port_ = 0;
};

}  // namespace bench
