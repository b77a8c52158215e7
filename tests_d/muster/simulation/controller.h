// One simulated controller, which is the real connection and the real commands of harness/rpc on
// the simulation's own loop and clock.
#pragma once

#include <stdint.h>

#include <kj/async-io.h>

#include "harness/rpc/connection.h"
#include "harness/rpc/job/job_runner.h"
#include "harness/rpc/loop.h"
#include "tests_d/muster/simulation/network.h"
#include "tests_d/muster/simulation/node.h"
#include "tests_d/muster/simulation/world.h"

namespace simulation {

// The directions in which no byte arrives.
struct Silence {
  bool toNode = false;
  bool toController = false;
};

// The network path from one controller to the node. It outlives the controller.
class Route {
 public:
  Route(World& world, Node& node, unsigned controller)
      : world_(world), node_(node), controller_(controller) {}
  KJ_DISALLOW_COPY(Route);

  kj::Promise<kj::Own<kj::AsyncIoStream>> connect();

  void setOptions(LinkOptions options);
  void setSilence(Silence silence);
  bool isSilent() const { return silence_.toNode || silence_.toController; }
  void reset();
  void resetInFrame();
  void close();

  // The node's counts when the last connection was made.
  unsigned keeperStarts() const { return keeperStarts_; }
  unsigned keeperKills() const { return keeperKills_; }
  unsigned boots() const { return boots_; }

  // The longest time from the arrival of a frame's first byte to that of its last one.
  int64_t frameMostNs() const { return options_.delayMostNs + kMillisecond; }

  // The time for which nothing from the node could arrive. 0 if the path is open.
  int64_t silentForNs() const;

 private:
  World& world_;
  Node& node_;
  unsigned controller_;
  LinkOptions options_;
  Silence silence_;
  unsigned connects_ = 0;
  unsigned keeperStarts_ = 0;
  unsigned keeperKills_ = 0;
  unsigned boots_ = 0;
  int64_t silentSinceNs_ = 0;
  // The last link is in use, and earlier ones may not have ended yet.
  kj::Vector<kj::Own<Link>> links_;
};

class SimulatedLoop final : public harness::Loop, public kj::TaskSet::ErrorHandler {
 public:
  SimulatedLoop(World& world, Route& route)
      : world_(world), route_(route), tasks_(kj::heap<kj::TaskSet>(*this)) {}

  ~SimulatedLoop() noexcept override = default;

  kj::Timer& timer() override { return world_.timer(); }
  muster::SteadyTime now() const override {
    return muster::SteadyTime(std::chrono::nanoseconds(world_.nowNs()));
  }
  void spawn(kj::Promise<void> promise) override { tasks_->add(kj::mv(promise)); }
  kj::Promise<kj::Own<kj::AsyncIoStream>> dial(const harness::AgentRoute&, const std::string&,
                                               std::chrono::nanoseconds) override {
    return route_.connect();
  }
  Route& route() { return route_; }
  uint64_t randomNumber() override { return world_.random().next(); }
  support::Id randomId() override;

 private:
  void taskFailed(kj::Exception&& exception) override;

  World& world_;
  Route& route_;
  kj::Own<kj::TaskSet> tasks_;
};

struct Controller {
  Controller(World& world, Route& route, const harness::ControllerOptions& options);

  SimulatedLoop loop;
  harness::Connection connection;
  harness::ScopeStack scopes;
  harness::JobRunner jobs;
};

}  // namespace simulation
