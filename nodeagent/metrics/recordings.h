// Holds the recordings of all sessions, and takes the calls of schema/metrics.capnp.
#pragma once

#include <map>

#include <kj/timer.h>

#include "nodeagent/metrics/recording.h"
#include "nodeagent/session/session.h"
#include "schema/metrics.capnp.h"
#include "schema/support/base/id.h"

namespace nodeagent::metrics {

constexpr size_t kRecordingsOfSessionMax = 8;
constexpr size_t kRecordingsMax = 32;

// Belongs to the loop, and outlives the servers. What it is made with outlives it.
class Recordings final {
 public:
  Recordings(kj::Timer& timer, const Clock& clock, Worker& worker)
      : timer_(timer), clock_(clock), worker_(worker) {}
  KJ_DISALLOW_COPY(Recordings);

  // Begins a recording that ends with the session, unless the session has one of this number.
  // Fails with kinds overloaded and expired.
  void begin(Session& session, uint64_t number, Recording::Names names, kj::Duration interval);

  // Fails with kinds notFound and expired.
  Recording& find(Session& session, uint64_t number);

  void stop(Session& session, uint64_t number);

  // Returns how many there are in all sessions.
  size_t count() const;

 private:
  struct OfSession {
    kj::Own<Session> session;
    std::map<uint64_t, kj::Own<Recording>> recordings;
    kj::Own<Session::Entry> undo;

    void stopAll();
  };

  OfSession& of(Session& session);

  kj::Timer& timer_;
  const Clock& clock_;
  Worker& worker_;
  std::map<support::Id, OfSession> sessions_;
};

class MetricsServer final : public wire::Metrics::Server {
 public:
  MetricsServer(Recordings& recordings, kj::Own<Session> session)
      : recordings_(recordings), session_(kj::mv(session)) {}

  kj::Promise<void> record(RecordContext context) override;
  kj::Promise<void> read(ReadContext context) override;
  kj::Promise<void> stop(StopContext context) override;

 private:
  Recordings& recordings_;
  kj::Own<Session> session_;
};

}  // namespace nodeagent::metrics
