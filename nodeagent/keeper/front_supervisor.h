// Starts the front as a child of the keeper, and starts it again whenever it ends.
#pragma once

#include <string>
#include <vector>

#include <kj/async-io.h>
#include <kj/async-unix.h>
#include <kj/exception.h>

#include "nodeagent/link/credential_handover.h"
#include "nodeagent/os/spawn.h"

namespace nodeagent {

class FrontSupervisor {
 public:
  // `program` with `arguments`, in our own environment and directory. `io` outlives it.
  FrontSupervisor(kj::AsyncIoContext& io, std::string program, std::vector<std::string> arguments);

  // Kills the front.
  ~FrontSupervisor() noexcept(false);

  // Until cancelled. Rejected if the first front ends before it listens, for the next ones would
  // too: exitStatus() tells how. Later ones are started again after 50 ms to 2 s.
  kj::Promise<void> run();

  // The line in which the first front told what it listens on.
  kj::Promise<std::string> whenListening();

  // Of a front that never listened; 70 if a signal ended it.
  int exitStatus() const { return exitStatus_; }

  // Asks the front to end, and resolves when it has, or has been killed for taking longer than a
  // second. run() must have been cancelled before.
  kj::Promise<void> stop();

  // Gives this to the front, if there is one now that listens, and resolves with why it keeps what
  // it had; with nothing if it took it, or will begin with what the files say. Rejected if it does
  // not answer within five seconds. One at a time.
  kj::Promise<kj::Maybe<kj::String>> handOver(Handover handover);

 private:
  void signal(int number);
  kj::Promise<void> start();
  kj::Promise<void> readLine();
  kj::Promise<void> watch();
  kj::Promise<void> ended();
  kj::Own<kj::UnixEventPort::FdObserver> observeExit(int pidfd);

  kj::AsyncIoContext& io_;
  std::string program_;
  std::vector<std::string> arguments_;

  struct Child {
    kj::Own<Launch> launch;
    kj::AutoCloseFd pidfd;
    kj::Own<kj::UnixEventPort::FdObserver> exit;
    kj::Own<kj::AsyncInputStream> output;
    kj::Own<kj::AsyncCapabilityStream> control;
    char buffer[4096];
    std::string line;
    kj::Promise<void> reading = kj::READY_NOW;
  };
  kj::Maybe<kj::Own<Child>> child_;
  kj::TimePoint started_;
  bool listened_ = false;
  int exitStatus_ = 70;
  int failures_ = 0;
  kj::Own<kj::PromiseFulfiller<std::string>> listening_;
  kj::Promise<std::string> whenListening_ = nullptr;
};

}  // namespace nodeagent
