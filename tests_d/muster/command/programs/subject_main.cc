// A test program for runs with --nemesis, which test_nemesis.cc starts.
#include <chrono>
#include <cstdlib>
#include <iostream>

#include <muster/muster.h>

namespace {

using namespace muster;
using namespace std::chrono_literals;

class SubjectTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 3}, {"client", 1}}}; }

 protected:
  // Nothing strikes the client but links that are slow.
  static void work(Load& load) {
    ASSERT_THAT(clients()[0].run({"true"}), Succeeded());
    load.did();
  }
};

TEST_F(SubjectTest, Works) {
  Load runs("runs", {.floorPerSecond = 2});
  do {
    work(runs);
  } while (nemesisGoesOn());
  std::cerr << "worked\n";
}

TEST_F(SubjectTest, HasNoLoad) {
  EXPECT_THAT(clients()[0].run({"true"}), Succeeded());
}

TEST_F(SubjectTest, Idles) {
  Load runs("runs", {.floorPerSecond = 5, .within = 1s});
  while (nemesisGoesOn()) clients()[0].run({"sleep", "1"});
}

TEST_F(SubjectTest, EndsEarly) {
  Load runs("runs");
  work(runs);
}

// The faults cannot be told from none any more.
TEST_F(SubjectTest, WorksWithoutNft) {
  for (Node& node : cluster().nodes()) {
    node.file("/usr/local/sbin/nft")
        .write("#!/bin/sh\nexit 0\n", {.mode = 0755, .undo = UndoAt::kTestEnd});
  }
  while (nemesisGoesOn()) clients()[0].run({"true"});
}

TEST_F(SubjectTest, FailsUnderAFault) {
  Load runs("runs");
  while (nemesisGoesOn()) {
    work(runs);
    std::string tables =
        servers()[0].output({"sh", "-c", "nft list tables | grep -c muster_; true"});
    if (tables != "0\n") FAIL() << "a server is cut off";
  }
}

// The first server tries the second one, where nothing listens: what answers refuses at once.
TEST_F(SubjectTest, SeesThePartition) {
  Load tries("tries");
  std::string target = "/dev/tcp/" + servers()[1].address() + "/9";
  auto isCut = [&] {
    Result result = servers()[0].run({"timeout", "1", "bash", "-c", "exec 3<>" + target});
    tries.did();
    return result.outcome.exitStatus() == 124;
  };
  int cut = 0;
  do {
    if (isCut()) ++cut;
  } while (nemesisGoesOn());
  EXPECT_GT(cut, 0);
  EXPECT_FALSE(isCut());
}

// The fault of the first server can be seen, and not be ended any more.
TEST_F(SubjectTest, BreaksNftUnderAFault) {
  std::vector<std::string> lists = {"sh", "-c", "nft list tables | grep -c muster_; true"};
  while (nemesisGoesOn() && servers()[0].output(lists) == "0\n") continue;
  servers()[0]
      .file("/usr/local/sbin/nft")
      .write("#!/bin/sh\ncase \"$*\" in *list*) exec /usr/sbin/nft \"$@\";; esac\nexit 1\n",
             {.mode = 0755, .undo = UndoAt::kTestEnd});
  while (nemesisGoesOn()) clients()[0].run({"true"});
}

TEST_F(SubjectTest, SkipsInItsBody) {
  Load runs("runs");
  GTEST_SKIP() << "there is nothing to do";
}

class ForgetfulTest : public SubjectTest {
 protected:
  void SetUp() override { ::unsetenv("MUSTER_RUN_DIR"); }
};

TEST_F(ForgetfulTest, Works) {
  while (nemesisGoesOn()) clients()[0].run({"true"});
}

class SecretiveTest : public SubjectTest {
  void SetUp() override {}
};

TEST_F(SecretiveTest, Works) {
  EXPECT_THAT(clients()[0].run({"true"}), Succeeded());
}

}  // namespace
