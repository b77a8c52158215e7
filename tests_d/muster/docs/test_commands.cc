// Runs the lines that begin with "muster" in the documents' shell blocks, block by block and in
// order.
//
// Lines of other commands ("./dev …", an editor) are for the reader; the gate runs "./dev test" and
// "./dev demo".
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

// A shell block with at least one muster command.
struct Block {
  std::string document;
  int line = 0;
  std::vector<std::string> commands;
};

void PrintTo(const Block& block, std::ostream* out) {
  *out << block.document << ":" << block.line;
}

void addBlocks(const std::filesystem::path& path, std::vector<Block>& blocks) {
  std::ifstream stream(path);
  std::string name = std::filesystem::relative(path, MUSTER_SOURCE_DIR).string();
  Block block;
  int number = 0;
  for (std::string line; std::getline(stream, line);) {
    ++number;
    if (line.rfind("```", 0) == 0) {
      if (!block.commands.empty()) blocks.push_back(block);
      block = {name, line == "```sh" ? number : 0, {}};
    } else if (block.line != 0 && line.rfind("muster ", 0) == 0) {
      block.commands.push_back(line);
    }
  }
}

std::vector<Block> blocksOfDocuments() {
  std::vector<Block> blocks;
  addBlocks(MUSTER_SOURCE_DIR "/README.md", blocks);
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(MUSTER_SOURCE_DIR "/docs")) {
    if (entry.path().extension() == ".md") addBlocks(entry.path(), blocks);
  }
  return blocks;
}

struct Ran {
  int exitStatus;
  std::string output;
};

// At most a minute, with an empty standard input and a home directory of its own.
Ran run(const std::string& command, const std::string& home) {
  std::string script = "cd " MUSTER_SOURCE_DIR " && export HOME=" + home +
                       " PATH=" MUSTER_BIN_DIR ":$PATH && " + command;
  std::string quoted;
  for (char c : script) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  Ran ran{-1, ""};
  FILE* pipe = popen(("timeout 60 sh -c '" + quoted + "' 2>&1 </dev/null").c_str(), "r");
  if (!pipe) return ran;
  char buffer[4096];
  while (size_t count = fread(buffer, 1, sizeof buffer, pipe)) ran.output.append(buffer, count);
  int status = pclose(pipe);
  ran.exitStatus = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ran;
}

TEST(DocumentsTest, HaveCommandsToRun) {
  EXPECT_THAT(blocksOfDocuments(), testing::Not(testing::IsEmpty()));
}

// The cluster that "muster up FILE" makes; empty for any other command.
std::string clusterOf(const std::string& command) {
  constexpr std::string_view kUp = "muster up ";
  if (!command.starts_with(kUp)) return "";
  std::string file = command.substr(kUp.size(), command.find(' ', kUp.size()) - kUp.size());
  return std::filesystem::path(file).stem().string();
}

class CommandsTest : public testing::TestWithParam<Block> {
 protected:
  CommandsTest() {
    char pattern[] = "/tmp/muster-docs-XXXXXX";
    home_ = mkdtemp(pattern);
  }
  // What a failed command has left of the block's own cluster, and nobody else's.
  ~CommandsTest() override {
    if (!cluster_.empty()) run("muster down " + cluster_, home_);
    std::filesystem::remove_all(home_);
  }

  // A reader has one cluster up; on this machine other tests and their owner may have more.
  Ran runInBlock(const std::string& command) {
    if (std::string made = clusterOf(command); !made.empty()) {
      Ran ran = run(command, home_);
      if (ran.exitStatus == 0) cluster_ = made;
      return ran;
    }
    return run("export MUSTER_CLUSTER=" + cluster_ + "; " + command, home_);
  }

 private:
  std::string home_;
  std::string cluster_;
};

TEST_P(CommandsTest, WorkAsWritten) {
  if (geteuid() != 0) GTEST_SKIP() << "nodes of this machine need root";
  for (const std::string& command : GetParam().commands) {
    Ran ran = runInBlock(command);
    ASSERT_EQ(ran.exitStatus, 0) << command << "\n" << ran.output;
  }
}

INSTANTIATE_TEST_SUITE_P(Documents, CommandsTest, testing::ValuesIn(blocksOfDocuments()));

}  // namespace
