// Samples by which contract/contract_testing.cc holds a kind of provisioner to provisioner.h.
//
// A kind's folder has a file contract_sample_test.cc with a class of its own and one line:
//
//   INSTANTIATE_TEST_SUITE_P(toy, ProvisionerContractTest,
//   ::testing::Values(&makeSample<ToySample>));
//
// The first word is the kind's name; a kind without it fails the test.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "harness/provision/provisioner.h"

namespace harness {

// A cluster file that must be refused, and the place, such as "2:14".
struct BadFile {
  std::string text;
  std::string place;
};

// An environment in which clusters of one kind can be made, and looked at from outside.
class ContractSample {
 public:
  virtual ~ContractSample() = default;

  // Returns why there can be no cluster here. Empty: there can.
  virtual std::string missing() { return ""; }

  // Returns a cluster file with the nodes node1 to nodeN, all of the role "server".
  virtual std::string file(const std::string& cluster, size_t nodes) = 0;

  // Returns a provisioner as another process would have one.
  virtual std::unique_ptr<Provisioner> make() = 0;

  // Give a cluster file with node1, and a provisioner by which node1 does not come up.
  virtual std::string brokenFile(const std::string& cluster) { return file(cluster, 1); }
  virtual std::unique_ptr<Provisioner> makeBroken() { return make(); }

  // Lists everything outside of the process that still belongs to the cluster, a line for each.
  virtual std::string leftovers(const std::string& cluster) = 0;

  enum class Abandoned { kYes, kNothingToKill };

  // Kills the keeper of the cluster, so that leftovers stay. The nodes may be gone or not.
  virtual Abandoned abandon(const std::string& /*cluster*/) { return Abandoned::kNothingToKill; }

  virtual std::vector<BadFile> badFiles() = 0;
};

template <typename Sample>
std::unique_ptr<ContractSample> makeSample() {
  return std::make_unique<Sample>();
}

class ProvisionerContractTest
    : public ::testing::TestWithParam<std::unique_ptr<ContractSample> (*)()> {
 protected:
  void SetUp() override;
  void TearDown() override;

  ClusterPlan plan(size_t nodes) const;

  std::unique_ptr<ContractSample> sample_;
  std::unique_ptr<Provisioner> provisioner_;
  std::string cluster_;
};

}  // namespace harness
