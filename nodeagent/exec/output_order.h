// Notes in which order the two output streams of a job were read. It keeps none of their bytes
// (output_buffer.h does), and knows nothing of when they were written.
//
// The reads of one stream in succession are one turn, which costs nothing more than its first read.
// The newest turns are kept, because the end of an output is what explains a failure.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <kj/array.h>

#include "nodeagent/exec/spool.h"

namespace nodeagent::exec {

class OutputOrder final {
 public:
  // The schema promises this bound for JobProgress.order. It is even, so that as many turns of
  // either stream are kept.
  static constexpr size_t kTurnsMax = 4096;

  // Counts its memory in `spool`, which must be there while turns are kept. Where none is left,
  // fewer are.
  explicit OutputOrder(Spool& spool) : spool_(spool) {}
  ~OutputOrder() noexcept(false);
  KJ_DISALLOW_COPY(OutputOrder);

  // Takes note of a read. The parameters count all bytes that have been read of each stream so far.
  void note(uint64_t outputBytes, uint64_t errorsBytes);

  // Returns the number of turns that are kept, and the length of one of them. They alternate, and
  // turn 0 is one of standard output, whose length may be 0. There are none if only one stream has
  // bytes.
  size_t size() const;
  uint64_t operator[](size_t turn) const { return slot(first() + turn); }

  // Forgets everything, for a job of which nothing is kept.
  void clear();

 private:
  enum Stream : uint64_t { kOutput, kErrors };

  void read(Stream stream, uint64_t bytes);
  void begin(uint64_t bytes);
  void grow();
  uint64_t first() const;
  uint64_t& slot(uint64_t number) const { return turns_[number % turns_.size()]; }

  Spool& spool_;
  uint64_t outputBytes_ = 0;
  uint64_t errorsBytes_ = 0;
  // Counts the turns that have begun. Those with an even number are of standard output.
  uint64_t begun_ = 0;
  // Is a ring once it cannot grow any more.
  mutable kj::Array<uint64_t> turns_;
};

}  // namespace nodeagent::exec
