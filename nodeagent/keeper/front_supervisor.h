// Starts the front as a child of the keeper, and starts another whenever it ends. It does not read
// what is handed over to the front (nodeagent/config), nor talk to clients.
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
  // The front is `program` with `arguments`, in the keeper's environment and directory. `io`
  // outlives this object.
  FrontSupervisor(kj::AsyncIoContext& io, std::string program, std::vector<std::string> arguments);

  // Kills the front.
  ~FrontSupervisor() noexcept(false);

  // Starts fronts until it is cancelled. Rejects if the first front ends before it listens, because
  // the next ones would end too; exitStatus() then says how it ended. Later fronts are replaced
  // after 50 ms to 2 s.
  kj::Promise<void> run();

  // Resolves to the line in which the first front says on which addresses it listens.
  kj::Promise<std::string> whenListening();

  // Returns the exit status of a front that never listened, or 70 if a signal ended it.
  int exitStatus() const { return exitStatus_; }

  // Asks the front to end, and kills it if it takes longer than a second. Resolves when it has
  // ended or was killed. Cancel run() first.
  kj::Promise<void> stop();

  // Hands new credentials and log options over to the front. Resolves to null if the front took
  // them. Otherwise it resolves to the front's reason and the front keeps what it had. Without a
  // front it resolves to null, because the next one begins with the new files. Rejects if the front
  // does not answer within five seconds. Call it once at a time.
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
