// Tests what is taken from a scripted agent, and that nothing of it throws. Files of real nodes are
// tried by tests_d/muster/logs.
#include "harness/collect/collect.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/rpc/controller.h"
#include "harness/rpc/fake/fake_agent.h"

namespace harness {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class CollectTest : public testing::Test {
 protected:
  CollectTest() {
    char path[] = "/tmp/muster-collect-XXXXXX";
    directory_ = ::mkdtemp(path);
  }
  ~CollectTest() override { std::filesystem::remove_all(directory_); }

  Collected collect(const CollectWish& wish, const std::string& directory,
                    std::chrono::seconds within = 20s) {
    auto end = std::chrono::steady_clock::now() + within;
    return collectFrom({{&node_, wish}}, directory, end).at(0);
  }
  std::string content(const std::string& path) const {
    std::ostringstream text;
    text << std::ifstream(directory_ + "/n1/" + path).rdbuf();
    return text.str();
  }

  std::string directory_;
  FakeAgent agent_;
  Controller controller_;
  ControllerNode& node_ = controller_.connect(agent_.description());
};

TEST_F(CollectTest, OutputsAreFilesWithTheEndsOfTheirCommands) {
  Collected collected = collect({.commands = {{"emit", "hello"}, {"fail", "x"}}}, directory_);
  EXPECT_TRUE(collected.isReached);
  EXPECT_EQ(collected.outputs, 2u);
  EXPECT_THAT(content("commands/01-emit.txt"),
              AllOf(HasSubstr("$ [\"emit\", \"hello\"]\nhello\n"), HasSubstr("status 0]")));
  EXPECT_THAT(collected.gaps, ElementsAre(HasSubstr("commands/02-fail.txt: exited with status 3")));
  EXPECT_THAT(content("collected.txt"),
              AllOf(HasSubstr("01-emit.txt: 5 bytes"), HasSubstr("cut, failed or not to be had")));
}

TEST_F(CollectTest, FailuresAreGapsAndDoNotKeepTheRestAway) {
  Collected collected =
      collect({.files = {"/var/*.log"}, .commands = {{"missing"}, {"emit", "hello"}}}, directory_);
  EXPECT_THAT(collected.gaps,
              AllOf(Contains(HasSubstr("01-missing")), Contains(HasSubstr("/var/*.log: node n1"))));
  EXPECT_THAT(content("commands/02-emit.txt"), HasSubstr("hello"));
}

TEST_F(CollectTest, NodeThatIsGoneIsAGap) {
  agent_.stopListening();
  agent_.drop();
  Collected collected = collect({.commands = {{"emit", "hello"}}}, directory_, 1s);
  EXPECT_FALSE(collected.isReached);
  EXPECT_THAT(collected.gaps, ElementsAre(HasSubstr("nothing was taken: node n1")));
  EXPECT_THAT(content("collected.txt"), HasSubstr("nothing was taken"));
}

TEST_F(CollectTest, DirectoryThatCannotBeMadeIsAGap) {
  Collected collected = collect({.commands = {{"emit", "hello"}}}, "/proc/nowhere");
  EXPECT_THAT(collected.gaps, Not(IsEmpty()));
}

TEST_F(CollectTest, TextCountsWhatCame) {
  Collected collected{.node = "n1", .bytes = 3100, .files = 2, .outputs = 1};
  EXPECT_EQ(toString(collected), "n1: 2 files and 1 output, 3100 bytes");
  collected.gaps = {"x", "y"};
  EXPECT_THAT(toString(collected), HasSubstr("bytes; 2 gaps"));
}

}  // namespace
}  // namespace harness
