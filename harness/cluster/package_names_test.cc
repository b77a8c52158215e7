// Tests the key `packages` of a cluster file.
#include "harness/cluster/package_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "harness/cluster/cluster_file_testing.h"

namespace harness {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::ThrowsMessage;

TEST(PackageNamesTest, ClusterFileNamesThem) {
  ClusterWishes wishes =
      planOf("nodes: {a: {role: x}}\npackages: [glusterfs-server, libstdc++6]").wishes;
  EXPECT_THAT(wishes.packages, ElementsAre("glusterfs-server", "libstdc++6"));
  nlohmann::json json = toJson(wishes);
  EXPECT_THAT(wishesFromJson(json).packages, ElementsAre("glusterfs-server", "libstdc++6"));
  json.erase("packages");
  EXPECT_THAT(wishesFromJson(json).packages, IsEmpty());
}

TEST(PackageNamesTest, WrongOnesAreRefusedWithTheirPlace) {
  for (const char* name : {"-o", "a b", "'a;b'", "../a"}) {
    EXPECT_THAT([&] { planOf(std::string("nodes: {a: {role: x}}\npackages: [") + name + "]"); },
                ThrowsMessage<ClusterFileError>(AllOf(HasSubstr(":2:12: packages: "),
                                                      HasSubstr("is not the name of a package"))))
        << name;
  }
  std::string many = "x";
  for (size_t i = 0; i < kPackagesMax; ++i) many += ", x";
  EXPECT_THAT([&] { planOf("nodes: {a: {role: x}}\npackages: [" + many + "]"); },
              ThrowsMessage<ClusterFileError>(HasSubstr("65 of them, at most 64 are possible")));
}

}  // namespace
}  // namespace harness
