#include "nodeagent/reserve/reservation.h"

#include <string.h>
#include <time.h>

#include "schema/support/base/text.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::reserve {

bool Reservation::covers(const Session& other) const {
  if (other.identity() != identity) return false;
  if (coverage == Coverage::PERSON) return isOfPerson(other);
  KJ_IF_MAYBE (own, session) {
    if (own->get() == &other || other.endsWith(**own)) return true;
  }
  return strstr(labelOf(other.labels(), "reservation").cStr(), id.text().c_str()) != nullptr;
}

bool Reservation::isOfPerson(const Session& other) const {
  return other.identity() == identity && userOf(other) == user;
}

kj::String Reservation::owner() const {
  auto printed = support::printable(user.cStr());
  if (user == identity) return kj::str(printed.c_str());
  return kj::str(printed.c_str(), " (", support::printable(identity.cStr()).c_str(), ")");
}

int64_t requireLength(int64_t lengthNs) {
  if (lengthNs == 0) return kLengthDefaultNs;
  if (lengthNs < kLengthMinNs || lengthNs > kLengthMaxNs) {
    support::fail(wire::Error::Kind::INVALID, "lengthNs: ", lengthNs,
                  " is not between 1 s and 7 days, nor 0");
  }
  return lengthNs;
}

kj::StringPtr userOf(const Session& session) {
  auto user = labelOf(session.labels(), kUserLabel);
  return user.size() > 0 ? user : session.identity();
}

kj::String timeText(int64_t realtimeNs) {
  time_t seconds = realtimeNs / 1'000'000'000;
  struct tm utc = {};
  gmtime_r(&seconds, &utc);
  char text[40];
  strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &utc);
  return kj::str(text);
}

}  // namespace nodeagent::reserve
