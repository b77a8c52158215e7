// Feeds a job's standard input from bytes that come by offset. It does not check sums;
// jobs_server.cc does.
#pragma once

#include <stdint.h>

#include <string>

#include <kj/async-unix.h>
#include <kj/io.h>
#include <kj/memory.h>

#include "nodeagent/exec/job_limits.h"
#include "nodeagent/session/change_signal.h"

namespace nodeagent::exec {

// Says whether the input ends with a chunk.
enum class AfterInput { kStaysOpen, kEnds };

class InputStream {
 public:
  enum class Kind { kPipe, kTerminal };

  // `fd` is non-blocking; the port outlives this object.
  InputStream(kj::UnixEventPort& port, kj::AutoCloseFd fd, Kind kind);
  KJ_DISALLOW_COPY(InputStream);

  // Takes the bytes beyond those that it holds already, and returns the offset up to which it holds
  // them now. `after` says whether the input ends after them. Fails with kind corrupt for a gap,
  // and with conflict if the input was closed at another offset.
  uint64_t accept(uint64_t offset, kj::ArrayPtr<const kj::byte> bytes, AfterInput after);

  // Writes accepted bytes until the end. Call it once. Dropping the promise stops it.
  kj::Promise<void> pump();

  // Drops the input of a job that has ended, and everything that comes later. Drop the promise of
  // pump() first.
  void close() { finish(); }

  uint64_t acceptedTo() const { return acceptedTo_; }

  // Resolves when bytes have been written, so that accept may take more.
  kj::Promise<void> whenCapacity() { return written_.next(); }

 private:
  size_t pendingBytes() const { return pending_.size() - pendingFrom_; }
  void writeSome();
  void finish();

  kj::AutoCloseFd fd_;
  Kind kind_;
  kj::Own<kj::UnixEventPort::FdObserver> observer_;
  // Holds the bytes that were accepted and not yet written, from pendingFrom_ on.
  std::string pending_;
  size_t pendingFrom_ = 0;
  uint64_t acceptedTo_ = 0;
  kj::Maybe<uint64_t> closedAt_;
  // Becomes true when the end was written, or when the job reads no more.
  bool done_ = false;
  bool endOfFileSent_ = false;
  ChangeSignal written_;
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> more_;
};

}  // namespace nodeagent::exec
