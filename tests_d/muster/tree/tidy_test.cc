// Shows that each rule of tidy.h does complain, and where it must not.
#include "tests_d/muster/tree/tidy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tree {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string repeated(const std::string& line, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += line;
  return text;
}

TEST(TidyTest, LongFileNeedsAReason) {
  EXPECT_THAT(checkBudgets({"a/b.h", repeated("\n", 250)}), IsEmpty());
  EXPECT_THAT(checkBudgets({"a/b.h", repeated("\n", 251)}),
              ElementsAre(HasSubstr("a/b.h:1: file of 251 lines; at most 250")));
  EXPECT_THAT(checkBudgets({"a/b.h", "// Over budget: a table.\n" + repeated("\n", 400)}),
              IsEmpty());
}

TEST(TidyTest, NoReasonExcusesTwiceTheBudget) {
  EXPECT_THAT(checkBudgets({"a/b.h", "// Over budget: a table.\n" + repeated("\n", 500)}),
              ElementsAre(HasSubstr("file of 501 lines")));
}

TEST(TidyTest, LongFunctionAndLongTestBodyAreFound) {
  EXPECT_THAT(checkBudgets({"a/b.cc", "int f() {\n" + repeated("  x();\n", 71) + "}\n"}),
              ElementsAre("a/b.cc:1: function of 71 lines; at most 70"));
  EXPECT_THAT(checkBudgets({"a/b.cc", "TEST(A, B) {\n" + repeated("  x();\n", 41) + "}\n"}),
              ElementsAre("a/b.cc:1: test body of 41 lines; at most 40"));
  EXPECT_THAT(checkBudgets({"a/b.cc", "int f() {\n" + repeated("  x();\n", 70) + "}\n"}),
              IsEmpty());
}

TEST(TidyTest, LongLineIsFound) {
  EXPECT_THAT(checkBudgets({"a/b.cc", "// " + std::string(98, 'x') + "\n"}),
              ElementsAre("a/b.cc:1: line of 101 characters; at most 100"));
}

TEST(TidyTest, SleepIsFoundOutsideOfItsHomes) {
  std::string text = "void f() { std::this_thread::sleep_for(1s); }\n";
  EXPECT_THAT(checkBannedWords({"harness/rpc/a.cc", text}), ElementsAre(HasSubstr("sleeps")));
  EXPECT_THAT(checkBannedWords({"nodeagent/os/a.cc", text}), IsEmpty());
}

TEST(TidyTest, UnfinishedWorkIsFound) {
  EXPECT_THAT(checkBannedWords({"harness/rpc/a.cc", "// TODO(now): check\n"}),
              ElementsAre(HasSubstr("unfinished")));
}

TEST(TidyTest, TestNameWithUnderscoreIsFound) {
  EXPECT_THAT(checkTestNames({"a_test.cc", "TEST_F(LeaseTest, Lease_Ends) {\n"}),
              ElementsAre(HasSubstr("\"Lease_Ends\"")));
  EXPECT_THAT(checkTestNames({"a_test.cc", "TEST_F(LeaseTest, LeaseEnds) {\n"}), IsEmpty());
}

TEST(TidyTest, IncludeThatPointsUpOrSidewaysIsFound) {
  EXPECT_THAT(checkLayers({"nodeagent/exec/a.cc", "#include \"nodeagent/file/b.h\"\n"}),
              ElementsAre(HasSubstr("may not")));
  EXPECT_THAT(checkLayers({"harness/include/muster/a.h", "#include <kj/async.h>\n"}),
              ElementsAre(HasSubstr("<kj/async.h>")));
  EXPECT_THAT(checkLayers({"tests_d/x/test_a.cc", "#include \"harness/rpc/controller.h\"\n"}),
              ElementsAre(HasSubstr("may not")));
  EXPECT_THAT(checkLayers({"tests_d/x/test_a.cc", "#include \"tests_d/x/component.h\"\n"}),
              IsEmpty());
}

TEST(TidyTest, ConnectionsStandBelowThePublicClasses) {
  for (const char* upward :
       {"#include <muster/node.h>\n", "#include <muster/process.h>\n", "#include <muster/file.h>\n",
        "#include <muster/service.h>\n", "#include \"harness/api/access.h\"\n"}) {
    EXPECT_THAT(checkLayers({"harness/rpc/a.cc", upward}), ElementsAre(HasSubstr("may not")));
  }
  EXPECT_THAT(checkLayers({"harness/rpc/a.cc", "#include <muster/node_state.h>\n"}), IsEmpty());
  EXPECT_THAT(checkLayers({"harness/values/a.cc", "#include <muster/node.h>\n"}),
              ElementsAre(HasSubstr("may not")));
  EXPECT_THAT(checkLayers({"harness/api/a.cc", "#include \"harness/rpc/echo/echo.h\"\n"}),
              IsEmpty());
}

TEST(TidyTest, LibraryOutsideOfItsHomeIsFound) {
  EXPECT_THAT(checkLayers({"nodeagent/main.cc", "#include <spdlog/spdlog.h>\n"}),
              Contains(HasSubstr("log through")));
}

TEST(TidyTest, LateOwnHeaderIsFound) {
  EXPECT_THAT(
      checkLayers({"harness/rpc/a.cc", "#include <string>\n#include \"harness/rpc/a.h\"\n"}),
      ElementsAre(HasSubstr("comes first")));
}

TEST(TidyTest, ExampleThatIsNotTestedIsFound) {
  SourceFile document{"docs/a.md", "```cpp\nint  x;\nfoo();\n```\n"};
  EXPECT_THAT(checkDocument(document, {{"tests_d/a/test_a.cc", "  int  x;\n\n  foo();\n"}}),
              IsEmpty());
  EXPECT_THAT(checkDocument(document, {{"tests_d/a/test_a.cc", "  int  x;\n  bar();\n"}}),
              ElementsAre(HasSubstr("docs/a.md:1: example stands in no test")));
}

TEST(TidyTest, DeadLinkIsFound) {
  SourceFile document{"docs/a.md", "see [b](../README.md) and [c](none.md#x)\n"};
  EXPECT_THAT(checkDocument(document, {{"README.md", ""}}),
              ElementsAre(HasSubstr("links to \"none.md\"")));
}

}  // namespace
}  // namespace tree
