#include "tests_d/muster/simulation/controller.h"

#include "harness/rpc/failure.h"

namespace simulation {
namespace {

harness::NodeDescription description() {
  harness::NodeDescription node;
  node.name = "node1";
  return node;
}

void apply(Silence silence, Link& link) {
  using Passage = Link::Passage;
  link.setPassage(Link::Side::kServer, silence.toNode ? Passage::kSilent : Passage::kOpen);
  link.setPassage(Link::Side::kClient, silence.toController ? Passage::kSilent : Passage::kOpen);
}

}  // namespace

kj::Promise<kj::Own<kj::AsyncIoStream>> Route::connect() {
  if (isSilent()) {
    world_.noteAndCount(Event::kDialSilent, controller_);
    return kj::NEVER_DONE;
  }
  return world_.after(options_.delayMostNs * 2)
      .then([this]() -> kj::Promise<kj::Own<kj::AsyncIoStream>> {
        if (!node_.frontRuns()) {
          world_.noteAndCount(Event::kDialRefused, controller_);
          return harness::unreachableNode("refused by the simulation");
        }
        if (++connects_ > 1) world_.count(Event::kReconnected);
        keeperStarts_ = node_.keeperStarts();
        keeperKills_ = node_.keeperKills();
        boots_ = node_.boots();
        world_.note("connected", controller_, connects_);
        LinkEnds ends = makeLink(world_, options_);
        apply(silence_, *ends.link);
        kj::Vector<kj::Own<Link>> open;
        for (auto& link : links_) {
          if (!link->isOver() && !link->isReset()) open.add(kj::mv(link));
        }
        open.add(kj::mv(ends.link));
        links_ = kj::mv(open);
        node_.accept(controller_, kj::mv(ends.server));
        return kj::mv(ends.client);
      });
}

void Route::setOptions(LinkOptions options) {
  options_ = options;
  for (auto& link : links_) link->setOptions(options);
}

int64_t Route::silentForNs() const {
  return silence_.toController ? world_.nowNs() - silentSinceNs_ : 0;
}

void Route::setSilence(Silence silence) {
  if (silence.toController && !silence_.toController) silentSinceNs_ = world_.nowNs();
  silence_ = silence;
  for (auto& link : links_) apply(silence, *link);
}

void Route::reset() {
  for (auto& link : links_) link->reset();
}

void Route::close() {
  for (auto& link : links_) link->close();
}

void Route::resetInFrame() {
  if (links_.empty()) return;
  auto side = world_.random().chance(50) ? Link::Side::kServer : Link::Side::kClient;
  links_.back()->resetAfter(side, static_cast<uint64_t>(world_.random().between(1, 700)));
}

support::Id SimulatedLoop::randomId() {
  support::Id id;
  for (auto& byte : id.bytes) byte = static_cast<kj::byte>(world_.random().next());
  return id;
}

void SimulatedLoop::taskFailed(kj::Exception&& exception) {
  world_.violated("I9",
                  std::string("background work failed: ") + exception.getDescription().cStr());
}

Controller::Controller(World& world, Route& route, const harness::ControllerOptions& options)
    : loop(world, route), connection(loop, description(), options), jobs(connection, scopes) {
  connection.begin();
}

}  // namespace simulation
