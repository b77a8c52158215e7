// Calls that do nothing over a connection of Muster, timed on the io thread: what the transport and
// both processes of the agent cost, without the hand-over to a blocking caller.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "harness/cluster/description.h"

namespace bench {

class Pings {
 public:
  // Connects, or throws kj::Exception.
  explicit Pings(const harness::NodeDescription& node);
  ~Pings();

  // Microseconds of `count` pings, one after the other.
  std::vector<double> sequence(size_t count);

  // Seconds for `count` pings with `inFlight` at a time.
  double many(size_t count, size_t inFlight);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bench
