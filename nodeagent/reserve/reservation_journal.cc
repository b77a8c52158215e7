#include "nodeagent/reserve/reservation_journal.h"

#include <stdlib.h>

#include <kj/encoding.h>
#include <kj/vector.h>

namespace nodeagent::reserve {
namespace {

constexpr size_t kFields = 6;

kj::Maybe<Reservation> reservationFrom(kj::ArrayPtr<const kj::String> lines) {
  if (lines.size() < kFields) return nullptr;
  auto id = kj::decodeHex(lines[0]);
  if (!support::Id::fits(id)) return nullptr;
  Reservation read;
  read.id = support::Id::from(id);
  read.identity = fromField(lines[1]);
  read.user = fromField(lines[2]);
  read.reason = fromField(lines[3]);
  read.sinceRealtimeNs = strtoll(lines[4].cStr(), nullptr, 10);
  read.lengthNs = strtoll(lines[5].cStr(), nullptr, 10);
  read.coverage = Coverage::PERSON;
  if (read.lengthNs < kLengthMinNs || read.lengthNs > kLengthMaxNs) return nullptr;
  return kj::mv(read);
}

}  // namespace

kj::Array<kj::String> ReservationJournal::linesOf(const Reservation& reservation,
                                                  int64_t sinceRealtimeNs, int64_t lengthNs) {
  return kj::arr(kj::str(reservation.id.text().c_str()), toField(reservation.identity),
                 toField(reservation.user), toField(reservation.reason), kj::str(sinceRealtimeNs),
                 kj::str(lengthNs));
}

void ReservationJournal::write(const support::Id& id, kj::ArrayPtr<const kj::String> lines) const {
  records_.write(id.text().c_str(), lines, RecordDirectory::Outlives::kPowerCut);
}

void ReservationJournal::drop(const support::Id& id) const {
  records_.drop(id.text().c_str());
}

kj::Array<Reservation> ReservationJournal::read() const {
  kj::Vector<Reservation> read;
  if (!records_.exists()) return read.releaseAsArray();
  for (auto& name : records_.names()) {
    kj::Maybe<Reservation> parsed;
    auto lines = records_.read(name);
    KJ_IF_MAYBE (each, lines) parsed = reservationFrom(*each);
    KJ_IF_MAYBE (reservation, parsed) {
      read.add(kj::mv(*reservation));
    } else {
      records_.dropDamaged(name, "a reservation");
    }
  }
  return read.releaseAsArray();
}

}  // namespace nodeagent::reserve
