// Times calls that do nothing over connections of Muster, on the io thread. They show the cost of
// the transport and of the agent's two processes, without the hand-over to a blocking caller.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "harness/cluster/description.h"

namespace bench {

class Pings {
 public:
  // Connects to all nodes, or throws kj::Exception.
  explicit Pings(const std::vector<harness::NodeDescription>& nodes);
  ~Pings();

  // Returns the microseconds of `count` pings to the first node, one after the other.
  std::vector<double> sequence(size_t count);

  // Returns the seconds for `count` pings to the first node with `inFlight` at a time.
  double many(size_t count, size_t inFlight);

  // Asks all nodes at once, in order, and returns the seconds until the last of `awaited` has
  // answered. The default awaits all.
  double all();
  double all(size_t awaited);

  // Cuts the connection to the first node, and returns the seconds until its next answer.
  double reconnect();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bench
