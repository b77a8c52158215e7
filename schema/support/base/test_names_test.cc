#include "schema/support/base/test_names.h"

#include <gtest/gtest.h>

namespace support {
namespace {

TEST(TestNamesTest, SuitesAreReducedToTheirFixture) {
  EXPECT_EQ(suiteBaseName("ReplicaTest"), "ReplicaTest");
  EXPECT_EQ(suiteBaseName("All/VolumeTest"), "VolumeTest");
  EXPECT_EQ(suiteBaseName("QueueTest/0"), "QueueTest");
  EXPECT_EQ(suiteBaseName("My/QueueTest/12"), "QueueTest");
}

TEST(TestNamesTest, MarksAndParametersAreNoneOfTheSourcesName) {
  EXPECT_EQ(suiteSourceName("All/DISABLED_KvTest"), "KvTest");
  EXPECT_EQ(testSourceName("DISABLED_Heals/3"), "Heals");
  EXPECT_EQ(testSourceName("Heals"), "Heals");
}

TEST(TestNamesTest, MarkOfTheSuiteOrTheTestDisables) {
  EXPECT_TRUE(isDisabledTest("KvTest", "DISABLED_Heals"));
  EXPECT_TRUE(isDisabledTest("All/DISABLED_KvTest", "Heals/0"));
  EXPECT_TRUE(isDisabledTest("DISABLED_KvTest", "Heals"));
  EXPECT_FALSE(isDisabledTest("KvTest", "HealsDISABLED_"));
}

}  // namespace
}  // namespace support
