// Tests which property of gtest's reports has the packages of a node.
#include "harness/api/package_report.h"

#include <gtest/gtest.h>

namespace harness {
namespace {

std::string property(const std::string& key) {
  const testing::TestResult& result =
      *testing::UnitTest::GetInstance()->current_test_info()->result();
  for (int i = 0; i < result.test_property_count(); ++i) {
    if (key == result.GetTestProperty(i).key()) return result.GetTestProperty(i).value();
  }
  return "none";
}

TEST(PackageReportTest, PackagesOfANodeAreJoined) {
  reportPackages("server1", {{"kvd", "1.2-3"}, {"libkv", "4"}});
  reportPackages("server2", {{"kvd", "1.2-4"}});
  reportPackages("server1", {{"tools", "5"}});
  EXPECT_EQ(property("server1.packages"), "kvd 1.2-3, libkv 4, tools 5");
  EXPECT_EQ(property("server2.packages"), "kvd 1.2-4");
}

TEST(PackageReportTest, NoPackagesAreNoProperty) {
  reportPackages("server1", {});
  EXPECT_EQ(property("server1.packages"), "none");
}

}  // namespace
}  // namespace harness
