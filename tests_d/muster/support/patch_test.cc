#include "tests_d/muster/support/patch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace muster_tests {
namespace {

using ::testing::HasSubstr;

std::string errorOf(const std::string& patch, const std::string& source) {
  try {
    changed(parsePatch(patch).changes.at(0), source);
  } catch (const PatchError& error) {
    return error.what();
  }
  return "";
}

const std::string kHead = "# One is two.\n--- a/x.cc\n+++ b/x.cc\n@@ -70,3 +70,3 @@\n";
const std::string kPatch = kHead + " int f() {\n-  return 1;\n+  return 2;\n }\n";

TEST(PatchTest, IsReadWithItsCommentAndItsFiles) {
  Patch patch = parsePatch(
      kPatch +
      "diff --git a/y.cc b/y.cc\nindex 1..2 100644\n--- a/y.cc\n+++ b/y.cc\n@@ -1 +1 @@\n-a\n+b\n");
  EXPECT_EQ(patch.comment, "One is two.");
  ASSERT_EQ(patch.changes.size(), 2u);
  EXPECT_EQ(patch.changes[0].path, "x.cc");
  EXPECT_EQ(patch.changes[0].hunks.at(0).before, "int f() {\n  return 1;\n}\n");
  EXPECT_EQ(patch.changes[1].hunks.at(0).after, "b\n");
}

TEST(PatchTest, HunkStandsWhereItsTextStands) {
  FileChange change = parsePatch(kPatch).changes.at(0);
  EXPECT_EQ(changed(change, "int f() {\n  return 1;\n}\n"), "int f() {\n  return 2;\n}\n");
  EXPECT_EQ(changed(change, "\nint a;\nint f() {\n  return 1;\n}\nint b;\n"),
            "\nint a;\nint f() {\n  return 2;\n}\nint b;\n");
}

TEST(PatchTest, HunkThatFitsNowhereOrTwiceIsRefused) {
  EXPECT_THAT(errorOf(kPatch, "int f() {\n  return 3;\n}\n"),
              HasSubstr("line 4: these lines stand 0 times in x.cc, must be once:\nint f() {"));
  EXPECT_THAT(errorOf(kPatch, "int f() {\n  return 1;\n}\nint f() {\n  return 1;\n}\n"),
              HasSubstr("stand 2 times"));
  EXPECT_THAT(errorOf(kPatch, "uint f() {\n  return 1;\n}\n"), HasSubstr("stand 0 times"));
}

TEST(PatchTest, TextThatIsNoPatchIsRefused) {
  EXPECT_THAT(errorOf("--- a/x.cc\n", ""), HasSubstr("no file is changed"));
  EXPECT_THAT(errorOf("# A.\n@@ -1 +1 @@\n", ""), HasSubstr("line 2: a hunk before the name"));
  EXPECT_THAT(errorOf("# A.\n+++ b/x.cc\n", ""), HasSubstr("no hunk for x.cc"));
  EXPECT_THAT(errorOf("# A.\n", ""), HasSubstr("no file is changed"));
  EXPECT_THAT(errorOf(kHead + " int f();\n", ""), HasSubstr("line 4: the hunk changes nothing"));
  EXPECT_THAT(errorOf(kHead + "+int f();\n", ""), HasSubstr("no line to be found by"));
  EXPECT_THAT(errorOf(kHead + "int f();\n", ""), HasSubstr("line 5: neither context nor change"));
}

}  // namespace
}  // namespace muster_tests
