#include "harness/runner/wrapper.h"

#include <stdlib.h>

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/runner/planned.h"

namespace harness::runner {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

TEST(WrapperTest, DirectoryIsMadeForThoseThatNameIt) {
  char pattern[] = "/tmp/muster-wrapper-XXXXXX";
  std::string top = mkdtemp(pattern);
  std::string directory = top + "/a/b";
  EXPECT_THAT(wordsFor({.words = {"t", "-o", "x"}}, directory), ElementsAre("t", "-o", "x"));
  EXPECT_FALSE(std::filesystem::exists(directory));
  EXPECT_THAT(wordsFor({.words = {"t", "-o{directory}/x", "{directory}{directory}"}}, directory),
              ElementsAre("t", "-o" + directory + "/x", directory + directory));
  EXPECT_TRUE(std::filesystem::is_directory(directory));
  std::filesystem::remove_all(top);
}

TEST(BatchesTest, ProcessIsForACaseASuiteOrAProgram) {
  PlannedProgram program{.tests = {{.name = "A.a"}, {.name = "A.b"}, {.name = "B.a"}}};
  EXPECT_THAT(processesOf(program, ProcessFor::kCase), SizeIs(3));
  EXPECT_THAT(processesOf(program, ProcessFor::kSuite), ElementsAre(SizeIs(2), SizeIs(1)));
  EXPECT_THAT(processesOf(program, ProcessFor::kProgram), ElementsAre(SizeIs(3)));
  EXPECT_EQ(countProcesses({program, program}, ProcessFor::kSuite, 3), 12u);
}

}  // namespace
}  // namespace harness::runner
