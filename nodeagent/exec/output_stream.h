// Reads one of a job's output descriptors as fast as its retention allows.
#pragma once

#include <kj/async-unix.h>
#include <kj/function.h>
#include <kj/io.h>
#include <kj/memory.h>
#include <kj/timer.h>

#include "nodeagent/exec/output_buffer.h"
#include "schema/support/base/sha256.h"

namespace nodeagent {

class OutputStream {
 public:
  // `fd` is non-blocking. `changed` is called after every read, at the end, and when the retention
  // is full; it must not destroy this object. Port, timer and spool outlive it.
  OutputStream(kj::UnixEventPort& port, kj::Timer& timer, kj::AutoCloseFd fd, Spool& spool,
               OutputPolicy policy, const JobLimits& limits, kj::Function<void()> changed);
  KJ_DISALLOW_COPY(OutputStream);

  // Reads until end of file. Call once, before the loop turns; dropping the promise stops the
  // reading.
  kj::Promise<void> pump();

  // Takes the stream as ended though somebody still holds it: what comes is read and thrown away,
  // so that a process which goes on writing is neither stopped nor killed by it.
  void detach();

  // As OutputBuffer::neverWait; lets a full retention go on.
  void neverWait();

  // As OutputBuffer::release; lets a full retention go on.
  void release(uint64_t offset);

  // The process waits, or soon will, for its reader to make room.
  bool stalled() const { return stalled_; }

  // Likewise, because the retention is full: without a reader it would wait for ever.
  bool full() const { return stalled_ && !buffer_.waitsInMemory(); }
  bool ended() const { return ended_; }
  const OutputBuffer& buffer() const { return buffer_; }
  OutputBuffer& buffer() { return buffer_; }

  // Of all produced bytes, once ended.
  const support::Digest& digest() const { return digest_; }

  // How a holder's /proc/PID/fd names it, such as "pipe:[4711]"; empty for an ended stream.
  kj::String link() const;

 private:
  enum class Step { kMore, kWait, kFull, kYield, kEnd };

  kj::Promise<void> readAll();
  Step readSome(size_t& turnBytes);
  void takeRest();
  void end();
  void resume();
  kj::Promise<void> waitForRoom();
  bool isFollowed() const;

  kj::Timer& timer_;
  kj::AutoCloseFd fd_;
  kj::Own<kj::UnixEventPort::FdObserver> observer_;
  OutputBuffer buffer_;
  support::Sha256 hash_;
  support::Digest digest_{};
  kj::Function<void()> changed_;
  bool ended_ = false;
  bool detached_ = false;
  bool stalled_ = false;
  const kj::Duration followedFor_;
  kj::TimePoint followedTo_;  // Until then its reader, if there is one, is taken to keep up.
  bool isLarge_ = false;
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> roomMade_;
};

}  // namespace nodeagent
