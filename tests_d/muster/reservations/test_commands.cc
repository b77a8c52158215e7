// Nodes that belong to a command of one of several people.
#include <signal.h>

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests_d/muster/reservations/component.h"
#include "tests_d/muster/support/wait.h"

namespace reservations {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class CommandsTest : public ReservationsTest {
 protected:
  // Returns the words that reserve nodes for a command of a shell.
  std::string reserve(const std::string& options, const std::string& script) const {
    return "reserve " + options + " -- sh -c '" + script + "'";
  }

  // Returns a script that writes a line of a file.
  std::string note(const std::string& line) const {
    return "echo " + line + " >>" + directory_ + "/notes";
  }
};

TEST_F(CommandsTest, StatusIsThatOfTheCommandAndNothingIsLeft) {
  EXPECT_EQ(muster("alice", reserve("server1,server2", "muster exec @* -- true; exit 7")).status,
            7);
  EXPECT_EQ(muster("alice", reserve("server1", "kill -15 $$")).status, 128 + SIGTERM);
  EXPECT_EQ(muster("alice", "reserve server1 -- no-such-program").status, 127);
  EXPECT_EQ(muster("alice", "reserve nonesuch -- true").status, 65);
  EXPECT_EQ(muster("bob", "exec @* -- true").status, 0);
}

TEST_F(CommandsTest, CommandsOfOnePersonKeepEachOtherOut) {
  auto first = start("alice", reserve("server1", untilThere("go")));
  ASSERT_TRUE(becomesSo("server1 is reserved by alice@test"));
  EXPECT_EQ(muster("alice", "exec server1 -- true").status, 69);
  EXPECT_EQ(muster("alice", "reserve server1 -- true").status, 69);
  put("go");
  EXPECT_EQ(first->wait().status, 0);
}

TEST_F(CommandsTest, KilledHolderFreesTheNodeForTheNextInOrder) {
  auto alice = start("alice", reserve("server1", untilThere("never")));
  ASSERT_TRUE(becomesSo("server1 is reserved by alice@test"));
  auto bob = start("bob", reserve("server1 --wait 60s", "muster exec server1 -- true && " +
                                                            note("bob") + "; " + untilThere("go")));
  ASSERT_TRUE(becomesSo("waits as number 1: bob@test"));
  auto carol = start("carol", reserve("server1 --wait 60s", note("carol")));
  ASSERT_TRUE(becomesSo("waits as number 2: carol@test"));
  EXPECT_THAT(bob->errors(), HasSubstr("waiting for server1 as number 1: the node is reserved by"));
  alice->killHard();
  EXPECT_TRUE(becomesSo("server1 is reserved by bob@test"));
  EXPECT_TRUE(becomesSo("waits as number 1: carol@test"));
  put("go");
  EXPECT_EQ(bob->wait().status, 0);
  EXPECT_EQ(carol->wait().status, 0);
  EXPECT_EQ(contentOf("notes"), "bob\ncarol\n");
}

TEST_F(CommandsTest, KilledRequestLeavesTheQueue) {
  auto alice = start("alice", reserve("server1", untilThere("go")));
  ASSERT_TRUE(becomesSo("server1 is reserved by alice@test"));
  auto bob = start("bob", reserve("server1 --wait 60s", "true"));
  ASSERT_TRUE(becomesSo("waits as number 1: bob@test"));
  auto carol = start("carol", reserve("server1 --wait 60s", note("carol")));
  ASSERT_TRUE(becomesSo("waits as number 2: carol@test"));
  bob->killHard();
  EXPECT_TRUE(becomesSo("waits as number 1: carol@test"));
  put("go");
  EXPECT_EQ(alice->wait().status, 0);
  EXPECT_EQ(carol->wait().status, 0);
}

// Writes a cluster file of the same nodes in the other order, and returns its path.
std::string reversed(const std::string& cluster, const std::string& directory) {
  std::string path = directory + "/reversed.yaml";
  std::ofstream file(path);
  file << "provisioner: static\nnodes:\n";
  for (std::string node : {"server2", "server1"}) {
    file << "  " << node << ": {role: server, address: \"unix:/run/muster/" << cluster << "/n/"
         << node << "/agent.sock\"}\n";
  }
  return path;
}

TEST_F(CommandsTest, OppositeOrdersDoNotWaitForEachOther) {
  auto often = [](const std::string& nodes) {
    return "for i in 1 2 3 4 5 6 7 8; do muster reserve " + nodes +
           " --wait 20s -- true || exit 1; done";
  };
  auto alice = startScript("alice", often("server1,server2"));
  auto bob = startScript("bob", often("--cluster " + reversed(cluster_, directory_) + " @*"));
  EXPECT_EQ(alice->wait().status, 0) << alice->errors();
  EXPECT_EQ(bob->wait().status, 0) << bob->errors();
}

TEST_F(CommandsTest, AllOrNone) {
  auto alice = start("alice", reserve("server2", untilThere("go")));
  ASSERT_TRUE(muster_tests::becomesTrue(
      [&] { return muster("bob", "why server2").out.find("alice") != std::string::npos; },
      kWaitMax));
  Ended none = muster("bob", "reserve server1,server2 --wait 1s -- true");
  EXPECT_EQ(none.status, 69);
  EXPECT_THAT(none.err, HasSubstr("node server2: reserve: timeout: waited: the node is reserved"));
  EXPECT_THAT(muster("bob", "why server1").out, HasSubstr("server1 is not reserved\n"));
  put("go");
  EXPECT_EQ(alice->wait().status, 0);
}

TEST_F(CommandsTest, TimeEndsItAndTheHolderIsTold) {
  auto alice = start("alice", reserve("server1 --for 2s", untilThere("go")));
  ASSERT_TRUE(becomesSo("server1 is reserved by alice@test"));
  EXPECT_EQ(muster("bob", "reserve server1 --wait 60s -- true").status, 0);
  EXPECT_TRUE(muster_tests::becomesTrue(
      [&] { return alice->errors().find("has expired; the command goes on") != std::string::npos; },
      kWaitMax));
  put("go");
  EXPECT_EQ(alice->wait().status, 0);
}

TEST_F(CommandsTest, HolderIsToldOfARevocation) {
  auto alice = start("alice", reserve("server1", untilThere("go")));
  ASSERT_TRUE(becomesSo("server1 is reserved by alice@test"));
  EXPECT_EQ(muster("root", "unreserve server1 --revoke --reason 'the rack moves'").status, 0);
  EXPECT_TRUE(muster_tests::becomesTrue(
      [&] {
        return alice->errors().find("was revoked by root@test: the rack moves; the command") !=
               std::string::npos;
      },
      kWaitMax));
  EXPECT_EQ(muster("bob", "exec server1 -- true").status, 0);
  put("go");
  EXPECT_EQ(alice->wait().status, 0);
}

TEST_F(CommandsTest, WhoUsesTheNodeAlreadyIsWaitedFor) {
  auto bob = start("bob", "exec server1 -- sleep 1000");
  ASSERT_TRUE(becomesSo("is changed by muster of bob@test"));
  Ended hurried = muster("alice", "reserve server1");
  EXPECT_EQ(hurried.status, 69);
  EXPECT_THAT(hurried.err, HasSubstr("it is in use by muster of bob@test"));
  auto alice = start("alice", reserve("server1 --wait 60s", note("alice")));
  ASSERT_TRUE(becomesSo("waits as number 1: alice@test"));
  Ended late = muster("carol", "exec server1 -- true");
  EXPECT_EQ(late.status, 69);
  EXPECT_THAT(late.err, HasSubstr("alice@test (uid:0) waits to reserve the node"));
  EXPECT_EQ(contentOf("notes"), "");
  EXPECT_EQ(muster("carol", "kill --label user=bob@test").status, 69);
  EXPECT_EQ(muster("bob", "kill --label user=bob@test").status, 0) << "he may make way";
  EXPECT_NE(bob->wait().status, 0);
  EXPECT_EQ(alice->wait().status, 0);
}

}  // namespace
}  // namespace reservations
