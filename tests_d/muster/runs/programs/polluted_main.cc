// A test program of which some tests make others fail, which test_bisect.cc finds.
#include <cstdlib>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

namespace {

// State of the process.
int loaded = 0;

std::string path(const std::string& name) {
  return std::string(std::getenv("BROKEN_DIRECTORY")) + "/" + name;
}

bool isThere(const std::string& name) {
  return std::ifstream(path(name)).good();
}

TEST(Memory, Innocent) {}
TEST(Memory, Loads) {
  ++loaded;
}
TEST(Memory, AlsoInnocent) {}
TEST(Memory, LoadsMore) {
  ++loaded;
}
TEST(Memory, LastInnocent) {}
TEST(Memory, FailsAfterOne) {
  EXPECT_LT(loaded, 1);
}
TEST(Memory, FailsAfterTwo) {
  EXPECT_LT(loaded, 2);
}

// State of the machine, which outlives processes. What a step leaves, the next one finds, so that
// the first test of a run cleans up.
TEST(AFiles, Begin) {
  std::remove(path("left").c_str());
}
TEST(BFiles, Innocent) {}
TEST(CFiles, Leaves) {
  std::ofstream(path("left")) << "left";
}
TEST(DFiles, Innocent) {}
TEST(EFiles, Fails) {
  bool found = isThere("left");
  std::remove(path("left").c_str());
  EXPECT_FALSE(found);
}

TEST(Other, FailsAlone) {
  FAIL() << "always";
}

// Fails the first time only.
TEST(Other, FailsOnce) {
  bool hasFailed = isThere("failed");
  std::ofstream(path("failed")) << "yes";
  EXPECT_TRUE(hasFailed);
}

// Fails in every other run.
TEST(Other, Flickers) {
  bool flickers = isThere("flickers");
  if (flickers) {
    std::remove(path("flickers").c_str());
  } else {
    std::ofstream(path("flickers")) << "yes";
  }
  EXPECT_TRUE(flickers);
}

TEST(Other, Passes) {}

}  // namespace
