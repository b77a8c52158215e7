#include "tests_d/glusterfs/pool.h"

#include <algorithm>
#include <stdexcept>

namespace gluster {
namespace {

using std::chrono::seconds;

// The name of every volume, brick and mount of these tests begins with this.
const std::string kNamePrefix = "muster-";

// A glusterd answers within this time. 2 s were measured.
constexpr seconds kDaemonMax{30};
// A pool is whole again within this time. 1 to 5 s were measured.
constexpr seconds kConnectMax{60};

// Prepares a server, and prints whether its pool will be ours or another's.
//
// State with the marker belongs to an earlier run, and is ended and removed. Nothing else is: any
// other pool is used as it is. The marker is made only where no glusterd has ever run.
constexpr const char* kPrepareServer = R"sh(
set -e
command -v glusterd > /dev/null || { echo 'GlusterFS is not installed' >&2; exit 3; }
state=/var/lib/glusterd
if [ -e $state/muster-test ]; then
  pkill -KILL -x 'glusterd|glusterfsd|glusterfs' || true
  find $state -mindepth 1 -maxdepth 1 ! -name groups ! -name hooks ! -name muster-test \
      -exec rm -rf {} +
  rm -rf /bricks/muster-* /var/run/gluster/vols /var/run/gluster/shd
elif [ -e $state/glusterd.info ] || pgrep -x glusterd > /dev/null; then
  echo adopted
else
  mkdir -p $state; : > $state/muster-test
fi
mkdir -p /bricks
)sh";

constexpr const char* kClearClient = R"sh(
command -v mount.glusterfs > /dev/null || { echo 'mount.glusterfs is not installed'; exit 3; }
awk '$3 == "fuse.glusterfs" && $2 ~ "^/mnt/muster-" { print $2 }' /proc/mounts |
  while read -r path; do umount -l "$path"; done
rm -rf /tmp/muster-data
find /mnt -maxdepth 1 -name 'muster-*' -exec rmdir {} + || true
)sh";

// Prints everything that does not belong to an idle pool.
constexpr const char* kServerLeftovers = R"sh(
ls -A /bricks | sed 's/^/brick directory /'
pgrep -a -x 'glusterfsd|glusterfs' | cut -c1-120 | sed 's/^/process /'
true
)sh";

constexpr const char* kClientLeftovers = R"sh(
awk '$3 == "fuse.glusterfs" { print "mount " $2 }' /proc/mounts
ls -d /mnt/muster-* 2> /dev/null | sed 's/^/mount point /'
pgrep -a -x 'glusterfs' | cut -c1-120 | sed 's/^/process /'
true
)sh";

[[noreturn]] void unusable(const std::string& node, const std::string& why) {
  throw muster::NodeError(muster::NodeError::Kind::kInfrastructure, node, "prepare for GlusterFS",
                          why);
}

muster::Results prepare(const muster::NodeSet& nodes, const char* script) {
  muster::Results results = nodes.shell(script, {.deadline = kDaemonMax});
  for (const muster::NodeResult& one : results) {
    if (one.error) throw *one.error;
    if (!one.succeeded()) unusable(one.node, muster::describe(*one.result));
  }
  return results;
}

// Returns the output on all nodes in one line, such as "server1: brick directory x; process 12
// glusterfsd; client1: ...".
std::string printedBy(const muster::NodeSet& nodes, const char* script) {
  std::string all;
  for (const muster::NodeResult& one : nodes.shell(script, {.deadline = kDaemonMax})) {
    if (one.error) throw *one.error;
    if (!one.succeeded()) throw std::runtime_error(muster::describe(*one.result));
    for (const std::string& line : one.result->lines()) all += one.node + ": " + line + "; ";
  }
  return all;
}

bool daemonRuns(const muster::Node& server) {
  return server.run({"pgrep", "-x", "glusterd"}, {.deadline = kDaemonMax}).succeeded();
}

// Says why `server` is not joined to `count` others. Empty if it is.
std::string isolation(const std::string& server, const CliResult& answer, std::size_t count) {
  std::string all;
  const std::vector<Peer> peers = parsePeers(answer);
  if (peers.size() != count) all += server + " has " + std::to_string(peers.size()) + " peers; ";
  for (const Peer& peer : peers) {
    if (peer.connected && peer.state == "Peer in Cluster") continue;
    all += server + " sees " + testing::PrintToString(peer) + "; ";
  }
  return all;
}

}  // namespace

