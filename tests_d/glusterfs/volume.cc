#include "tests_d/glusterfs/volume.h"

#include <algorithm>
#include <stdexcept>

namespace gluster {
namespace {

using std::chrono::seconds;

// Bricks are online within this time. Less than 1 s was measured.
constexpr seconds kOnlineMax{30};
// A volume is stopped and deleted within this time. 3 s were measured.
constexpr seconds kDiscardMax{60};

// Ends processes of the volume that gluster forgot, and removes its bricks. A self-heal daemon
// survives `volume stop` if its glusterd was restarted shortly before.
constexpr const char* kClearVolume = R"sh(
pkill -KILL -f "^/usr/sbin/glusterfs.* --volfile-id (shd/|rebalance/)?$VOLUME[. ]"
rm -rf "/bricks/$VOLUME"-*
)sh";

std::string lowered(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

}  // namespace

Volume::Volume(Pool& pool, VolumeType type, Where where)
    : pool_(pool),
      layout_(layOut(pool.freshName(lowered(toString(type))), type, pool.servers().names())) {
  parseDone(run(pool_.first(), layout_.createArguments(), where));
  try {
    set("network.ping-timeout", std::to_string(kPingTimeout.count()), where);
  } catch (...) {
    discard();
    throw;
  }
}

Volume::~Volume() {
  discard();
}

void Volume::start(Where where) {
  parseDone(run(pool_.first(), {"volume", "start", name()}, where));
  awaitClear(
      "volume start " + name(), [this] { return trouble(); }, kOnlineMax);
}

void Volume::stop(Where where) {
  parseDone(run(pool_.first(), {"volume", "stop", name()}, where));
}

void Volume::remove(Where where) {
  parseDone(run(pool_.first(), {"volume", "delete", name()}, where));
}

VolumeInfo Volume::info(Where where) const {
  return parseVolumeInfo(run(pool_.first(), {"volume", "info", name()}, where)).at(0);
}

VolumeStatus Volume::status(Where where) const {
  return parseVolumeStatus(run(pool_.first(), {"volume", "status", name()}, where));
}

void Volume::set(const std::string& option, const std::string& value, Where where) {
  parseDone(run(pool_.first(), {"volume", "set", name(), option, value}, where));
}

std::string Volume::trouble() const {
  return troubleOf([this] {
    const VolumeStatus now = status();
    std::string all;
    for (const Brick& brick : layout_.bricks) {
      const ProcessStatus* process = now.find(brick.name());
      if (process == nullptr)
        all += brick.name() + " is not listed; ";
      else if (!process->online)
        all += testing::PrintToString(*process) + "; ";
    }
    return all;
  });
}

void Volume::killBrick(const Brick& brick, Where where) const {
  const VolumeStatus before = status(where);
  const ProcessStatus* process = before.find(brick.name());
  if (process == nullptr || !process->pid) {
    throw std::runtime_error("kill brick " + brick.name() +
                             ": it does not run: " + testing::PrintToString(before));
  }
  const muster::Result killed = serverOf(brick).run(
      {"kill", "-KILL", std::to_string(*process->pid)}, {.deadline = kOnlineMax}, where);
  if (!killed.succeeded()) throw std::runtime_error(muster::describe(killed));
  awaitClear(
      "kill brick " + brick.name(),
      [&] {
        const VolumeStatus now = status(where);
        const ProcessStatus* left = now.find(brick.name());
        return left != nullptr && left->online ? testing::PrintToString(*left) : std::string();
      },
      kOnlineMax);
}

void Volume::restartBricks(Where where) const {
  parseDone(run(pool_.first(), {"volume", "start", name(), "force"}, where));
  awaitClear(
      "volume start force " + name(), [this] { return trouble(); }, kOnlineMax);
}

std::string Volume::healTrouble() const {
  const std::string refused = troubleOf([this] {
    parseText(run(pool_.first(), {"volume", "heal", name()}));
    return std::string();
  });
  return troubleOf([this, &refused] {
    const HealInfo heal = parseHealInfo(run(pool_.first(), {"volume", "heal", name(), "info"}));
    if (heal.clean()) return std::string();
    return testing::PrintToString(heal) + (refused.empty() ? "" : "; " + refused);
  });
}

Brick Volume::addBrick(Where where) {
  Brick brick;
  brick.server = pool_.first().name();
  brick.set = layout_.bricks.size();
  brick.path = std::string(kBrickRoot) + "/" + name() + "-" + std::to_string(brick.set);
  parseDone(run(pool_.first(), {"volume", "add-brick", name(), brick.name(), "force"}, where));
  layout_.bricks.push_back(brick);
  return brick;
}

// Each server is asked, because one that was away while the volume was deleted gives it back to the
// others. The list of all volumes is requested, because gluster refuses the name of a volume that
// is gone.
std::string Volume::stopAndDelete() const {
  return troubleOf([this] {
    for (const muster::Node& server : pool_.servers()) {
      for (const VolumeInfo& found : parseVolumeInfo(run(server, {"volume", "info"}))) {
        if (found.name != name()) continue;
        if (found.status == "Started") {
          parseDone(run(server, {"volume", "stop", name(), "force"}));
        }
        parseDone(run(server, {"volume", "delete", name()}));
      }
    }
    std::string left;
    for (const muster::Node& server : pool_.servers()) {
      const auto names = parseVolumeNames(run(server, {"volume", "list"}));
      bool isThere = std::find(names.begin(), names.end(), name()) != names.end();
      if (isThere) left += server.name() + " has it; ";
    }
    return left;
  });
}

void Volume::clearServers() const {
  muster::RunOptions options;
  options.environment = {{"VOLUME", name()}};
  options.deadline = kDiscardMax;
  for (const muster::NodeResult& one : pool_.servers().shell(kClearVolume, options)) {
    if (one.error) throw *one.error;
    if (!one.succeeded()) throw std::runtime_error(muster::describe(*one.result));
  }
}

void Volume::discard() noexcept {
  try {
    pool_.makeWhole();
    awaitClear(
        "discard volume " + name(), [this] { return stopAndDelete(); }, kDiscardMax);
    clearServers();
  } catch (const std::exception& error) {
    ADD_FAILURE() << "volume " << name() << " could not be discarded: " << error.what();
  }
}

}  // namespace gluster
