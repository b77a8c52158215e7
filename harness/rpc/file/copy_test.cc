// Tries what a copy refuses before anything is touched.
#include "harness/rpc/file/copy.h"

#include <stdlib.h>

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/rpc/controller.h"
#include "harness/rpc/fake/fake_agent_fixture.h"

namespace harness {
namespace {

using testing::HasSubstr;

class CopyTest : public testing::Test {
 protected:
  CopyTest() {
    char pattern[] = "/tmp/muster-copy-XXXXXX";
    directory_ = ::mkdtemp(pattern);
    options_.what = CopyOptions::What::kTree;
  }
  ~CopyTest() override { std::filesystem::remove_all(directory_); }

  muster::NodeError refusal() {
    CopyEnd source{nullptr, directory_};
    CopyEnd target{&controller_.connect(agent_.description()), "/tree"};
    return errorOf([&] { copy(source, target, options_, in(std::chrono::seconds(5))); });
  }

  FakeAgent agent_;
  Controller controller_;
  std::string directory_;
  CopyOptions options_;
};

// An agent of protocol 1.0 would pass over the fields that a faithful copy takes.
TEST_F(CopyTest, TreeForAnAgentThatIsTooOldIsRefused) {
  agent_.change([](auto& script) { script.grantForm = FakeAgent::GrantForm::kField; });
  muster::NodeError error = refusal();
  EXPECT_EQ(error.kind(), muster::NodeError::Kind::kUnsupported);
  EXPECT_THAT(error.detail(), HasSubstr("this agent is too old for copies of trees: it speaks "
                                        "protocol 1.0, and they came with 1.2"));
}

TEST_F(CopyTest, TreeInPlaceIsRefused) {
  options_.write.way = muster::WriteWay::kInPlace;
  EXPECT_EQ(refusal().kind(), muster::NodeError::Kind::kInvalid);
}

}  // namespace
}  // namespace harness
