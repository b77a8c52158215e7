// The trusted pool has the right members, and refuses others.
#include <algorithm>
#include <chrono>

#include "tests_d/glusterfs/component.h"

namespace gluster {
namespace {

MUSTER_PACKAGES("glusterfs-server", "glusterfs-client");

using testing::Each;
using testing::Field;
using testing::SizeIs;
using testing::UnorderedElementsAreArray;

class PoolTest : public GlusterTest {};

// Returns the names of all members as `server` sees them. It calls itself `localhost`.
std::vector<std::string> members(const muster::Node& server) {
  std::vector<std::string> names;
  for (const Peer& peer : parsePeers(run(server, {"pool", "list"}))) names.push_back(peer.hostname);
  return names;
}

TEST_F(PoolTest, EveryServerSeesTheOthersConnected) {
  for (const muster::Node& server : pool().servers()) {
    std::vector<std::string> expected = pool().servers().without(server).names();
    expected.push_back("localhost");
    EXPECT_THAT(members(server), UnorderedElementsAreArray(expected)) << server.name();
    EXPECT_THAT(parsePeers(run(server, {"peer", "status"})), Each(Field(&Peer::connected, true)))
        << server.name();
  }
}

// Servers that were cloned from one image can have equal identities, and then lose each other.
TEST_F(PoolTest, MembersHaveDistinctIdentities) {
  std::vector<std::string> uuids;
  for (const Peer& peer : parsePeers(run(pool().first(), {"pool", "list"}))) {
    uuids.push_back(peer.uuid);
  }
  std::sort(uuids.begin(), uuids.end());
  EXPECT_EQ(std::unique(uuids.begin(), uuids.end()), uuids.end());
  EXPECT_THAT(uuids, SizeIs(3));
}

TEST_F(PoolTest, ProbeOfAMemberIsNoError) {
  const std::string member = pool().servers()[1].name();
  EXPECT_THAT(parseDone(run(pool().first(), {"peer", "probe", member})),
              testing::HasSubstr("already in peer list"));
  EXPECT_THAT(members(pool().first()), SizeIs(3));
}

// Expects that a probe is refused within seconds, with the reason, and changes nothing in the pool.
void expectProbeRefused(const muster::Node& server, const std::string& name) {
  const std::vector<std::string> before = members(server);
  const auto begin = std::chrono::steady_clock::now();
  try {
    parseDone(run(server, {"peer", "probe", name}));
    ADD_FAILURE() << "probe of " << name << " was accepted";
  } catch (const CliError& error) {
    EXPECT_EQ(error.kind(), CliError::Kind::kRefused) << error.what();
    EXPECT_EQ(error.opErrno(), ENOTCONN) << error.what();
    EXPECT_THAT(error.text(), testing::HasSubstr("Transport endpoint is not connected"));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
  EXPECT_EQ(members(server), before);
}

TEST_F(PoolTest, ProbeOfAWrongNameIsRefusedAndThePoolStays) {
  expectProbeRefused(pool().first(), "no-such-server");
}

TEST_F(PoolTest, ProbeOfANodeWithoutDaemonIsRefusedAndThePoolStays) {
  expectProbeRefused(pool().first(), client().name());
}

// A dead daemon must stay a member, or its server would lose its bricks.
TEST_F(PoolTest, KilledDaemonIsSeenAsDisconnectedUntilItIsBack) {
  const muster::Node& victim = pool().servers()[1];
  pool().killDaemon(victim);
  EXPECT_THAT([] { return pool().trouble(); },
              muster::Eventually(testing::Matcher<const std::string&>(
                                     testing::HasSubstr(victim.name() + " disconnected")),
                                 30s));
  pool().startDaemon(victim);
  EXPECT_THAT([] { return pool().trouble(); }, Clears(30s));
}

}  // namespace
}  // namespace gluster
