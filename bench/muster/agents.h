// Runs real agents for a benchmark: nodeagent processes on loopback addresses, with certificates
// and every guarantee that Muster gives.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

#include "bench/floor/channel.h"
#include "harness/cluster/description.h"

namespace bench {

class Agents {
 public:
  // Starts `count` agents, at most 250, from the directory of the running program, and waits until
  // they listen. Throws std::runtime_error with their log.
  explicit Agents(size_t count);
  // Ends the agents and removes their files.
  ~Agents();
  Agents(const Agents&) = delete;
  Agents& operator=(const Agents&) = delete;

  // Describes how to reach an agent. Only the first listens on unix sockets and plain TCP.
  harness::NodeDescription node(size_t index, Transport transport) const;

  // Describes the first `count` agents, over TLS.
  std::vector<harness::NodeDescription> nodes(size_t count) const;

  // Stop both processes of an agent, as on a machine that hangs, and let them go on.
  void freeze(size_t index);
  void thaw(size_t index);

  // Returns a directory for files of the benchmark; it is removed in the end.
  const std::string& directory() const { return directory_; }

 private:
  std::string nameOf(size_t index) const { return "n" + std::to_string(index + 1); }
  std::string addressOf(size_t index) const { return "127.77.0." + std::to_string(index + 1); }
  void makeCertificates(size_t count) const;
  pid_t start(size_t index) const;
  void awaitListening(size_t index) const;
  void signalBoth(size_t index, int signal) const;

  std::string directory_;
  std::vector<pid_t> pids_;
  // Forked copies of this process leave the agents alone.
  pid_t owner_;
};

}  // namespace bench
