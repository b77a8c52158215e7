#include "tests_d/muster/simulation/scenario.h"

#include <algorithm>
#include <memory>

#include <kj/debug.h>

#include "tests_d/muster/simulation/client.h"
#include "tests_d/muster/simulation/controller.h"
#include "tests_d/muster/simulation/machine.h"
#include "tests_d/muster/simulation/node.h"

namespace simulation {
namespace {

// The time that a command may take to end beyond its deadline, its grace and its death.
constexpr int64_t kOverrunMaxNs = 250 * kMillisecond;
constexpr int64_t kReconnectMaxNs = 6 * kSecond;
constexpr int64_t kNoticeMaxNs = 2 * kSecond;
constexpr int64_t kGoneMaxNs = 4 * kSecond;

// One user with its controller, which may be replaced after a crash.
struct User {
  User(World& world, Node& node, unsigned number) : route(world, node, number) {}

  Route route;
  kj::Own<Controller> controller;
  kj::Own<SimulatedClient> client;
  kj::Own<kj::TaskSet> work;
  bool isClosed = false;
};

class Scenario final : public kj::TaskSet::ErrorHandler {
 public:
  Scenario(World& world, Machine& machine)
      : world_(world), machine_(machine), faults_(kj::heap<kj::TaskSet>(*this)) {
    Random& random = world.random();
    profile_.isCalm = random.chance(30);
    profile_.leaseNs = random.between(1500, 4000) * kMillisecond;
    if (!profile_.isCalm && random.chance(12)) {
      DiskFaults disk;
      if (random.chance(50)) disk.fullPercent = 30;
      if (random.chance(50)) disk.tornPercent = 20;
      if (random.chance(25)) disk.rottenPercent = 30;
      profile_.diskFails = disk.fullPercent + disk.tornPercent > 0;
      profile_.diskRots = disk.rottenPercent > 0;
      machine.setDiskFaults(disk);
    }
    nodeagent::exec::JobLimits limits;
    limits.runningInSessionMax = 24;
    limits.memoryOfStreamBytesMax = static_cast<uint64_t>(random.chance(50) ? 4096 : 16384);
    limits.memoryOfFollowedBytesMax = 4 * limits.memoryOfStreamBytesMax;
    limits.memoryBytesMax = random.chance(10) ? 16384 : 1 << 20;
    limits.endWaitNs = 2 * kSecond;
    profile_.movesFiles = random.chance(20);
    kj::Maybe<FileTree&> tree;
    if (profile_.movesFiles) tree = files_.emplace();
    node_ = kj::heap<Node>(world, machine, limits, tree);
    options_.heartbeatEvery = std::chrono::milliseconds(random.between(200, 500));
    options_.heartbeatMax = std::chrono::milliseconds(700);
    options_.connectMax = std::chrono::milliseconds(800);
    options_.backoffMax = std::chrono::milliseconds(500);
    options_.lease = std::chrono::nanoseconds(profile_.leaseNs);
  }

  ~Scenario() noexcept(false) { end(); }

  kj::Promise<void> run() {
    Random& random = world_.random();
    auto count = random.chance(70) ? 1 : 2;
    for (int64_t i = 0; i < count; ++i) addUser(static_cast<unsigned>(i + 1));
    int64_t lengthNs = random.between(800, 3000) * kMillisecond;
    if (!profile_.isCalm) planFaults(lengthNs);
    return world_.after(lengthNs)
        .then([this]() {
          heal();
          return awaitWork();
        })
        .then([this]() { return closeAll(); })
        .then([this]() { return awaitNothingLeft(); });
  }

  // Destroys the parts before those that they use.
  void end() {
    faults_ = nullptr;
    users_.clear();
    node_ = nullptr;
  }

 private:
  void taskFailed(kj::Exception&& exception) override {
    world_.violated(
        "I9", std::string("a task of the scenario failed: ") + exception.getDescription().cStr());
  }

  void addUser(unsigned number) {
    auto& made = *users_.emplace_back(std::make_unique<User>(world_, *node_, number));
    setLink(made);
    startWork(made, number);
  }

