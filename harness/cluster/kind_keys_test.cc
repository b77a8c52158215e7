// Tests how the reader of a cluster file treats the keys of kinds, with two made-up kinds.
#include "harness/cluster/kind_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/cluster/cluster_file.h"

namespace harness {
namespace {

using ::testing::ThrowsMessage;

void checkSize(const Setting& size) {
  size.word({"small", "large"});
}

void checkSlot(const Setting& slot) {
  if (slot.text().find('!') != std::string::npos) slot.fail("slot: \"!\" is no slot");
}

std::vector<Setting> spreadSlot(const Setting& slot, const std::string& set, size_t count) {
  std::vector<Setting> all;
  for (size_t i = 0; i < count; ++i) {
    all.push_back(slot.withText(slot.text() + "/" + set + "/" + std::to_string(i)));
  }
  return all;
}

void checkTogether(const ClusterPlan& plan) {
  const Setting& size = plan.settings.at("size");
  if (size.text() == "small" && plan.nodes.size() > 2) size.fail("size: small is for two nodes");
}

const KindKeys kRack = {.name = "rack",
                        .clusterKeys = {{.name = "size",
                                         .presence = Key::Presence::kRequired,
                                         .example = "small",
                                         .check = checkSize}},
                        .nodeKeys = {{.name = "slot", .check = checkSlot, .spread = spreadSlot}},
                        .check = checkTogether};
const KindKeys kCloud = {.name = "cloud",
                         .clusterKeys = {{.name = "region", .check = checkSlot}},
                         .check = [](const ClusterPlan&) {}};

ClusterPlan parse(const std::string& text) {
  return parseClusterFile(text, "f.yaml", {.known = {&kRack, &kCloud}});
}

TEST(KindKeysTest, SettingsAreKeptForEachNode) {
  ClusterPlan plan = parse("size: small\nnodes:\n  a[1-2]: {role: x, slot: s}");
  EXPECT_EQ(plan.provisioner, "rack");
  EXPECT_EQ(plan.settings.at("size").text(), "small");
  EXPECT_EQ(plan.nodes[1].settings.at("slot").text(), "s/a[1-2]/1");
  EXPECT_EQ(plan.nodes[1].set.text(), "a[1-2]");
}

TEST(KindKeysTest, WhatIsWrongIsSaidWithItsPlace) {
  auto refuses = [](const char* text, const char* message) {
    EXPECT_THAT([&] { parse(text); }, ThrowsMessage<ClusterFileError>(message)) << text;
  };
  refuses("nodes: {a: {role: x}}", "f.yaml:1:1: the key \"size\" is missing, such as small");
  refuses("size: smal\nnodes: {a: {role: x}}",
          "f.yaml:1:7: size: there is no \"smal\"; did you mean \"small\"?");
  refuses("size: [small]\nnodes: {a: {role: x}}",
          "f.yaml:1:7: size: expected text and found a list");
  refuses("region: x\nsize: small\nnodes: {a: {role: x}}",
          "f.yaml:1:1: key \"region\" means nothing with provisioner \"rack\"");
  refuses("size: small\nnodes: {a: {role: x, slot: \"!\"}}", "f.yaml:2:28: slot: \"!\" is no slot");
  refuses("size: small\nnodes: {\"a[1-3]\": {role: x}}",
          "f.yaml:1:7: size: small is for two nodes");
  refuses("provisioner: cloud\nsize: small\nnodes: {a: {role: x}}",
          "f.yaml:2:1: key \"size\" means nothing with provisioner \"cloud\"");
}

TEST(KindKeysTest, PlanOfAProgramIsCheckedAsAFileIs) {
  ClusterPlan plan;
  plan.name = "p";
  plan.provisioner = "rack";
  plan.nodes.push_back({.name = "a", .role = "x"});
  EXPECT_THAT([&] { checkSettings(kRack, plan); },
              ThrowsMessage<ClusterFileError>("the key \"size\" is missing, such as small"));
  plan.settings["size"] = Setting("size", "large");
  EXPECT_NO_THROW(checkSettings(kRack, plan));
  plan.nodes[0].settings["slt"] = Setting("slt", "s");
  EXPECT_THAT([&] { checkSettings(kRack, plan); },
              ThrowsMessage<ClusterFileError>("unknown key \"slt\"; did you mean \"slot\"?"));
}

}  // namespace
}  // namespace harness
