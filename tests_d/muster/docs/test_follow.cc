// Follows the documents that say how to add something to Muster, step by step, on a copy of the
// tree.
//
// The result must build and pass its tests, so a reader can trust the documents.
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests_d/muster/docs/steps.h"
#include "tests_d/muster/support/shell.h"

namespace docs {
namespace {

namespace fs = std::filesystem;
using muster_tests::ShellResult;

// Runs shell text in the directory `root`, for at most a quarter of an hour.
ShellResult runIn(const fs::path& root, const std::string& text) {
  return muster_tests::runShell("set -e\ncd " + root.string() + "\n" + text,
                                std::chrono::minutes(15));
}

std::string contentOf(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// Copies the tree without its history and without its build directories.
void copyTree(const fs::path& from, const fs::path& to) {
  for (const auto& entry : fs::directory_iterator(from)) {
    std::string name = entry.path().filename().string();
    if (name == "build" || name == ".git") continue;
    fs::copy(entry.path(), to / name,
             fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  }
}

class FollowTest : public testing::TestWithParam<const char*> {
 protected:
  FollowTest() {
    std::string pattern = fs::temp_directory_path() / "muster-follow-XXXXXX";
    root_ = mkdtemp(pattern.data());
    copyTree(MUSTER_SOURCE_DIR, root_);
  }
  ~FollowTest() override { fs::remove_all(root_); }

  fs::path root_;
};

TEST_P(FollowTest, DocumentDoesWhatItSays) {
  std::string document = std::string("docs/internals/adding-a-") + GetParam() + ".md";
  auto steps = stepsOf(contentOf(root_ / document));
  ASSERT_FALSE(steps.empty());
  ASSERT_EQ(steps.back().kind, Step::Kind::kRun) << "the last step must show that it works";
  for (const Step& step : steps) {
    SCOPED_TRACE(document + ":" + std::to_string(step.line));
    if (step.kind != Step::Kind::kRun) {
      follow(step, root_);
      continue;
    }
    ShellResult ran = runIn(root_, step.text);
    ASSERT_EQ(ran.exitStatus, 0) << ran.output;
  }
}

INSTANTIATE_TEST_SUITE_P(Documents, FollowTest, testing::Values("service", "provisioner"),
                         [](const auto& document) { return std::string(document.param); });

}  // namespace
}  // namespace docs
