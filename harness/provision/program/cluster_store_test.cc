#include "harness/provision/program/cluster_store.h"

#include <sys/stat.h>

#include <gmock/gmock.h>

#include "harness/provision/error.h"
#include "harness/provision/program/program_testing.h"

namespace harness {
namespace {

using Life = ClusterEntry::Life;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class ClusterStoreTest : public ::testing::Test {
 protected:
  static ClusterRecord record(const std::string& name) {
    ClusterRecord record{.name = name, .kind = "toy", .tenure = Tenure::kOwned};
    record.maker = ProcessMark::own();
    record.plan = {{"z", 1}, {"a", 2}};
    record.kept = {{"disks", {"x"}}};
    return record;
  }

  ScratchDirectory scratch_;
  ClusterStore store_{scratch_.path() + "/state/clusters"};
};

TEST_F(ClusterStoreTest, RecordIsReadAsItWasWritten) {
  AgentFile key{store_.tlsDirectory("demo") + "/admin.key", "secret", 0600};
  EXPECT_TRUE(store_.add(record("demo"), {key}));
  EXPECT_EQ(readFile(key.path), "secret");
  ClusterRecord read = *store_.find("demo");
  EXPECT_EQ(read.kind, "toy");
  EXPECT_EQ(read.tenure, Tenure::kOwned);
  EXPECT_EQ(read.phase, ClusterRecord::Phase::kBeingMade);
  EXPECT_EQ(read.maker.text(), ProcessMark::own().text());
  EXPECT_EQ(read.plan.dump(), R"({"z":1,"a":2})");
  EXPECT_EQ(read.kept["disks"][0], "x");
  read.phase = ClusterRecord::Phase::kUp;
  store_.put(read);
  EXPECT_EQ(store_.find("demo")->phase, ClusterRecord::Phase::kUp);
}

TEST_F(ClusterStoreTest, NameIsTakenOnceAndFreeAfterwards) {
  EXPECT_TRUE(store_.add(record("demo"), {}));
  EXPECT_FALSE(store_.add(record("demo"), {}));
  EXPECT_TRUE(store_.add(record("other"), {}));
  EXPECT_THAT(store_.names(), ElementsAre("demo", "other"));
  store_.remove("demo");
  store_.remove("demo");
  EXPECT_EQ(store_.find("demo"), std::nullopt);
  EXPECT_TRUE(store_.add(record("demo"), {}));
  EXPECT_THAT(namesIn(store_.directory()), ElementsAre(".had-toy", "demo", "other"));
}

TEST_F(ClusterStoreTest, WhatAKilledProcessHasBegunIsSwept) {
  makeDirectories(store_.directory() + "/.unfinished-999999999-1/tls", 0700);
  EXPECT_THAT(store_.names(), IsEmpty());
  store_.add(record("demo"), {});
  EXPECT_THAT(namesIn(store_.directory()), ElementsAre(".had-toy", "demo"));
}

TEST_F(ClusterStoreTest, StrangersReadNothing) {
  store_.add(record("demo"), {});
  for (const char* path : {"", "/demo", "/demo/tls"}) {
    struct stat status {};
    ASSERT_EQ(::stat((store_.directory() + path).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0700u) << path;
  }
  struct stat status {};
  ASSERT_EQ(::stat((store_.directory() + "/demo/cluster.json").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(ClusterStoreTest, NamesThatAreNoneAreNotThere) {
  for (const char* name : {"", ".", "..", "a/b", "-x", ".x"}) {
    EXPECT_EQ(store_.find(name), std::nullopt) << name;
    store_.remove(name);
    EXPECT_THROW(store_.add(record(name), {}), ProvisionError) << name;
  }
}

TEST_F(ClusterStoreTest, DamagedRecordIsSaidWithItsPath) {
  store_.add(record("demo"), {});
  std::string path = store_.directory() + "/demo/cluster.json";
  std::string whole = readFile(path);
  for (const std::string& text :
       {whole.substr(0, whole.size() / 2), std::string("[]"), std::string(R"({"version": 9})")}) {
    putFile(path, text, 0600);
    try {
      store_.find("demo");
      ADD_FAILURE() << text;
    } catch (const ProvisionError& error) {
      EXPECT_THAT(error.what(), StartsWith(path + " cannot be read: "));
    }
  }
}

TEST_F(ClusterStoreTest, LifeIsThatOfTheMakerUntilAStandingClusterIsUp) {
  ClusterRecord each = record("demo");
  EXPECT_EQ(lifeOf(each), Life::kRunning);
  each.maker.startTime += 1;
  EXPECT_EQ(lifeOf(each), Life::kLeftover);
  // The program may still remove what it has made.
  each.program = ProcessMark::own();
  EXPECT_EQ(lifeOf(each), Life::kRunning);
  each.program = {};
  each.tenure = Tenure::kStanding;
  EXPECT_EQ(lifeOf(each), Life::kLeftover);
  each.phase = ClusterRecord::Phase::kUp;
  EXPECT_EQ(lifeOf(each), Life::kRunning);
  each.tenure = Tenure::kOwned;
  EXPECT_EQ(lifeOf(each), Life::kLeftover);
  each.maker.host = "elsewhere";
  EXPECT_EQ(lifeOf(each), Life::kHidden);
}

TEST_F(ClusterStoreTest, StatesAreKeptInOrderAndACutLineIsLeftOut) {
  store_.add(record("demo"), {});
  auto time = std::chrono::system_clock::time_point(std::chrono::milliseconds(1234));
  store_.addState("demo", {time, "a", "booting", "kernel 6.1"});
  store_.addState("demo", {time, "b", "ready", ""});
  std::string path = store_.directory() + "/demo/states.jsonl";
  putFile(path, readFile(path) + "{\"time\": 12", 0600);
  std::vector<NodeEvent> states = store_.states("demo");
  ASSERT_EQ(states.size(), 2u);
  EXPECT_EQ(states[0].time, time);
  EXPECT_EQ(states[0].state, "booting");
  EXPECT_EQ(states[0].detail, "kernel 6.1");
  EXPECT_EQ(states[1].node, "b");
}

TEST_F(ClusterStoreTest, OwnerIsMadeOnceAndTellsStoresApart) {
  std::string owner = store_.owner();
  EXPECT_EQ(store_.owner(), owner);
  EXPECT_THAT(owner, HasSubstr(ProcessMark::own().host + "-"));
  EXPECT_NE(ClusterStore(scratch_.path() + "/other").owner(), owner);
}

}  // namespace
}  // namespace harness
