// Reads one of a job's output descriptors as fast as its retention allows. Retention itself is
// output_buffer.h.
#pragma once

#include <optional>

#include <kj/async-unix.h>
#include <kj/function.h>
#include <kj/io.h>
#include <kj/memory.h>
#include <kj/timer.h>
#include <kj/vector.h>

#include "nodeagent/exec/output_buffer.h"
#include "nodeagent/exec/report_watch.h"
#include "schema/support/base/sha256.h"

namespace nodeagent::exec {

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

  // Takes the stream as ended though somebody still holds it. Further bytes are read and thrown
  // away, so that a process which goes on writing is neither stopped nor killed.
  void detach();

  // Calls OutputBuffer::neverWait, and goes on reading if it waited.
  void neverWait();

  // Calls OutputBuffer::release, and goes on reading if the retention was full.
  void release(uint64_t offset);

  // Returns whether the process waits, or soon will, for its reader to release bytes.
  bool stalled() const { return stalled_; }

  // Returns whether it waits for the disk.
  bool waitsForDisk() const { return waitsForDisk_; }

  // Returns whether it waits because the retention is full: without a reader it would wait for
  // ever.
  bool full() const { return stalled_ && !buffer_.waitsInMemory(); }
  bool ended() const { return ended_; }
  const OutputBuffer& buffer() const { return buffer_; }
  OutputBuffer& buffer() { return buffer_; }

  // Returns the last bytes that were read, kLastBytesMax at most, whether they are retained or not.
  kj::String lastBytes() const;
  static constexpr size_t kLastBytesMax = 512;

  // Looks for the report of a sanitizer from now on.
  void watchReports() { reports_.emplace(); }

  // Returns that report; empty if there was none.
  const std::string& report() const;

  // Returns the digest of all produced bytes, once ended.
  const support::Digest& digest() const { return digest_; }

  // Returns the name by which a holder's /proc/PID/fd shows the stream, such as "pipe:[4711]";
  // empty for an ended stream.
  kj::String link() const;

 private:
  enum class Step { kMore, kWait, kFull, kYield, kEnd };

  kj::Promise<void> readAll();
  Step readSome(size_t& turnBytes);
  void takeRest();
  void noteLast(kj::ArrayPtr<const kj::byte> bytes);
  void end();
  void resume();
  void diskAnswered();
  kj::Promise<void> waitForCapacity();
  bool isFollowed() const;

  kj::Timer& timer_;
  kj::AutoCloseFd fd_;
  kj::Own<kj::UnixEventPort::FdObserver> observer_;
  OutputBuffer buffer_;
  support::Sha256 hash_;
  support::Digest digest_{};
  kj::Vector<char> last_;
  std::optional<ReportWatch> reports_;
  kj::Function<void()> changed_;
  bool ended_ = false;
  bool detached_ = false;
  bool stalled_ = false;
  bool waitsForDisk_ = false;
  const kj::Duration followedFor_;
  // Until then its reader, if there is one, is taken to keep up.
  kj::TimePoint followedTo_;
  bool isLarge_ = false;
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> capacityFreed_;
};

}  // namespace nodeagent::exec
