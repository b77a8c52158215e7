// Drives a command call by call, as no well-behaved controller does.
//
// It sends a start again, also with another specification. It sends input with overlaps, gaps and
// damage, reads output again, and uses numbers after they were acknowledged.
#pragma once

#include <stdint.h>

#include <memory>
#include <string>

#include "tests_d/muster/simulation/raw_calls.h"

namespace simulation {

class RawOperation final : private RawCalls {
 public:
  RawOperation(SimulatedClient& client, std::shared_ptr<Operation> operation, uint64_t number);
  KJ_DISALLOW_COPY(RawOperation);

  // Drives the command to its end. Never rejects.
  kj::Promise<void> run();

 private:
  enum class Release { kNo, kYes };

  // A part of the output as the node sent it.
  struct Part {
    uint64_t offset = 0;
    std::string bytes;
    uint64_t produced = 0;
    uint64_t retainedFrom = 0;
    uint64_t retainedTo = 0;
    bool ended = false;
  };

  // A part of the input as it is offered.
  struct Input {
    uint64_t offset = 0;
    std::string bytes;
    bool isDamaged = false;  // Its check sum is another's.
    bool isLast = false;
  };

  kj::Promise<bool> start();
  kj::Promise<bool> startAgain(const char* what, const harness::JobRequest& request,
                               wire::Error::Kind expected);
  kj::Promise<bool> feed();
  kj::Promise<bool> offer(Input input, wire::Error::Kind expected);
  kj::Promise<bool> read(Release release);
  kj::Promise<bool> readAgain();
  kj::Promise<bool> releaseSome();
  kj::Promise<bool> acknowledge();
  void take(wire::JobProgress::Reader progress, uint64_t from);

  uint64_t number_;
  Part part_;
  uint64_t readTo_ = 0;
  uint64_t errorsTo_ = 0;
  uint64_t fedTo_ = 0;
};

}  // namespace simulation
