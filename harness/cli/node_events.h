// Shows the states that nodes come to while they are made.
#pragma once

#include <chrono>
#include <ostream>
#include <string>
#include <vector>

#include "harness/cli/table.h"
#include "harness/provision/provisioner.h"

namespace harness {

// Prints how far `up` is. Of a few nodes it prints each state as a line; of many, and of a kind
// that tells no states, how many are ready, once that takes longer than a person likes to wait.
class UpPrinter {
 public:
  using Clock = std::chrono::steady_clock;

  UpPrinter(std::ostream& stream, Clock::time_point begin) : stream_(stream), begin_(begin) {}

  void print(const UpProgress& progress, Clock::time_point now);

 private:
  std::ostream& stream_;
  Clock::time_point begin_;
  Clock::time_point lastCount_{};
};

// A table of the states with their times.
std::string eventsText(const std::vector<NodeEvent>& events);
Json eventsJson(const std::vector<NodeEvent>& events);

}  // namespace harness
