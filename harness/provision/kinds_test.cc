#include "harness/provision/kinds.h"

#include <gmock/gmock.h>

#include "harness/provision/error.h"

namespace harness {
namespace {

using ::testing::Contains;
using ::testing::StartsWith;

TEST(ProvisionerKindsTest, EveryKindHasASampleForItsContract) {
  std::vector<std::string> suites;
  const testing::UnitTest& all = *testing::UnitTest::GetInstance();
  for (int i = 0; i < all.total_test_suite_count(); ++i) {
    suites.emplace_back(all.GetTestSuite(i)->name());
  }
  for (const ProvisionerKind* kind : builtInKinds()) {
    EXPECT_THAT(suites, Contains(kind->name + "/ProvisionerContractTest"))
        << "write harness/provision/" << kind->name << "/contract_sample_test.cc";
  }
}

TEST(ProvisionerKindsTest, UnknownKindIsRefusedWithTheKnownOnes) {
  EXPECT_THAT([] { makeProvisioner("cloud"); },
              ::testing::ThrowsMessage<ProvisionError>(
                  StartsWith("no such provisioner: \"cloud\"; there are: " + defaultKind().name)));
  for (const std::string& name : provisionerNames()) EXPECT_NE(makeProvisioner(name), nullptr);
}

}  // namespace
}  // namespace harness
