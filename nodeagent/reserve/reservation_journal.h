// Keeps standing reservations on disk, so that the next keeper goes on with them.
#pragma once

#include <kj/array.h>
#include <kj/refcount.h>
#include <kj/string.h>

#include "nodeagent/os/record_directory.h"
#include "nodeagent/reserve/reservation.h"

namespace nodeagent::reserve {

// Is immutable. Calls block; one worker thread makes them.
class ReservationJournal final : public kj::AtomicRefcounted {
 public:
  // `directory` is made with the first record. Empty: nothing is kept.
  explicit ReservationJournal(kj::String directory) : records_(kj::mv(directory)) {}

  // Returns the lines by which write() keeps a reservation.
  static kj::Array<kj::String> linesOf(const Reservation& reservation, int64_t sinceRealtimeNs,
                                       int64_t lengthNs);

  // Returns when the record is on the disk. Fails with kind system if the disk refuses.
  void write(const support::Id& id, kj::ArrayPtr<const kj::String> lines) const;

  // Unknown ids are passed over.
  void drop(const support::Id& id) const;

  // Returns the reservations of the disk. Files that are damaged are removed and logged.
  kj::Array<Reservation> read() const;

 private:
  const RecordDirectory records_;
};

}  // namespace nodeagent::reserve
