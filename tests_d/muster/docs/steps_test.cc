#include "tests_d/muster/docs/steps.h"

#include <stdlib.h>

#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace docs {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class StepsTest : public ::testing::Test {
 protected:
  StepsTest() {
    char pattern[] = "/tmp/muster-steps-XXXXXX";
    root_ = mkdtemp(pattern);
    std::ofstream(root_ / "list.cc") << "begin\n  first,\n  second,\nend\n";
  }
  ~StepsTest() override { fs::remove_all(root_); }

  std::string contentOf(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(root_ / path).rdbuf();
    return text.str();
  }

  std::string errorOf(const std::string& document) {
    try {
      for (const Step& step : stepsOf(document)) follow(step, root_);
    } catch (const StepError& error) {
      return error.what();
    }
    return "";
  }

  fs::path root_;
};

const std::string kChange =
    "```diff\n--- a/list.cc\n+++ b/list.cc\n@@ -3 +3,2 @@\n   second,\n+  third,\n```\n";

TEST_F(StepsTest, EveryKindOfStepIsRead) {
  auto steps =
      stepsOf("# A service\n\nWords.\n\n`a/b.h`:\n\n```cpp\nint x;\n\nint y;\n```\nWords.\n" +
              kChange + "\n```text\n`no.h`:\n```\n```sh\ntrue\n```\n```text\nno\n```\n");
  ASSERT_EQ(steps.size(), 3u);
  EXPECT_EQ(steps[0].kind, Step::Kind::kMake);
  EXPECT_EQ(steps[0].line, 7u);
  EXPECT_EQ(steps[0].path, "a/b.h");
  EXPECT_EQ(steps[0].text, "int x;\n\nint y;\n");
  EXPECT_EQ(steps[1].kind, Step::Kind::kChange);
  EXPECT_EQ(steps[2].kind, Step::Kind::kRun);
  EXPECT_EQ(steps[2].text, "true\n");
}

TEST_F(StepsTest, FilesAreMadeAndChanged) {
  EXPECT_EQ(errorOf("`a/b/c.h`\n\n```cpp\nint x;\n```\n" + kChange), "");
  EXPECT_EQ(contentOf("a/b/c.h"), "int x;\n");
  EXPECT_EQ(contentOf("list.cc"), "begin\n  first,\n  second,\n  third,\nend\n");
}

TEST_F(StepsTest, StepThatDoesNotFitTheTreeIsRefused) {
  EXPECT_THAT(errorOf("`list.cc`:\n```\n```\n"), HasSubstr("line 2: list.cc is there already"));
  std::ofstream(root_ / "list.cc") << "second\n";
  EXPECT_THAT(errorOf(kChange), HasSubstr("line 1: of its block, line 3: these lines stand 0"));
  EXPECT_THAT(errorOf("```diff\nint x;\n```\n"),
              HasSubstr("line 1: of its block, line 1: belongs"));
}

TEST_F(StepsTest, DocumentThatCannotBeFollowedIsRefused) {
  EXPECT_THAT(errorOf("`a.h`:\nWords.\n"), HasSubstr("line 1: no block follows a.h"));
  EXPECT_THAT(errorOf("Words\n`a.h`:\n"), HasSubstr("line 2: no block follows a.h"));
  EXPECT_THAT(errorOf("Words:\n\n```cpp\nint x;\n```\n"), HasSubstr("line 3: no step"));
  EXPECT_THAT(errorOf("```sh\ntrue\n"), HasSubstr("line 1: the block has no end"));
}

}  // namespace
}  // namespace docs
