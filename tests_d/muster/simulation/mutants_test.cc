// Shows in each ordinary run that every mutant still fits the product.
//
// A mutant is a patch in mutants/ that makes one mistake, and its first line says which. Whether
// the simulation finds the mutants is the question of ./dev simulate --bugs
// (docs/internals/simulation.md).
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests_d/muster/support/patch.h"

namespace simulation {
namespace {

namespace fs = std::filesystem;
using ::testing::EndsWith;

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

// A mutant that does not fit is repaired, not removed: docs/internals/simulation.md says how.
TEST(MutantsTest, EveryMutantFitsTheProduct) {
  for (const fs::path& path : patches()) {
    SCOPED_TRACE(path.string());
    ASSERT_EQ(path.extension(), ".patch");
    try {
      muster_tests::Patch mutant = muster_tests::parsePatch(contentOf(path));
      EXPECT_THAT(mutant.comment, EndsWith(".")) << "its first line must say what the mistake is";
      for (const muster_tests::FileChange& change : mutant.changes) {
        EXPECT_THAT(change.path, EndsWith(".cc")) << "a header has no object of its own";
        muster_tests::changed(change, contentOf(kRoot / change.path));
      }
    } catch (const muster_tests::PatchError& error) {
      ADD_FAILURE() << error.what();
    }
  }
}

TEST(MutantsTest, NoMutantIsMissing) {
  EXPECT_EQ(patches().size(), kMutants);
}

}  // namespace
}  // namespace simulation
