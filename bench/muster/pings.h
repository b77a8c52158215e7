// Calls that do nothing over connections of Muster, timed on the io thread: what the transport and
// both processes of the agent cost, without the hand-over to a blocking caller.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "harness/cluster/description.h"

namespace bench {

class Pings {
 public:
  // Connects to all of them, or throws kj::Exception.
  explicit Pings(const std::vector<harness::NodeDescription>& nodes);
  ~Pings();

  // Microseconds of `count` pings to the first node, one after the other.
  std::vector<double> sequence(size_t count);

  // Seconds for `count` pings to the first node with `inFlight` at a time.
  double many(size_t count, size_t inFlight);

  // Seconds until the last of `awaited` has answered; all nodes are asked at once, in order. The
  // default awaits all.
  double all();
  double all(size_t awaited);

  // Cuts the connection to the first node, and returns the seconds until its next answer.
  double reconnect();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bench
