#include "nodeagent/os/own_program.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace nodeagent {
namespace {

TEST(OwnProgramTest, IsThisProgram) {
  EXPECT_EQ(std::filesystem::path(ownProgram()).filename(), "nodeagent_os_test");
}

// A build that replaces the file leaves the mounted one at the path, and the link says "(deleted)".
TEST(OwnProgramTest, ReplacedFileIsFoundByItsPath) {
  char pattern[] = "/tmp/muster-program-XXXXXX";
  std::string directory = mkdtemp(pattern);
  std::string path = directory + "/nodeagent";
  EXPECT_EQ(programOfLink(path + " (deleted)"), path + " (deleted)") << "there is none at the path";
  std::ofstream(path) << "x";
  EXPECT_EQ(programOfLink(path + " (deleted)"), path + " (deleted)") << "it cannot be executed";
  std::filesystem::permissions(path, std::filesystem::perms{0755});
  EXPECT_EQ(programOfLink(path + " (deleted)"), path);
  EXPECT_EQ(programOfLink(path), path);
  std::ofstream(path + " (deleted)") << "x";
  EXPECT_EQ(programOfLink(path + " (deleted)"), path + " (deleted)") << "a name of its own";
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace nodeagent
