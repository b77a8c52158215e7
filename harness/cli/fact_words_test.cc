// Words and JSON for facts.
#include "harness/cli/fact_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness {
namespace {

using testing::HasSubstr;

muster::Facts someFacts() {
  muster::Facts facts;
  facts.hostname = "server1";
  facts.osName = "Debian GNU/Linux 12 (bookworm)";
  facts.kernelRelease = "6.1.0";
  facts.architecture = "x86_64";
  facts.virtualization = "kvm";
  facts.uptime = std::chrono::seconds(90);
  facts.cpus = {{.number = 0, .online = true, .model = "Fast"},
                {.number = 1, .online = true, .model = "Fast"},
                {.number = 2, .online = false, .model = "Fast"}};
  facts.memory = {.totalBytes = uint64_t{3} << 30, .availableBytes = uint64_t{1536} << 20};
  facts.disks = {{.name = "vda", .sizeBytes = 1000}, {.name = "vda1", .parent = "vda"}};
  facts.interfaces = {
      {.name = "lo", .loopback = true},
      {.name = "eth0", .up = true, .addresses = {{.text = "10.77.0.11", .prefixLength = 24}}}};
  facts.capabilities = {"mknod"};
  return facts;
}

TEST(FactWordsTest, TextHasALineForEachKindOfFact) {
  EXPECT_EQ(factsText(someFacts()),
            "  host      server1\n"
            "  system    Debian GNU/Linux 12 (bookworm)\n"
            "  kernel    6.1.0, x86_64, kvm\n"
            "  up        1m30s\n"
            "  services  none\n"
            "  cpus      2 x Fast\n"
            "  memory    3.0 GiB, 1.5 GiB available\n"
            "  disks     vda 1000 B\n"
            "  mounts    0\n"
            "  network   eth0 10.77.0.11/24\n"
            "  agent     , 0 B, commands that run: 0\n");
}

TEST(FactWordsTest, TextOfANodeIsPrintable) {
  muster::Facts facts;
  facts.hostname = "a\nb\x1b[2J";
  EXPECT_THAT(factsText(facts), HasSubstr("  host      a\\nb\\x1b[2J\n"));
}

TEST(FactWordsTest, JsonHasEveryMember) {
  Json json = factsJson(someFacts());
  EXPECT_EQ(json["uptime_seconds"], 90.0);
  EXPECT_EQ(json["cpus"].size(), 3u);
  EXPECT_EQ(json["cpus"][2]["online"], false);
  EXPECT_EQ(json["memory"]["total_bytes"], uint64_t{3} << 30);
  EXPECT_EQ(json["disks"][1]["parent"], "vda");
  EXPECT_EQ(json["interfaces"][1]["addresses"][0]["address"], "10.77.0.11");
  EXPECT_EQ(json["capabilities"], Json({"mknod"}));
  EXPECT_EQ(json.size(), 20u);
  EXPECT_TRUE(factsJson(muster::Facts())["capabilities"].is_null());
}

TEST(FactWordsTest, SizesHaveTheUnitThatFits) {
  EXPECT_EQ(sizeText(0), "0 B");
  EXPECT_EQ(sizeText(1023), "1023 B");
  EXPECT_EQ(sizeText(1024), "1.0 KiB");
  EXPECT_EQ(sizeText((1 << 20) - 1), "1.0 MiB");
  EXPECT_EQ(sizeText(UINT64_MAX), "16.0 EiB");
}

}  // namespace
}  // namespace harness
