// Keeps on disk which faults this agent has begun, so that the next keeper knows its own: it ends
// those whose session died with this one, and goes on with those that have a time of their own.
//
// There is one file per fault, written before the fault and removed when it is gone. The object is
// immutable, and its calls block, so they belong on worker threads.
#pragma once

#include <stdint.h>

#include <kj/array.h>
#include <kj/refcount.h>
#include <kj/string.h>

#include "nodeagent/os/record_directory.h"
#include "schema/support/base/id.h"

namespace nodeagent::netfault {

struct FaultRecord {
  support::Id id;
  kj::String title;
  kj::String owner;
  kj::String bootId;
  // What the fault does, for people.
  kj::String text;
  kj::Array<kj::String> peers;
  // As EffectPlace::text.
  kj::String place;
  int64_t sinceRealtimeNs = 0;
  // On the boot clock. 0: it lasts as long as its session.
  int64_t untilBoottimeNs = 0;

  FaultRecord clone() const;
};

kj::Array<kj::String> copyOf(kj::ArrayPtr<const kj::String> texts);

class FaultJournal final : public kj::AtomicRefcounted {
 public:
  // `directory` is made, mode 0700, with the first record, if its parent is there. If it is empty,
  // nothing is kept.
  explicit FaultJournal(kj::String directory) : records_(kj::mv(directory)) {}

  // Returns the directory of an agent's faults; empty if it has none.
  static kj::String below(kj::StringPtr stateDirectory);

  // Fails with kind system if the disk refuses.
  void write(const FaultRecord& record) const;

  // Unknown ids are passed over.
  void drop(const support::Id& id) const;

  // Tells whether there may be records. A keeper asks before it serves anybody.
  bool exists() const { return records_.exists(); }

  // Returns the records of the disk. Files that were not written to their end, or that were
  // damaged, are no records: they are removed and logged.
  kj::Array<FaultRecord> read() const;

 private:
  const RecordDirectory records_;
};

}  // namespace nodeagent::netfault