Pool::Pool(const muster::NodeSet& servers, const muster::NodeSet& clients)
    : servers_(servers), clients_(clients) {
  reset();
}

void Pool::reset() {
  prepare(clients_, kClearClient);
  const muster::Results prepared = prepare(servers_, kPrepareServer);
  adopted_ = std::any_of(prepared.begin(), prepared.end(), [](const muster::NodeResult& one) {
    return one.result->line() == "adopted";
  });
  startDaemons();
  for (const muster::Node& server : servers_.without(first())) {
    parseDone(run(first(), {"peer", "probe", server.name()}));
  }
  awaitClear(
      "joining the servers", [this] { return trouble(); }, kConnectMax);
  discardVolumes();
  try {
    awaitClear(
        "in use by somebody else", [this] { return leftovers(); }, seconds(10));
  } catch (const std::runtime_error& error) {
    unusable(first().name(), error.what());
  }
}

void Pool::startDaemons() const {
  const muster::Results running = servers_.run({"pgrep", "-x", "glusterd"});
  std::vector<muster::Node*> down;
  for (const std::string& name : running.failed()) down.push_back(&server(name));
  // All servers start at once, because each takes two seconds.
  for (const muster::NodeResult& one : muster::NodeSet(down).run({"glusterd"}, daemonOptions())) {
    if (one.error) throw *one.error;
    if (!one.succeeded()) unusable(one.node, muster::describe(*one.result));
  }
  for (const muster::Node* node : down) startDaemon(*node);
}

// Removes the volumes that tests left in an adopted pool. Other pools are removed as a whole.
void Pool::discardVolumes() const {
  for (const VolumeInfo& volume : parseVolumeInfo(run(first(), {"volume", "info"}))) {
    if (!volume.name.starts_with(kNamePrefix)) continue;
    if (volume.status == "Started") {
      parseDone(run(first(), {"volume", "stop", volume.name, "force"}));
    }
    parseDone(run(first(), {"volume", "delete", volume.name}));
    prepare(servers_, "rm -rf /bricks/muster-*");
  }
}

muster::RunOptions Pool::daemonOptions() const {
  muster::RunOptions options;
  options.deadline = kDaemonMax;
  // The daemons serve all tests of the program, whichever of them needs a pool first.
  options.lifetime =
      adopted_ ? muster::CommandLifetime::kDetached : muster::CommandLifetime::kSession;
  return options;
}

void Pool::killDaemon(const muster::Node& server, Where where) const {
  server.run({"pkill", "-KILL", "-x", "glusterd"}, {.deadline = kDaemonMax}, where);
  awaitClear(
      "killing glusterd on " + server.name(),
      [&server] { return daemonRuns(server) ? std::string("it runs") : std::string(); },
      kDaemonMax);
}

void Pool::startDaemon(const muster::Node& server, Where where) const {
  if (!daemonRuns(server)) {
    const muster::Result result = server.run({"glusterd"}, daemonOptions(), where);
    if (!result.succeeded()) throw std::runtime_error(muster::describe(result));
  }
  awaitClear(
      "glusterd on " + server.name(),
      [&server] {
        return troubleOf([&server] {
          parsePeers(run(server, {"pool", "list"}));
          return std::string();
        });
      },
      kDaemonMax);
}

std::string Pool::trouble() const {
  const std::vector<CliResult> answers = runOnEach(servers_, {"peer", "status"});
  std::string all;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    all +=
        troubleOf([&] { return isolation(servers_[i].name(), answers[i], servers_.size() - 1); });
  }
  return all;
}

void Pool::makeWhole() const {
  startDaemons();
  awaitClear(
      "the pool", [this] { return trouble(); }, kConnectMax);
}

std::string Pool::leftovers() const {
  return troubleOf([this] {
    std::string all;
    for (const std::string& volume : parseVolumeNames(run(first(), {"volume", "list"}))) {
      all += "volume " + volume + "; ";
    }
    return all + printedBy(servers_, kServerLeftovers) + printedBy(clients_, kClientLeftovers);
  });
}

std::string Pool::freshName(const std::string& hint) {
  return kNamePrefix + hint + "-" + std::to_string(++namesGiven_);
}

}  // namespace gluster
