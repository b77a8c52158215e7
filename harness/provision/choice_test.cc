// Tests which cluster is meant. Tests that need a cluster that is up are in local/local_test.cc.
#include "harness/provision/choice.h"

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/provision/error.h"

namespace harness {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class ChoiceTest : public ::testing::Test {
 protected:
  ChoiceTest() {
    char pattern[] = "/tmp/muster-choice-XXXXXX";
    directory_ = ::mkdtemp(pattern);
  }
  ~ChoiceTest() override { std::filesystem::remove_all(directory_); }

  std::string file(const std::string& text) const {
    std::string path = directory_ + "/" + name_ + ".yaml";
    std::ofstream(path) << text;
    return path;
  }

  std::string directory_;
  std::string name_ = "choice" + std::to_string(::getpid());
};

TEST_F(ChoiceTest, OptionCountsBeforeTheEnvironment) {
  ::setenv(kClusterVariable, "from-environment", 1);
  EXPECT_EQ(clusterText("from-option"), "from-option");
  EXPECT_EQ(clusterText(""), "from-environment");
  ::unsetenv(kClusterVariable);
  EXPECT_EQ(clusterText(""), "");
}

TEST_F(ChoiceTest, FilesAreToldFromNames) {
  for (const char* path : {"./demo", "a/b", "demo.yaml", "demo.yml"}) {
    EXPECT_TRUE(looksLikeFile(path)) << path;
  }
  for (const char* name : {"demo", "demo.yaml.old", ""}) EXPECT_FALSE(looksLikeFile(name)) << name;
}

TEST_F(ChoiceTest, ClusterOfAFileThatIsNotUpIsToBeMade) {
  Choice choice = chooseCluster(file("nodes: {a: {role: server}}"));
  auto* absent = std::get_if<ClusterToMake>(&choice);
  ASSERT_NE(absent, nullptr);
  EXPECT_EQ(absent->plan.name, name_);
  EXPECT_FALSE(absent->foretold.has_value());
  EXPECT_THAT(absent->reason, HasSubstr("no running local cluster \"" + name_ + "\""));
}

TEST_F(ChoiceTest, ClusterWhoseNodesExistIsKnownFromItsFile) {
  Choice choice = chooseCluster(
      file("provisioner: static\nnodes: {a: {role: server, address: \"unix:/nowhere/a.sock\"}}"));
  auto* absent = std::get_if<ClusterToMake>(&choice);
  ASSERT_NE(absent, nullptr);
  ASSERT_TRUE(absent->foretold.has_value());
  EXPECT_EQ(absent->foretold->nodes.at(0).route.endpoint.path(), "/nowhere/a.sock");
}

TEST_F(ChoiceTest, FileThatIsWrongIsNotTakenForAClusterThatIsNotUp) {
  EXPECT_THROW(chooseCluster(file("nods: {}")), ClusterFileError);
  EXPECT_THROW(chooseCluster("/nowhere/f.yaml"), ClusterFileError);
}

TEST_F(ChoiceTest, UnknownNameIsRefusedWithTheReasonOfEachKind) {
  try {
    chooseCluster(name_);
    ADD_FAILURE() << "there is such a cluster";
  } catch (const ChoiceError& error) {
    EXPECT_EQ(error.kind(), ChoiceError::Kind::kNone);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("no running local cluster \"" + name_ + "\""),
                                    HasSubstr("a static cluster is known by its file")));
  }
}

}  // namespace
}  // namespace harness
