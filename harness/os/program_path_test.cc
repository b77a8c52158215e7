#include "harness/os/program_path.h"

#include <stdlib.h>

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "harness/os/files.h"

namespace harness {
namespace {

class ProgramPathTest : public testing::Test {
 protected:
  ProgramPathTest() : path_(::getenv("PATH")) {
    char pattern[] = "/tmp/muster-path-XXXXXX";
    directory_ = mkdtemp(pattern);
    std::filesystem::create_directories(directory_ + "/a/kvd");
    std::filesystem::create_directory(directory_ + "/b");
    putFile(directory_ + "/b/kvd", "", 0755);
    putFile(directory_ + "/b/notes", "", 0644);
    ::setenv("PATH", (directory_ + "/a:" + directory_ + "/b").c_str(), 1);
  }
  ~ProgramPathTest() override {
    ::setenv("PATH", path_.c_str(), 1);
    std::filesystem::remove_all(directory_);
  }

  std::string path_;
  std::string directory_;
};

TEST_F(ProgramPathTest, DirectoryIsNoProgram) {
  EXPECT_EQ(programInPath("kvd"), directory_ + "/b/kvd");
}

TEST_F(ProgramPathTest, WhatCannotRunIsNoProgram) {
  EXPECT_EQ(programInPath("notes"), "");
  EXPECT_EQ(programInPath("no-such-program"), "");
}

TEST_F(ProgramPathTest, PathIsTakenAsItIs) {
  EXPECT_EQ(programInPath(directory_ + "/b/kvd"), directory_ + "/b/kvd");
  EXPECT_EQ(programInPath(directory_ + "/a/kvd"), "");
}

TEST_F(ProgramPathTest, NoPathHasNoPrograms) {
  ::unsetenv("PATH");
  EXPECT_EQ(programInPath("kvd"), "");
}

}  // namespace
}  // namespace harness
