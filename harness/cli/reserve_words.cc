#include "harness/cli/reserve_words.h"

#include <algorithm>
#include <ctime>

#include "harness/cli/listing.h"
#include "harness/rpc/reserve/reservations.h"
#include "schema/support/base/text.h"

namespace harness {
namespace {

using Clock = std::chrono::system_clock;

std::string ageOf(Clock::time_point time) {
  return ageText(std::max<std::chrono::nanoseconds>(Clock::now() - time, {}));
}

std::string personText(const std::string& user, const std::string& identity) {
  if (user == identity) return support::printable(user);
  return support::printable(user + " (" + identity + ")");
}

std::string reasonText(const std::string& reason) {
  return reason.empty() ? "" : ": \"" + support::printable(reason) + "\"";
}

std::vector<std::string> tableLine(const std::string& node, const std::string& rank,
                                   const Reservation& of) {
  return {node,
          rank,
          support::printable(of.user),
          support::printable(of.identity),
          ageOf(of.since),
          ageText(of.left),
          of.isStanding ? "its time" : support::printable(of.process),
          support::printable(of.reason)};
}

Json reservationJson(const Reservation& of) {
  return {{"id", hexOf(of.id)},
          {"user", of.user},
          {"owner", of.identity},
          {"process", of.process.empty() ? Json(nullptr) : Json(of.process)},
          {"reason", of.reason},
          {"since_realtime_ns", std::chrono::nanoseconds(of.since.time_since_epoch()).count()},
          {"left_seconds", std::chrono::duration<double>(of.left).count()},
          {"standing", of.isStanding},
          {"ours", of.coversUs}};
}

Json heldJson(const std::string& node, const Reservation& of, unsigned rank) {
  Json json = {{"node", node},
               {"state", rank == 0 ? "held" : "waiting"},
               {"rank", rank == 0 ? Json(nullptr) : Json(rank)}};
  json.update(reservationJson(of));
  return json;
}

Json userJson(const NodeUser& user) {
  return {{"user", user.user},
          {"owner", user.identity},
          {"program", user.program},
          {"process", user.process},
          {"run", user.run},
          {"began_realtime_ns", std::chrono::nanoseconds(user.began.time_since_epoch()).count()},
          {"connected", user.isConnected},
          {"lease_left_seconds", std::chrono::duration<double>(user.leaseLeft).count()}};
}

Json endJson(const ReservationEnd& end) {
  return {{"id", hexOf(end.id)},
          {"user", end.user},
          {"what", toString(end)},
          {"at_realtime_ns", std::chrono::nanoseconds(end.at.time_since_epoch()).count()}};
}

std::string heldText(const std::string& node, const Reservation& held) {
  std::string text = node + " is reserved by " + personText(held.user, held.identity) + " since " +
                     utcText(held.since) + ", until " + utcText(Clock::now() + held.left) + " (" +
                     ageText(held.left) + " left)" + reasonText(held.reason) + "\n";
  if (!held.isStanding) {
    text += "  it ends earlier with its process " + support::printable(held.process) + "\n";
  }
  if (!held.coversUs) return text + "  calls of others that change the node are refused\n";
  if (!held.isStanding) return text + "  it is yours\n";
  return text + "  it is yours; give it back: muster unreserve " + node + "\n";
}

std::string userText(const NodeUser& user) {
  std::string program = user.program.empty() ? "a program" : user.program;
  std::string text = program + " of " + personText(user.user, user.identity);
  if (!user.process.empty()) text += ", process " + user.process;
  if (!user.run.empty()) text += ", run " + user.run;
  text += ", since " + utcText(user.began);
  if (!user.isConnected) {
    text += "; it has no connection, and is ended in " + ageText(user.leaseLeft) + " at the latest";
  }
  return support::printable(text);
}

}  // namespace

Answers<ReservationStatus> askReservations(const Arguments& arguments) {
  return askChosen(arguments, [&](const Reachable& reachable) {
    auto until = std::chrono::steady_clock::now() + arguments[kConnectTimeout];
    Answers<ReservationStatus> given;
    given.errors = reachable.errors;
    given.take(reachable.nodes, rpc::reservationsOnAll(reachable.connected, until));
    return given;
  });
}

std::string hexOf(const std::string& id) {
  std::string text;
  for (unsigned char byte : id) {
    constexpr char kDigits[] = "0123456789abcdef";
    text += {kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return text;
}

std::string utcText(Clock::time_point time) {
  std::time_t seconds = Clock::to_time_t(time);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char text[40];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &utc);
  return text;
}

std::string reservationTable(const std::vector<NodeReservation>& nodes) {
  std::vector<std::vector<std::string>> lines = {
      {"NODE", "RANK", "USER", "OWNER", "SINCE", "LEFT", "ENDS WITH", "REASON"}};
  for (const auto& [node, status] : nodes) {
    if (status.held) lines.push_back(tableLine(node, "held", *status.held));
    unsigned rank = 0;
    for (const Reservation& waiting : status.waiting) {
      lines.push_back(tableLine(node, std::to_string(++rank), waiting));
    }
  }
  return table(lines);
}

Json reservationsJson(const std::vector<NodeReservation>& nodes) {
  Json list = Json::array();
  for (const auto& [node, status] : nodes) {
    if (status.held) list.push_back(heldJson(node, *status.held, 0));
    unsigned rank = 0;
    for (const Reservation& waiting : status.waiting) {
      list.push_back(heldJson(node, waiting, ++rank));
    }
  }
  return list;
}

std::string whyText(const std::string& node, const ReservationStatus& status) {
  std::string text;
  if (status.held) {
    text = heldText(node, *status.held);
  } else if (status.waiting.empty()) {
    text = node + " is not reserved\n";
  } else {
    text = node + " is not reserved yet: requests wait until those have ended who change it\n";
  }
  unsigned rank = 0;
  for (const Reservation& waiting : status.waiting) {
    text += "  waits as number " + std::to_string(++rank) + ": " +
            personText(waiting.user, waiting.identity) + ", since " + utcText(waiting.since) +
            ", for " + ageText(waiting.left) + reasonText(waiting.reason) + "\n";
  }
  for (const NodeUser& user : status.users) text += "  is changed by " + userText(user) + "\n";
  for (const ReservationEnd& end : status.ended) {
    text += "  before: the reservation of " + support::printable(end.user) + " " +
            support::printable(toString(end)) + ", at " + utcText(end.at) + "\n";
  }
  return text;
}

Json whyJson(const std::string& node, const ReservationStatus& status) {
  Json json = {{"node", node},
               {"held", status.held ? reservationJson(*status.held) : Json(nullptr)},
               {"waiting", Json::array()},
               {"users", Json::array()},
               {"ended", Json::array()}};
  for (const Reservation& waiting : status.waiting) {
    json["waiting"].push_back(reservationJson(waiting));
  }
  for (const NodeUser& user : status.users) json["users"].push_back(userJson(user));
  for (const ReservationEnd& end : status.ended) json["ended"].push_back(endJson(end));
  return json;
}

}  // namespace harness
