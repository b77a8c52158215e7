#include "harness/rpc/earlier_sessions.h"

#include <algorithm>

namespace harness {
namespace {

// The protocol minor that brought Welcome.earlier.
constexpr uint16_t kMinorOfEarlier = 3;

// Bounds what a peer makes us keep.
constexpr unsigned kEarlierMax = 64;

EarlierSession readOne(const std::string& node, wire::EarlierSession::Reader reader) {
  EarlierSession session;
  session.node = node;
  session.id = stringOf(reader.getSessionId());
  for (auto label : reader.getLabels()) {
    session.labels.emplace(stringOf(label.getName()), stringOf(label.getValue()));
  }
  session.began = realtimeOf(reader.getBeganRealtimeNs());
  session.leaseLeft = std::chrono::nanoseconds(reader.getLeaseLeftNs());
  for (auto what : reader.getRunning()) session.running.push_back(stringOf(what));
  session.runningCount = reader.getRunningCount();
  session.changeCount = reader.getChangeCount();
  return session;
}

}  // namespace

std::optional<std::vector<EarlierSession>> readEarlier(const std::string& node,
                                                       wire::Welcome::Reader welcome) {
  if (welcome.getProtocolMinor() < kMinorOfEarlier) return std::nullopt;
  auto list = welcome.getEarlier();
  std::vector<EarlierSession> sessions;
  for (unsigned i = 0; i < std::min(list.size(), kEarlierMax); ++i) {
    sessions.push_back(readOne(node, list[i]));
  }
  return sessions;
}

kj::Promise<std::vector<Leftover>> actOnEarlier(Connection& connection, const std::string& id,
                                                EarlierAction action, SteadyTime until) {
  using Answer = std::vector<Leftover>;
  auto attempt = [&connection, id, action](EstablishedConnection& live) -> kj::Promise<Answer> {
    if (action == EarlierAction::kAdopt) {
      auto request = live.session.adoptEarlierRequest();
      request.setSessionId(dataOf(id));
      return request.send().then([](auto&& response) {
        requireNoError(response);
        return Answer();
      });
    }
    auto request = live.session.endEarlierRequest();
    request.setSessionId(dataOf(id));
    return request.send().then([&connection](auto&& response) {
      return readLeftovers(connection.description().name, response);
    });
  };
  return connection.call<Answer>(until, attempt);
}

}  // namespace harness
