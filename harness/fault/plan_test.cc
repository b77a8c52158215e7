#include "harness/fault/plan.h"

#include <cmath>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <muster/node_error.h>

namespace harness::fault {

void PrintTo(const Part& part, std::ostream* out) {
  *out << part.node << " drops";
  for (const std::string& address : part.addresses) *out << " " << address;
}

namespace {

using muster::FaultOptions;
using muster::NodeError;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Addresses kAll = {{"a", {"10.0.0.1", "fe80::1"}}, {"b", {"10.0.0.2"}}, {"c", {"10.0.0.3"}}};

auto dropsAt(const std::string& node, const std::vector<std::string>& addresses) {
  return ::testing::AllOf(::testing::Field("node", &Part::node, node),
                          ::testing::Field("addresses", &Part::addresses, addresses));
}

std::string whyRefused(const Shape& shape, const FaultOptions& options = {}) {
  try {
    planOf(shape, options, kAll, kAll);
  } catch (const NodeError& error) {
    return toString(error.kind()) + ": " + error.detail();
  }
  return "";
}

std::vector<std::string> probesOf(const Plan& plan) {
  std::vector<std::string> texts;
  for (const Probe& probe : plan.probes) texts.push_back(probe.from + " " + probe.address);
  return texts;
}

TEST(FaultPlanTest, NodesOfAPartitionDropWhatComesFromOtherGroups) {
  Plan plan = planOf(partition({{"a", "b"}, {"c"}}), {}, kAll, kAll);
  EXPECT_THAT(plan.parts, ElementsAre(dropsAt("a", {"10.0.0.3"}), dropsAt("b", {"10.0.0.3"}),
                                      dropsAt("c", {"10.0.0.1", "fe80::1", "10.0.0.2"})));
  EXPECT_THAT(probesOf(plan), ElementsAre("c 10.0.0.1", "c 10.0.0.2", "a 10.0.0.3", "b 10.0.0.3"));
}

TEST(FaultPlanTest, IsolatedNodeIsCutFromAllAndTheyFromIt) {
  Plan plan = planOf(isolate("b", {"a", "c"}), {}, kAll, kAll);
  EXPECT_THAT(plan.parts, ElementsAre(dropsAt("b", {"10.0.0.1", "fe80::1", "10.0.0.3"}),
                                      dropsAt("a", {"10.0.0.2"}), dropsAt("c", {"10.0.0.2"})));
  EXPECT_EQ(toString(plan.shape), "isolate b");
}

TEST(FaultPlanTest, OneWayCutIsMadeAtTheReceiverAlone) {
  Plan plan = planOf(oneWay("a", "b"), {}, kAll, kAll);
  EXPECT_THAT(plan.parts, ElementsAre(dropsAt("b", {"10.0.0.1", "fe80::1"})));
  EXPECT_THAT(probesOf(plan), ElementsAre("a 10.0.0.2"));
  EXPECT_EQ(toString(plan.shape), "one-way a to b");
}

// Returns for each node the ones from which it gets packets, itself among them.
std::map<std::string, std::set<std::string>> seenIn(size_t count) {
  Addresses all;
  std::vector<std::string> nodes;
  for (size_t i = 0; i < count; ++i) {
    nodes.push_back("n" + std::to_string(i));
    all[nodes.back()] = {"10.1.0." + std::to_string(i + 1)};
  }
  std::map<std::string, std::set<std::string>> seen;
  for (const std::string& node : nodes) seen[node].insert(nodes.begin(), nodes.end());
  for (const Part& part : planOf(majorityRing(nodes), {}, all, all).parts) {
    for (const std::string& peer : part.peers) seen[part.node].erase(peer);
  }
  return seen;
}

TEST(FaultPlanTest, NodesOfARingSeeMajoritiesOfWhichNoTwoAreTheSame) {
  for (size_t count = 4; count <= 31; ++count) {
    auto seen = seenIn(count);
    std::set<std::set<std::string>> different;
    for (const auto& [node, majority] : seen) {
      EXPECT_GT(2 * majority.size(), count) << node << " of " << count;
      EXPECT_LT(majority.size(), count) << node << " of " << count;
      for (const std::string& other : majority) EXPECT_TRUE(seen[other].contains(node));
      different.insert(majority);
    }
    EXPECT_EQ(different.size(), count);
  }
}

TEST(FaultPlanTest, RingOfFiveLeavesTheNeighbours) {
  auto seen = seenIn(5);
  EXPECT_THAT(seen["n0"], ElementsAre("n0", "n1", "n4"));
  EXPECT_THAT(seen["n2"], ElementsAre("n1", "n2", "n3"));
  EXPECT_EQ(toString(majorityRing({"a", "b", "c", "d"})), "ring a,b,c,d");
  EXPECT_THAT(whyRefused(majorityRing({"a", "b", "c"})), HasSubstr("four nodes at least"));
  EXPECT_THAT(whyRefused(majorityRing({"a", "b", "c", "a"})), HasSubstr("node a is named twice"));
}

TEST(FaultPlanTest, MiddleOfABridgeReachesBothSides) {
  Plan plan = planOf(bridge({"a"}, "b", {"c"}), {}, kAll, kAll);
  EXPECT_THAT(plan.parts,
              ElementsAre(dropsAt("a", {"10.0.0.3"}), dropsAt("c", {"10.0.0.1", "fe80::1"})));
  EXPECT_EQ(toString(plan.shape), "bridge a / b / c");
  EXPECT_THAT(nodesOf(plan.shape), ElementsAre("a", "c", "b"));
  EXPECT_THAT(whyRefused(bridge({"a", "b"}, "b", {"c"})), HasSubstr("node b is named twice"));
  EXPECT_THAT(whyRefused(bridge({}, "b", {"c"})), HasSubstr("a group has no node"));
}

TEST(FaultPlanTest, WrongGroupsAreRefused) {
  EXPECT_THAT(whyRefused(partition({{"a"}})), HasSubstr("invalid: there must be two groups"));
  EXPECT_THAT(whyRefused(partition({{"a"}, {}})), HasSubstr("a group has no node"));
  EXPECT_THAT(whyRefused(partition({{"a", "b"}, {"b"}})), HasSubstr("node b is named twice"));
  EXPECT_THAT(whyRefused(oneWay("a", "a")), HasSubstr("node a is named twice"));
  EXPECT_THAT(whyRefused(isolate("a", {})), HasSubstr("no other node"));
  EXPECT_THAT(whyRefused(partition({{"a"}, {"d"}})), HasSubstr("unsupported: node d has no addr"));
}

TEST(FaultPlanTest, LossOutOfItsRangeIsRefused) {
  for (double loss : {0.0, -0.1, 0.009, 1.01, std::nan(""), HUGE_VAL}) {
    EXPECT_THAT(whyRefused(partition({{"a"}, {"b"}}), {.loss = loss}), HasSubstr("loss: "));
  }
  EXPECT_EQ(whyRefused(partition({{"a"}, {"b"}}), {.loss = 0.01}), "");
}

TEST(FaultPlanTest, DegradationOutOfItsRangeIsRefused) {
  using namespace std::chrono_literals;
  auto why = [](const muster::Degradation& degradation) -> std::string {
    try {
      check(degrade("a"), degradation);
    } catch (const NodeError& error) {
      return error.detail();
    }
    return "";
  };
  EXPECT_EQ(why({}), "nothing is asked for");
  EXPECT_THAT(why({.bitsPerSecond = 7999}), HasSubstr("bitsPerSecond"));
  EXPECT_THAT(why({.bitsPerSecond = 100'000'000'001}), HasSubstr("bitsPerSecond"));
  EXPECT_THAT(why({.delay = -1ns}), HasSubstr("delay"));
  EXPECT_THAT(why({.delay = 61s}), HasSubstr("delay"));
  EXPECT_THAT(why({.jitter = 1ms}), HasSubstr("need a delay"));
  EXPECT_THAT(why({.reorder = 0.1}), HasSubstr("need a delay"));
  EXPECT_THAT(why({.corrupt = 1.1}), HasSubstr("corrupt"));
  EXPECT_THAT(why({.duplicate = std::nan("")}), HasSubstr("duplicate"));
  EXPECT_EQ(why({.bitsPerSecond = 8000}), "");
  EXPECT_EQ(why({.delay = 50ms, .jitter = 5ms, .reorder = 0.25}), "");
}

TEST(FaultPlanTest, EffectOnNodesHasAPartForEach) {
  Plan plan = planOf(Pause{muster::processesNamed("kvd")}, {"a", "b"});
  EXPECT_THAT(plan.parts, ElementsAre(dropsAt("a", {}), dropsAt("b", {})));
  EXPECT_EQ(toString(plan), "pause a,b: processes named kvd");
  EXPECT_EQ(toString(NodeEffect(UseUpDescriptors{muster::processWithPid(7), 3})),
            "process 7, leaving 3");
  EXPECT_EQ(toString(NodeEffect(FillDisk{"/d", 5, false})), "/d, leaving 5 bytes");
  EXPECT_EQ(toString(NodeEffect(UseCpu{1})), "1 thread");
  EXPECT_EQ(toString(planOf(partition({{"a"}, {"b"}}), {}, kAll, kAll)), "partition a / b");
}

TEST(FaultPlanTest, EffectOutOfItsRangeIsRefused) {
  auto why = [](const NodeEffect& effect, const std::vector<std::string>& nodes = {"a"}) {
    try {
      planOf(effect, nodes);
    } catch (const NodeError& error) {
      return toString(error.kind()) + ": " + error.detail();
    }
    return std::string();
  };
  Pause pause{muster::processesNamed("kvd")};
  EXPECT_EQ(why(pause), "");
  EXPECT_EQ(why(pause, {}), "invalid: there is no node");
  EXPECT_EQ(why(pause, {"a", "a"}), "invalid: a node is named twice");
  for (const char* name : {"", "a/b", "a\nb"}) {
    EXPECT_THAT(why(Pause{muster::processesNamed(name)}), HasSubstr("name: "));
    EXPECT_THAT(why(Pause{muster::processesOfUnit(name)}), HasSubstr("name: "));
  }
  EXPECT_THAT(why(Pause{muster::processWithPid(0)}), HasSubstr("pid: 0"));
  EXPECT_THAT(why(UseUpDescriptors{pause.processes, 1'000'001}), HasSubstr("leave: 1000001"));
  EXPECT_THAT(why(UseMemory{1, 1}), HasSubstr("exclude each other"));
  EXPECT_THAT(why(UseMemory{UINT64_MAX, 0}), HasSubstr("bytes: "));
  EXPECT_THAT(why(UseCpu{0}), HasSubstr("threads: 0"));
  EXPECT_THAT(why(UseCpu{1025}), HasSubstr("threads: 1025"));
  EXPECT_THAT(why(FillDisk{"tmp", 0, false}), HasSubstr("directory: \"tmp\""));
  EXPECT_THAT(why(MakeReadOnly{""}), HasSubstr("directory: "));
  for (const char* name : {"", "-f", "a b", "sixteen-letters-x"}) {
    EXPECT_THAT(why(TakeDown{name, false}), HasSubstr("interface: ")) << name;
  }
  EXPECT_THAT(why(TakeDown{std::string("eth0\0x", 6), false}), HasSubstr("interface: "));
}

TEST(FaultPlanTest, AddressThatSeveralNodesHaveNamesNone) {
  Addresses own = withoutShared({{"a", {"10.0.0.1", "172.17.0.1", "172.17.0.1"}},
                                 {"b", {"172.17.0.1", "10.0.0.2"}},
                                 {"c", {"172.17.0.1"}}});
  EXPECT_THAT(own["a"], ElementsAre("10.0.0.1"));
  EXPECT_THAT(own["b"], ElementsAre("10.0.0.2"));
  EXPECT_THAT(own["c"], IsEmpty());
}

TEST(FaultPlanTest, ProbesOfABigClusterAreBounded) {
  Addresses all;
  std::vector<std::string> others;
  for (int i = 0; i < 200; ++i) {
    others.push_back("n" + std::to_string(i));
    all[others.back()] = {"10.1.0." + std::to_string(i + 1)};
  }
  all["x"] = {"10.2.0.1"};
  EXPECT_EQ(planOf(isolate("x", others), {}, all, all).probes.size(), 8u + 200u);
}

}  // namespace
}  // namespace harness::fault
