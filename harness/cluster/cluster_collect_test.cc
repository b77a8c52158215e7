// Tests the key `collect` of a cluster file: what it says of each node, and what is refused where.
#include "harness/cluster/cluster_collect.h"

#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "harness/cluster/cluster_file_testing.h"

namespace harness {
namespace {

using ::testing::ElementsAre;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

constexpr char kGoodCollect[] = R"(nodes:
  server[1-2]:
    role: server
    collect: {commands: [[kvctl, status]], max_size: 1 GiB}
  client1: {role: client}
collect:
  files: [/var/log/kvd/*.log]
  commands: [ss -tanp | head]
  max_size: 500KiB
)";

void expectWhatTheFileSays(const ClusterCollect& collect) {
  CollectWish server = collectOn(collect, "server2");
  EXPECT_THAT(server.files, ElementsAre("/var/log/kvd/*.log"));
  EXPECT_THAT(server.commands, ElementsAre(ElementsAre("sh", "-c", "ss -tanp | head"),
                                           ElementsAre("kvctl", "status")));
  EXPECT_EQ(server.bytesMax, uint64_t{1} << 30);
  CollectWish client = collectOn(collect, "client1");
  EXPECT_THAT(client.commands, ElementsAre(ElementsAre("sh", "-c", "ss -tanp | head")));
  EXPECT_EQ(client.bytesMax, 500u << 10);
}

TEST(ClusterCollectTest, NodeSetsAddToWhatTheFileSays) {
  ClusterWishes wishes = planOf(kGoodCollect).wishes;
  expectWhatTheFileSays(wishes.collect);
  std::string json = toJson(wishes).dump();
  expectWhatTheFileSays(wishesFromJson(nlohmann::json::parse(json)).collect);
}

TEST(ClusterCollectTest, NothingIsTakenWithoutTheKey) {
  CollectWish wish = collectOn(planOf("nodes: {a: {role: x}}").wishes.collect, "a");
  EXPECT_TRUE(wish.empty());
  EXPECT_EQ(wish.bytesMax, 64u << 20);
}

struct BadCollect {
  const char* collect;
  const char* message;
};

// Each is the value of `collect` in line 2, which begins at column 10.
constexpr BadCollect kBadCollects[] = {
    {"[a]", "2:10: collect: expected a map and found a list"},
    {"{file: [/l]}", "2:11: unknown key \"file\"; did you mean \"files\"?"},
    {"{files: /l}", "2:18: files: expected a list and found \"/l\""},
    {"{files: [l]}", "2:19: files: \"l\" is to be an absolute path or a pattern of such"},
    {"{files: [/l/../m]}", "2:19: files: \"/l/../m\" has . or .. among its directories"},
    {"{files: [\"/\xff\"]}", "2:19: files: \"/\\xff\" is not UTF-8"},
    {"{commands: [[]]}", "2:22: commands: a command has no words"},
    {"{commands: [{a: b}]}", "2:22: commands: expected a list and found a map"},
    {"{max_size: 5GiB}", "2:21: max_size: \"5GiB\" is not from 1 byte to 4GiB"},
    {"{max_size: 0}", "2:21: max_size: \"0\" is not from 1 byte to 4GiB"},
    {"{max_size: 64MB}", "2:21: max_size: \"64MB\" is not a size such as 64MiB, 500KiB or 1GiB"},
};

TEST(ClusterCollectTest, RefusesWithFileLineColumnAndRemedy) {
  for (const BadCollect& bad : kBadCollects) {
    EXPECT_THAT([&] { planOf(std::string("nodes: {a: {role: x}}\ncollect: ") + bad.collect); },
                ThrowsMessage<ClusterFileError>(std::string("f.yaml:") + bad.message))
        << bad.collect;
  }
  std::string many;
  for (int i = 0; i < 101; ++i) many += "/l" + std::to_string(i) + ",";
  EXPECT_THAT([&] { planOf("nodes: {a: {role: x}}\ncollect: {files: [" + many + "]}"); },
              ThrowsMessage<ClusterFileError>(StartsWith("f.yaml:2:18: files: 101 of them")));
}

TEST(ClusterCollectTest, SizesHaveUnitsAndBounds) {
  EXPECT_EQ(collectBytesFrom("1"), 1u);
  EXPECT_EQ(collectBytesFrom("4 GiB"), uint64_t{4} << 30);
  EXPECT_EQ(collectBytesFrom("3M"), 3u << 20);
  for (const char* wrong : {"", "-1", "1.5MiB", "4GiB+", "4194305KiB", "99999999999999999999"}) {
    EXPECT_THROW(collectBytesFrom(wrong), std::invalid_argument) << wrong;
  }
}

}  // namespace
}  // namespace harness
