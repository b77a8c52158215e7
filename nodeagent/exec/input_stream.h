// Feeds a job's standard input from bytes that come by offset.
#pragma once

#include <stdint.h>

#include <string>

#include <kj/async-unix.h>
#include <kj/io.h>
#include <kj/memory.h>

#include "nodeagent/exec/change_signal.h"
#include "nodeagent/exec/job_limits.h"

namespace nodeagent {

class InputStream {
 public:
  enum class Kind { kPipe, kTerminal };

  // `fd` is non-blocking; the port outlives this object.
  InputStream(kj::UnixEventPort& port, kj::AutoCloseFd fd, Kind kind);
  KJ_DISALLOW_COPY(InputStream);

  // Takes bytes that follow what it holds; ignores those it has already. Returns how far it holds
  // them. `end`: the input ends after them. Failures: corrupt (a gap), conflict (closed at another
  // offset).
  uint64_t accept(uint64_t offset, kj::ArrayPtr<const kj::byte> bytes, bool end);

  // Writes what has been accepted, until the end. Call once; dropping the promise stops it.
  kj::Promise<void> pump();

  // The job has ended: what comes is dropped. Drop the promise of pump() first.
  void close() { finish(); }

  uint64_t acceptedTo() const { return acceptedTo_; }

  // Resolves when something has been written, so that accept may take more.
  kj::Promise<void> whenRoom() { return written_.next(); }

 private:
  size_t pendingBytes() const { return pending_.size() - pendingFrom_; }
  void writeSome();
  void finish();

  kj::AutoCloseFd fd_;
  Kind kind_;
  kj::Own<kj::UnixEventPort::FdObserver> observer_;
  std::string pending_;  // Accepted, not yet written, from pendingFrom_ on.
  size_t pendingFrom_ = 0;
  uint64_t acceptedTo_ = 0;
  kj::Maybe<uint64_t> closedAt_;
  bool done_ = false;  // The end was written, or the job does not read any more.
  bool endOfFileSent_ = false;
  ChangeSignal written_;
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> more_;
};

}  // namespace nodeagent
