#include "harness/provision/local/plan_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/provision/kinds.h"

namespace harness {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> differences(const std::string& made, const std::string& wanted) {
  return differencesBetween(planValues(parsePlan(made, "/x/demo.yaml")),
                            planValues(parsePlan(wanted, "/x/demo.yaml")));
}

TEST(PlanValuesTest, WhatMeansTheSameIsNoDifference) {
  EXPECT_THAT(differences("nodes: {a: {role: server, boot: [ls, pwd]}}",
                          "name: other\ncontrol: unix\nnodes: {a: {role: server, init: minimal, "
                          "boot: [ls]}}\nboot: {\"@server\": [pwd]}"),
              IsEmpty());
}

TEST(PlanValuesTest, EachKeyIsToldWithBothValues) {
  EXPECT_THAT(
      differences("control: tcp\nnodes: {\"n[1-3]\": {role: a, labels: {rack: x}}}",
                  "nodes: {\"n[1-3]\": {role: b, labels: {rack: y}, init: systemd, boot: "
                  "[ls]}}"),
      ElementsAre("control was tcp, is unix", "n[1-3]: boot was [], is [ls]",
                  "n[1-3]: init was minimal, is systemd",
                  "n[1-3]: labels was [rack: x], is [rack: y]", "n[1-3]: role was a, is b"));
}

TEST(PlanValuesTest, NodesThatCameAndWentAreTold) {
  EXPECT_THAT(differences("nodes: {a: {role: x}, b: {role: x}}",
                          "nodes: {a: {role: x}, c: {role: x, addresses: [10.77.0.12]}}"),
              ElementsAre("c: not up", "b: up, and not in the file"));
}

TEST(PlanValuesTest, TextsAreShortAndFewHoweverMuchHasChanged) {
  std::string nodes = "nodes:\n";
  std::string boot = "boot:\n";
  for (int i = 0; i < 20; ++i) {
    std::string name = "n" + std::to_string(i);
    nodes += "  " + name + ": {role: x}\n";
    boot += "  " + name + ": [echo " + name + std::string(1000, 'x') + "]\n";
  }
  std::vector<std::string> texts = differences(nodes, nodes + boot);
  ASSERT_EQ(texts.size(), 8u);
  EXPECT_EQ(texts.back(), "and 13 more");
  for (const std::string& text : texts) EXPECT_LT(text.size(), 300u);
}

}  // namespace
}  // namespace harness
