// Shows that every mutant still fits the product, in each ordinary run; whether the simulation
// finds them is asked by ./dev simulate --bugs.
#include "tests_d/muster/simulation/mutant.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace simulation {
namespace {

namespace fs = std::filesystem;
using ::testing::EndsWith;
using ::testing::HasSubstr;

constexpr size_t kMutants = 38;
const fs::path kRoot = MUSTER_SOURCE_DIR;

std::string contentOf(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  EXPECT_TRUE(stream) << path;
  return text.str();
}

std::vector<fs::path> patches() {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(kRoot / "tests_d/muster/simulation/mutants")) {
    found.push_back(entry.path());
  }
  return found;
}

std::string errorOf(const std::string& patch, const std::string& source) {
  try {
    mutated(parseMutant(patch).changes.at(0), source);
  } catch (const MutantError& error) {
    return error.what();
  }
  return "";
}

const std::string kHead = "# One is two.\n--- a/x.cc\n+++ b/x.cc\n@@ -70,3 +70,3 @@\n";
const std::string kPatch = kHead + " int f() {\n-  return 1;\n+  return 2;\n }\n";

TEST(MutantTest, PatchIsReadWithItsMistakeAndItsFiles) {
  Mutant mutant = parseMutant(
      kPatch +
      "diff --git a/y.cc b/y.cc\nindex 1..2 100644\n--- a/y.cc\n+++ b/y.cc\n@@ -1 +1 @@\n-a\n+b\n");
  EXPECT_EQ(mutant.mistake, "One is two.");
  ASSERT_EQ(mutant.changes.size(), 2u);
  EXPECT_EQ(mutant.changes[0].path, "x.cc");
  EXPECT_EQ(mutant.changes[0].hunks.at(0).before, "int f() {\n  return 1;\n}\n");
  EXPECT_EQ(mutant.changes[1].hunks.at(0).after, "b\n");
}

TEST(MutantTest, HunkStandsWhereItsTextStands) {
  FileChange change = parseMutant(kPatch).changes.at(0);
  EXPECT_EQ(mutated(change, "int f() {\n  return 1;\n}\n"), "int f() {\n  return 2;\n}\n");
  EXPECT_EQ(mutated(change, "\nint a;\nint f() {\n  return 1;\n}\nint b;\n"),
            "\nint a;\nint f() {\n  return 2;\n}\nint b;\n");
}

TEST(MutantTest, HunkThatFitsNowhereOrTwiceIsRefused) {
  EXPECT_THAT(errorOf(kPatch, "int f() {\n  return 3;\n}\n"),
              HasSubstr("line 4: these lines stand 0 times in x.cc, must be once:\nint f() {"));
  EXPECT_THAT(errorOf(kPatch, "int f() {\n  return 1;\n}\nint f() {\n  return 1;\n}\n"),
              HasSubstr("stand 2 times"));
  EXPECT_THAT(errorOf(kPatch, "uint f() {\n  return 1;\n}\n"), HasSubstr("stand 0 times"));
}

TEST(MutantTest, PatchThatIsNoneIsRefused) {
  EXPECT_THAT(errorOf("--- a/x.cc\n", ""), HasSubstr("line 1: must say what the mistake is"));
  EXPECT_THAT(errorOf("# A.\n@@ -1 +1 @@\n", ""), HasSubstr("line 2: a hunk before the name"));
  EXPECT_THAT(errorOf("# A.\n+++ b/x.cc\n", ""), HasSubstr("no hunk for x.cc"));
  EXPECT_THAT(errorOf("# A.\n", ""), HasSubstr("no file is changed"));
  EXPECT_THAT(errorOf(kHead + " int f();\n", ""), HasSubstr("line 4: the hunk changes nothing"));
  EXPECT_THAT(errorOf(kHead + "+int f();\n", ""), HasSubstr("no line to be found by"));
  EXPECT_THAT(errorOf(kHead + "int f();\n", ""), HasSubstr("line 5: neither context nor change"));
}

// A mutant that does not fit is repaired, not removed: docs/internals/simulation.md says how.
TEST(MutantTest, EveryMutantFitsTheProduct) {
  for (const fs::path& path : patches()) {
    SCOPED_TRACE(path.string());
    ASSERT_EQ(path.extension(), ".patch");
    try {
      Mutant mutant = parseMutant(contentOf(path));
      EXPECT_THAT(mutant.mistake, EndsWith("."));
      for (const FileChange& change : mutant.changes) {
        EXPECT_THAT(change.path, EndsWith(".cc")) << "a header has no object of its own";
        mutated(change, contentOf(kRoot / change.path));
      }
    } catch (const MutantError& error) {
      ADD_FAILURE() << error.what();
    }
  }
}

TEST(MutantTest, NoMutantIsMissing) {
  EXPECT_EQ(patches().size(), kMutants);
}

}  // namespace
}  // namespace simulation
