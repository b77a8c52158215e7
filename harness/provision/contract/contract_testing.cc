// Tests the contract of provisioner.h, for every test program of kinds of provisioner.
#include "harness/provision/contract_testing.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/os/fd.h"
#include "harness/os/wait.h"
#include "harness/provision/error.h"
#include "harness/provision/kinds.h"

namespace harness {

using Kind = ProvisionError::Kind;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::Pair;
using ::testing::StartsWith;

void ProvisionerContractTest::SetUp() {
  sample_ = GetParam()();
  std::string missing = sample_->missing();
  if (!missing.empty()) GTEST_SKIP() << missing;
  provisioner_ = sample_->make();
  cluster_ = "contract" + std::to_string(::getpid());
}

void ProvisionerContractTest::TearDown() {
  if (IsSkipped()) return;
  provisioner_.reset();
  sample_->make()->down(cluster_);
  EXPECT_THAT(sample_->leftovers(cluster_), IsEmpty());
}

ClusterPlan ProvisionerContractTest::plan(size_t nodes) const {
  return parsePlan(sample_->file(cluster_, nodes), "/x/f.yaml");
}

namespace {

// Tells whether somebody accepts connections at the node's endpoint.
bool isReachable(const NodeDescription& node) {
  const support::Endpoint& endpoint = node.route.endpoint;
  Fd socket(::socket(endpoint.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (::connect(socket.get(), endpoint.socketAddress(), endpoint.addressBytes) == 0) return true;
  if (errno != EINPROGRESS) return false;
  pollfd connected{socket.get(), POLLOUT, 0};
  int error = 0;
  socklen_t size = sizeof error;
  return ::poll(&connected, 1, 5000) == 1 &&
         ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

void expectReachable(const ClusterDescription& cluster) {
  for (const NodeDescription& node : cluster.nodes) EXPECT_TRUE(isReachable(node)) << node.name;
}

std::vector<std::string> namesOf(const ClusterDescription& cluster) {
  std::vector<std::string> names;
  for (const NodeDescription& node : cluster.nodes) names.push_back(node.name);
  return names;
}

// Returns the kind of the ProvisionError that `call` throws. nullopt: it throws none.
template <typename Call>
std::optional<Kind> failure(Call&& call) {
  try {
    call();
    return std::nullopt;
  } catch (const ProvisionError& error) {
    return error.kind();
  }
}

std::optional<ClusterEntry::Life> lifeOf(Provisioner& provisioner, const std::string& name) {
  for (const ClusterEntry& entry : provisioner.list()) {
    if (entry.name == name) return entry.life;
  }
  return std::nullopt;
}

// Tells whether the kind makes nodes. One whose nodes exist anyway keeps nothing under a name.
bool makesNodes(Provisioner& provisioner, const ClusterPlan& plan) {
  return !provisioner.foretell(plan).has_value();
}

TEST_P(ProvisionerContractTest, UpDescribesEveryNodeAndEachIsReachable) {
  EXPECT_THAT(provisioner_->examine(plan(2)).missing, IsEmpty());
  ClusterDescription cluster = provisioner_->up(plan(2), Tenure::kOwned);
  EXPECT_EQ(cluster.name, cluster_);
  EXPECT_EQ(cluster.provisioner, plan(2).provisioner);
  EXPECT_THAT(namesOf(cluster), ElementsAre("node1", "node2"));
  for (const NodeDescription& node : cluster.nodes) EXPECT_EQ(node.role, "server");
  expectReachable(cluster);
}

TEST_P(ProvisionerContractTest, WhatIsForetoldIsWhatUpReturns) {
  std::optional<ClusterDescription> foretold = provisioner_->foretell(plan(2));
  if (!foretold) return;
  ClusterDescription cluster = provisioner_->up(plan(2), Tenure::kOwned);
  EXPECT_EQ(namesOf(*foretold), namesOf(cluster));
  EXPECT_EQ(foretold->nodes[1].route.endpoint, cluster.nodes[1].route.endpoint);
}

TEST_P(ProvisionerContractTest, SecondUpLeavesTheFirstAlone) {
  ClusterDescription cluster = provisioner_->up(plan(2), Tenure::kStanding);
  for (size_t nodes : {2, 1}) {
    std::unique_ptr<Provisioner> other = sample_->make();
    if (makesNodes(*other, plan(nodes))) {
      EXPECT_THROW(other->up(plan(nodes), Tenure::kStanding), ProvisionError);
    } else {
      EXPECT_EQ(other->up(plan(nodes), Tenure::kStanding).nodes.size(), nodes);
    }
  }
  expectReachable(cluster);
}

TEST_P(ProvisionerContractTest, DownRemovesAllAndTwiceIsNoError) {
  ClusterDescription cluster = provisioner_->up(plan(2), Tenure::kStanding);
  bool makes = makesNodes(*provisioner_, plan(2));
  sample_->make()->down(cluster_);
  EXPECT_THAT(sample_->leftovers(cluster_), IsEmpty());
  for (const NodeDescription& node : cluster.nodes) EXPECT_EQ(isReachable(node), !makes);
  EXPECT_NO_THROW(sample_->make()->down(cluster_));
  // The name is free again, also for a changed plan.
  EXPECT_THAT(namesOf(sample_->make()->up(plan(1), Tenure::kStanding)), ElementsAre("node1"));
}

TEST_P(ProvisionerContractTest, HalfMadeClusterIsRemovedAndItsNodeNamed) {
  ClusterPlan broken = parsePlan(sample_->brokenFile(cluster_), "/x/f.yaml");
  std::unique_ptr<Provisioner> provisioner = sample_->makeBroken();
  try {
    provisioner->up(broken, Tenure::kStanding);
    ADD_FAILURE() << "it came up";
  } catch (const ProvisionError& error) {
    EXPECT_EQ(error.node(), "node1") << error.what();
    EXPECT_THAT(error.what(), StartsWith("node node1: "));
  }
  EXPECT_THAT(sample_->leftovers(cluster_), IsEmpty());
  EXPECT_EQ(lifeOf(*provisioner, cluster_), std::nullopt);
}

TEST_P(ProvisionerContractTest, StandingClusterIsFoundByEverybody) {
  ClusterDescription made = provisioner_->up(plan(2), Tenure::kStanding);
  if (!makesNodes(*provisioner_, plan(2))) GTEST_SKIP() << "this kind keeps no clusters";
  provisioner_.reset();
  std::unique_ptr<Provisioner> other = sample_->make();
  ClusterDescription found = other->find(cluster_);
  EXPECT_EQ(namesOf(found), namesOf(made));
  EXPECT_EQ(found.provisioner, made.provisioner);
  EXPECT_EQ(found.nodes[1].route.endpoint, made.nodes[1].route.endpoint);
  EXPECT_EQ(found.nodes[1].route.networkNamespace, made.nodes[1].route.networkNamespace);
  expectReachable(found);
  EXPECT_EQ(lifeOf(*other, cluster_), ClusterEntry::Life::kRunning);
  ClusterState state = other->state(cluster_);
  EXPECT_EQ(state.tenure, Tenure::kStanding);
  for (const auto& [node, power] : state.power) EXPECT_EQ(power, Power::kOn) << node;
}

TEST_P(ProvisionerContractTest, PlanOfAnotherClusterIsToldFromItsOwn) {
  provisioner_->up(plan(2), Tenure::kStanding);
  if (!makesNodes(*provisioner_, plan(2))) GTEST_SKIP() << "this kind keeps no clusters";
  std::unique_ptr<Provisioner> other = sample_->make();
  EXPECT_THAT(other->differences(plan(2)), IsEmpty());
  EXPECT_THAT(other->differences(plan(1)), ElementsAre(HasSubstr("node2")));
  EXPECT_THAT(other->differences(plan(3)), ElementsAre(HasSubstr("node3")));
}

TEST_P(ProvisionerContractTest, ClusterThatIsNotThereIsSaidToBeNone) {
  EXPECT_EQ(failure([&] { provisioner_->find(cluster_); }), Kind::kNoSuchCluster);
  EXPECT_EQ(failure([&] { provisioner_->state(cluster_); }), Kind::kNoSuchCluster);
  if (makesNodes(*provisioner_, plan(1))) {
    EXPECT_EQ(failure([&] { provisioner_->differences(plan(1)); }), Kind::kNoSuchCluster);
  }
  EXPECT_EQ(lifeOf(*provisioner_, cluster_), std::nullopt);
  EXPECT_NO_THROW(provisioner_->down(cluster_));
  for (const char* name : {"", "..", "a/b", "-x"}) {
    EXPECT_EQ(failure([&] { provisioner_->find(name); }), Kind::kNoSuchCluster) << name;
    EXPECT_NO_THROW(provisioner_->down(name)) << name;
  }
}

TEST_P(ProvisionerContractTest, OwnedClusterEndsWithItsOwner) {
  ClusterDescription cluster = provisioner_->up(plan(1), Tenure::kOwned);
  bool makes = makesNodes(*provisioner_, plan(1));
  if (makes) {
    EXPECT_EQ(sample_->make()->state(cluster_).tenure, Tenure::kOwned);
  }
  provisioner_.reset();
  EXPECT_THAT(sample_->leftovers(cluster_), IsEmpty());
  EXPECT_EQ(isReachable(cluster.nodes[0]), !makes);
}

TEST_P(ProvisionerContractTest, CollectTakesLeftoversAndNothingElse) {
  ClusterDescription cluster = provisioner_->up(plan(1), Tenure::kStanding);
  EXPECT_THAT(provisioner_->collect(), Not(Contains(cluster_)));
  expectReachable(cluster);
  if (sample_->abandon(cluster_) == ContractSample::Abandoned::kNothingToKill) return;
  provisioner_ = sample_->make();
  EXPECT_TRUE(waitUntil(after(std::chrono::seconds(10)), [this] {
    return lifeOf(*provisioner_, cluster_) == ClusterEntry::Life::kLeftover;
  }));
  EXPECT_EQ(failure([&] { provisioner_->find(cluster_); }), Kind::kNoSuchCluster);
  EXPECT_THAT(provisioner_->collect(), Contains(cluster_));
  EXPECT_THAT(sample_->leftovers(cluster_), IsEmpty());
  EXPECT_EQ(lifeOf(*provisioner_, cluster_), std::nullopt);
}

TEST_P(ProvisionerContractTest, BadFilesAreRefusedWithTheirPlace) {
  std::vector<BadFile> bad = sample_->badFiles();
  EXPECT_FALSE(bad.empty());
  for (const BadFile& file : bad) {
    try {
      parsePlan(file.text, "f.yaml");
      ADD_FAILURE() << "accepted: " << file.text;
    } catch (const ClusterFileError& error) {
      EXPECT_THAT(error.what(), StartsWith("f.yaml:" + file.place + ": ")) << file.text;
    }
  }
}

TEST_P(ProvisionerContractTest, BadPlanIsRefusedBeforeAnythingIsTouched) {
  ClusterPlan wrong = plan(1);
  wrong.settings["no-such-key"] = Setting("no-such-key", "x");
  EXPECT_THROW(provisioner_->up(wrong, Tenure::kStanding), ClusterFileError);
  EXPECT_THAT(sample_->leftovers(cluster_), IsEmpty());
  EXPECT_EQ(lifeOf(*provisioner_, cluster_), std::nullopt);
}

TEST_P(ProvisionerContractTest, MachinesAreFrozenAndPoweredWhereThatIsPossible) {
  MachineControl* control = provisioner_->machineControl();
  if (control == nullptr) GTEST_SKIP() << "this kind does not control machines";
  ClusterDescription cluster = provisioner_->up(plan(2), Tenure::kOwned);
  control->powerOff(cluster_, "node1");
  EXPECT_FALSE(isReachable(cluster.nodes[0]));
  EXPECT_TRUE(isReachable(cluster.nodes[1]));
  EXPECT_THAT(provisioner_->state(cluster_).power, Contains(Pair("node1", Power::kOff)));
  control->powerOff(cluster_, "node1");  // Not an error.
  EXPECT_EQ(control->powerOn(cluster_, "node1"), PowerBefore::kOff);
  EXPECT_TRUE(isReachable(cluster.nodes[0]));
  EXPECT_EQ(control->powerOn(cluster_, "node1"), PowerBefore::kOn);
  EXPECT_TRUE(isReachable(cluster.nodes[0]));
  control->freeze(cluster_, "node2");
  EXPECT_THAT(provisioner_->state(cluster_).power,
              IsSupersetOf({Pair("node1", Power::kOn), Pair("node2", Power::kFrozen)}));
  control->thaw(cluster_, "node2");
  EXPECT_THAT(provisioner_->state(cluster_).power, Contains(Pair("node2", Power::kOn)));
  EXPECT_TRUE(failure([&] { control->powerOff(cluster_, "no-such-node"); }).has_value());
}

}  // namespace
}  // namespace harness
