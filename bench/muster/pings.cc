#include "bench/muster/pings.h"

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
  return session.pingRequest(capnp::MessageSize{4, 0}).send().ignoreResult();
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

struct Node {
  std::unique_ptr<harness::Connection> connection;
  wire::Session::Client session = nullptr;

  kj::Promise<void> take() {
    return connection->live(soon()).then(
        [this](kj::Own<harness::EstablishedConnection>&& live) { session = live->session; });
  }
};

}  // namespace

struct Pings::Impl {
  explicit Impl(const std::vector<harness::NodeDescription>& descriptions) {
    for (const auto& description : descriptions) {
      auto& node = nodes.emplace_back();
      node.connection =
          std::make_unique<harness::Connection>(io, description, harness::ControllerOptions());
    }
    io.run(
        [this]() {
          kj::Vector<kj::Promise<void>> connected;
          for (Node& node : nodes) {
            node.connection->begin();
            connected.add(node.take());
          }
          return kj::joinPromises(connected.releaseAsArray());
        },
        soon());
  }

  ~Impl() {
    io.run(
        [this]() {
          kj::Vector<kj::Promise<void>> closed;
          for (Node& node : nodes) {
            node.session = nullptr;
            closed.add(node.connection->close(soon()).ignoreResult());
          }
          return kj::joinPromises(closed.releaseAsArray()).then([this]() { nodes.clear(); });
        },
        soon());
  }

  harness::IoThread io;
  std::vector<Node> nodes;
};

Pings::Pings(const std::vector<harness::NodeDescription>& nodes)
    : impl_(std::make_unique<Impl>(nodes)) {}

Pings::~Pings() = default;

std::vector<double> Pings::sequence(size_t count) {
  std::vector<double> times;
  impl_->io.run([&]() { return sequenceOf(impl_->nodes[0].session, count, times); }, soon());
  return times;
}

double Pings::many(size_t count, size_t inFlight) {
  Stopwatch watch;
  impl_->io.run(
      [&]() {
        kj::Vector<kj::Promise<void>> chains;
        for (size_t i = 0; i < inFlight; ++i) {
          chains.add(repeat(impl_->nodes[0].session, count / inFlight));
        }
        return kj::joinPromises(chains.releaseAsArray());
      },
      soon());
  return watch.seconds();
}

double Pings::all() {
  return all(impl_->nodes.size());
}

double Pings::all(size_t awaited) {
  double seconds = 0;
  impl_->io.run(
      [&]() {
        Stopwatch watch;
        kj::Vector<kj::Promise<void>> answers, unawaited;
        for (size_t i = 0; i < impl_->nodes.size(); ++i) {
          auto answer = one(impl_->nodes[i].session).catch_([](kj::Exception&&) {});
          (i < awaited ? answers : unawaited).add(kj::mv(answer));
        }
        return kj::joinPromises(answers.releaseAsArray())
            .then([&seconds, watch]() { seconds = watch.seconds(); })
            .attach(unawaited.releaseAsArray());
      },
      soon());
  return seconds;
}

double Pings::reconnect() {
  Stopwatch watch;
  impl_->io.run(
      [&]() {
        Node& node = impl_->nodes[0];
        node.session = nullptr;
        return node.connection->live(soon())
            .then([&node](kj::Own<harness::EstablishedConnection>&& live) {
              live->connection->shutdown();
              return node.connection->down(soon()).ignoreResult();
            })
            .then([&node]() { return node.take(); })
            .then([&node]() { return one(node.session); });
      },
      soon());
  return watch.seconds();
}

}  // namespace bench