  void setLink(User& user) {
    Random& random = world_.random();
    LinkOptions link;
    link.delayLeastNs = 50'000;
    link.delayMostNs = random.between(60'000, 3 * kMillisecond);
    if (!profile_.isCalm && random.chance(20)) {
      link.delayMostNs = 120 * kMillisecond;
      world_.count(Event::kSlowLink);
    }
    if (random.chance(25)) link.fragmentBytesMax = static_cast<size_t>(random.between(1, 600));
    user.route.setOptions(link);
  }

  void startWork(User& user, unsigned number) {
    Random& random = world_.random();
    user.controller = kj::heap<Controller>(world_, user.route, options_);
    user.client =
        kj::heap<SimulatedClient>(world_, machine_, *node_, *user.controller, number, profile_);
    user.work = kj::heap<kj::TaskSet>(*this);
    auto operations = random.between(2, 6);
    for (int64_t i = 0; i < operations; ++i) {
      SimulatedClient& client = *user.client;
      user.work->add(world_.after(random.between(0, 1500) * kMillisecond).then([&client]() {
        return client.operateOne();
      }));
    }
  }

  // Faults.

  void planFaults(int64_t lengthNs) {
    auto count = world_.random().between(1, 5);
    for (int64_t i = 0; i < count; ++i) {
      faults_->add(world_.after(world_.random().between(0, lengthNs)).then([this]() {
        return healed_ ? kj::Promise<void>(kj::READY_NOW) : fault();
      }));
    }
  }

  User& anyUser() {
    return *users_[static_cast<size_t>(
        world_.random().between(0, static_cast<int64_t>(users_.size()) - 1))];
  }

  kj::Promise<void> fault() {
    User& user = anyUser();
    switch (world_.random().between(0, 12)) {
      case 0:
        world_.noteAndCount(Event::kLinkReset);
        user.route.reset();
        return kj::READY_NOW;
      case 1:
      case 2:
        user.route.resetInFrame();
        return kj::READY_NOW;
      case 3:
        world_.noteAndCount(Event::kLinkClosed);
        user.route.close();
        return kj::READY_NOW;
      case 4:
      case 5:
        return beSilent(user, Event::kBlackhole, {.toNode = true, .toController = true});
      case 6:
        return beSilent(
            user, Event::kHalfBlackhole,
            world_.random().chance(50) ? Silence{.toNode = true} : Silence{.toController = true});
      case 7:
        return restartFront();
      case 8:
        return restartKeeper();
      case 9:
        return reboot();
      case 10:
        crash(user);
        return kj::READY_NOW;
      case 11:
        world_.noteAndCount(Event::kWallClockSet);
        machine_.setWallClock(world_.random().between(-10, 10) * 365 * 24 * 3600 * kSecond);
        return kj::READY_NOW;
      default:
        world_.noteAndCount(Event::kSuspended);
        machine_.suspend(world_.random().between(100, 5000) * kMillisecond);
        return kj::READY_NOW;
    }
  }

  // Makes the path to a user silent. The time is often close to the lease, because a little less or
  // more decides whether the session lives.
  kj::Promise<void> beSilent(User& user, Event event, Silence silence) {
    world_.noteAndCount(event);
    Random& random = world_.random();
    int64_t ns = random.chance(50) ? random.between(50, 2500) * kMillisecond
                                   : profile_.leaseNs + random.between(-900, 900) * kMillisecond;
    user.route.setSilence(silence);
    return world_.after(ns).then([this, &user]() {
      world_.note("heard again");
      checkNoticed(user);
      user.route.setSilence({});
    });
  }

  // Checks that a controller does not believe for long to be connected to a silent node.
  void checkNoticed(User& user) {
    auto noticedNs = std::chrono::nanoseconds(options_.heartbeatEvery + options_.heartbeatMax) +
                     std::chrono::milliseconds(100);
    if (user.controller.get() == nullptr || user.route.silentForNs() < noticedNs.count()) return;
    if (user.controller->connection.snapshot().kind == muster::NodeState::Kind::kConnected) {
      world_.violated("I9", "a node that is silent is still taken for connected");
    }
  }

  kj::Promise<void> restartFront() {
    world_.noteAndCount(Event::kFrontKilled);
    node_->killFront();
    return world_.after(world_.random().between(1, 600) * kMillisecond).then([this]() {
      node_->startFront();
    });
  }

  kj::Promise<void> restartKeeper() {
    world_.noteAndCount(Event::kKeeperKilled);
    node_->killKeeper();
    return world_.after(world_.random().between(1, 600) * kMillisecond).then([this]() {
      node_->startKeeper();
    });
  }

  kj::Promise<void> reboot() {
    world_.noteAndCount(Event::kRebooted);
    node_->reboot();
    return world_.after(world_.random().between(100, 1200) * kMillisecond).then([this]() {
      node_->startKeeper();
      node_->startFront();
    });
  }

  // Ends a controller as SIGKILL does, or, if its path is silent, as a power cut does.
  void crash(User& user) {
    if (user.controller.get() == nullptr || user.isClosed) return;
    world_.noteAndCount(Event::kControllerCrashed);
    user.isClosed = true;
    if (world_.random().chance(50)) user.route.setSilence({.toNode = true, .toController = true});
    user.work = nullptr;
    user.client = nullptr;
    user.controller = nullptr;
  }

  void heal() {
    world_.note("faults stop");
    healed_ = true;
    for (auto& user : users_) user->route.setSilence({});
    node_->startKeeper();
    node_->startFront();
    machine_.setDiskFaults({});
  }

  // The end of a run, at which everything must come to rest.

  kj::Promise<void> awaitWork() {
    auto all = kj::heapArrayBuilder<kj::Promise<void>>(users_.size() + 1);
    for (auto& user : users_) {
      all.add(user->isClosed ? kj::Promise<void>(kj::READY_NOW) : user->work->onEmpty());
    }
    all.add(faults_->onEmpty());
    return kj::joinPromises(all.finish()).then([this]() { return awaitConnected(); });
  }

  kj::Promise<void> awaitConnected() {
    auto all = kj::heapArrayBuilder<kj::Promise<void>>(users_.size());
    for (auto& user : users_) {
      if (user->isClosed) continue;
      auto until = user->controller->loop.now() + std::chrono::nanoseconds(kReconnectMaxNs);
      SimulatedClient& client = *user->client;
      all.add(user->controller->connection.live(until).then(
          [this, &client](kj::Own<harness::EstablishedConnection>&&) {
            // The connection may be dead already, and that takes a while to be noticed.
            return world_.after(kNoticeMaxNs).then([&client]() { return client.probe(); });
          },
          [this](kj::Exception&& exception) {
            world_.violated("liveness",
                            std::string("no connection after all faults have stopped: ") +
                                exception.getDescription().cStr());
          }));
    }
    return kj::joinPromises(all.finish());
  }

  kj::Promise<void> closeAll() {
    auto all = kj::heapArrayBuilder<kj::Promise<void>>(users_.size());
    for (auto& user : users_) {
      if (!user->isClosed && !world_.random().chance(25)) all.add(close(*user));
    }
    return kj::joinPromises(all.finish());
  }

  // Closes a session, which must leave nothing from then on.
  kj::Promise<void> close(User& user) {
    world_.noteAndCount(Event::kSessionClosed);
    user.client->setClosing();
    auto until = user.controller->loop.now() + std::chrono::seconds(20);
    return user.controller->connection.close(until).then(
        [this, &user](std::vector<harness::Leftover>&& leftovers) {
          for (auto& leftover : leftovers) {
            world_.violated("I4",
                            "the closed session left: " + leftover.what + ": " + leftover.reason);
          }
          for (auto& operation : user.client->operations()) {
            if (machine_.life(operation->token).alive > 0) {
              world_.violated("I4", "command " + std::to_string(operation->token) +
                                        " runs after its session was closed");
            }
          }
          user.isClosed = true;
        });
  }

  // Crashes the controllers that were not closed, and waits until their leases have run out.
  kj::Promise<void> awaitNothingLeft() {
    for (auto& user : users_) {
      if (!user->isClosed) crash(*user);
      user->route.setSilence({});
    }
    return world_.after(profile_.leaseNs + kGoneMaxNs).then([this]() { checkEnd(); });
  }

  void checkEnd() {
    for (uint64_t token : machine_.aliveTokens()) {
      world_.violated("I4",
                      "command " + std::to_string(token) + " runs after the lease of its session");
    }
    if (node_->sessionCount() > 0) world_.violated("I4", "sessions are left");
    if (node_->runningCount() > 0) world_.violated("I4", "commands count as running");
    if (machine_.setCount() > 0) world_.violated("I4", "groups of processes are left");
    if (node_->connectionCount() > 0) world_.violated("I4", "connections are left");
    if (const nodeagent::exec::Spool* spool = node_->spool()) {
      if (spool->fileCount() != machine_.fileCount()) world_.violated("I4", "files are left");
    }
    KJ_IF_MAYBE (files, files_) {
      for (const std::string& wrong : files->problems()) world_.violated("I7", wrong);
    }
    for (auto& [token, life] : machine_.lives()) checkLife(token, life);
  }

  void checkLife(uint64_t token, const Life& life) {
    const Program& program = machine_.program(token);
    auto name = "command " + std::to_string(token);
    if (life.startedNs < 0 || life.killedByMachine) return;
    if (life.endedNs - life.startedNs >
        program.deadlineNs + program.graceNs + program.deathNs + kOverrunMaxNs) {
      world_.violated("I3", name + " ran on after its deadline");
    }
    bool wasGiven =
        life.termedNs >= 0 && life.killedNs - life.termedNs >= program.graceNs - kMillisecond;
    if (life.killedNs >= 0 && program.graceNs > 0 && !life.mayDieHard && !wasGiven) {
      world_.violated("I3", name + " was killed without its grace");
    }
  }

  World& world_;
  Machine& machine_;
  RunProfile profile_;
  harness::ControllerOptions options_;
  bool healed_ = false;
  kj::Maybe<FileTree> files_;
  kj::Own<Node> node_;
  std::vector<std::unique_ptr<User>> users_;
  kj::Own<kj::TaskSet> faults_;
};

}  // namespace

Report runSeed(kj::UnixEventPort& pipes, uint64_t seed, World::Trace trace) {
  World world(pipes, seed, trace);
  world.port().setEnd(kj::origin<kj::TimePoint>() + 10 * kj::MINUTES);
  {
    Machine machine(world);
    Scenario scenario(world, machine);
    KJ_IF_MAYBE (exception,
                 kj::runCatchingExceptions([&]() { scenario.run().wait(world.waitScope()); })) {
      world.violated("liveness", exception->getDescription().cStr());
    }
    scenario.end();
    if (machine.fileCount() > 0) world.violated("I4", "files outlive the keeper");
  }
  Report report;
  report.seed = seed;
  report.hash = world.hash();
  report.steps = world.steps();
  report.simulatedNs = world.nowNs();
  report.violation = world.violation();
  report.coverage = world.coverage();
  report.trace = world.trace();
  return report;
}

}  // namespace simulation
