#include "bench/compare/muster_ping.h"

#include "bench/floor/clock.h"
#include "harness/rpc/connection.h"
#include "harness/rpc/io_thread.h"

namespace bench {
namespace {

constexpr std::chrono::seconds kCallMax{120};

harness::SteadyTime soon() {
  return std::chrono::steady_clock::now() + kCallMax;
}

kj::Promise<void> one(wire::Session::Client session) {
  return session.pingRequest().send().ignoreResult();
}

kj::Promise<void> sequenceOf(wire::Session::Client session, size_t count,
                             std::vector<double>& times) {
  if (count == 0) return kj::READY_NOW;
  Stopwatch watch;
  return one(session).then([session, count, watch, &times]() mutable {
    times.push_back(watch.microseconds());
    return sequenceOf(session, count - 1, times);
  });
}

kj::Promise<void> repeat(wire::Session::Client session, size_t count) {
  if (count == 0) return kj::READY_NOW;
  return one(session).then([session, count]() mutable { return repeat(session, count - 1); });
}

}  // namespace

struct Pings::Impl {
  explicit Impl(const harness::NodeDescription& node)
      : connection(std::make_unique<harness::Connection>(io, node, harness::ControllerOptions())) {
    io.run(
        [this]() -> kj::Promise<void> {
          connection->begin();
          return connection->live(soon()).then(
              [this](kj::Own<harness::Live>&& live) { session = live->session; });
        },
        soon());
  }

  ~Impl() {
    io.run(
        [this]() {
          session = nullptr;
          return connection->close(soon()).then(
              [this](std::vector<harness::Remain>&&) { connection.reset(); });
        },
        soon());
  }

  harness::IoThread io;
  std::unique_ptr<harness::Connection> connection;
  wire::Session::Client session = nullptr;
};

Pings::Pings(const harness::NodeDescription& node) : impl_(std::make_unique<Impl>(node)) {}

Pings::~Pings() = default;

std::vector<double> Pings::sequence(size_t count) {
  std::vector<double> times;
  impl_->io.run([&]() { return sequenceOf(impl_->session, count, times); }, soon());
  return times;
}

double Pings::many(size_t count, size_t inFlight) {
  Stopwatch watch;
  impl_->io.run(
      [&]() {
        kj::Vector<kj::Promise<void>> chains;
        for (size_t i = 0; i < inFlight; ++i) {
          chains.add(repeat(impl_->session, count / inFlight));
        }
        return kj::joinPromises(chains.releaseAsArray());
      },
      soon());
  return watch.seconds();
}

}  // namespace bench
