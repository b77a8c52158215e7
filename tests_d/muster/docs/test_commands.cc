// Runs the lines that begin with "muster" in the documents' shell blocks, block by block and in
// order. Compares the reference of the command with its help.
//
// Lines of other commands, such as "./dev …" or an editor, are left to the reader. The gate runs
// "./dev test" and "./dev demo".
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <ostream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests_d/muster/support/shell.h"

namespace {

using muster_tests::ShellResult;

// A shell block with at least one muster command.
struct Block {
  std::string document;
  int line = 0;
  std::vector<std::string> commands;
  // What stands before each command that follows.
  std::string exports;
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
      block = {name, line == "```sh" ? number : 0, {}, ""};
    } else if (block.line != 0 && line.rfind("muster ", 0) == 0) {
      block.commands.push_back(block.exports + line);
    } else if (block.line != 0 && line.rfind("export ", 0) == 0) {
      block.exports += line + " && ";
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

// Runs a command for at most a minute, with a home directory of its own.
ShellResult run(const std::string& command, const std::string& home) {
  return muster_tests::runShell("cd " MUSTER_SOURCE_DIR " && export HOME=" + home +
                                    " PATH=" MUSTER_BIN_DIR ":$PATH && " + command,
                                std::chrono::minutes(1));
}

TEST(DocumentsTest, HaveCommandsToRun) {
  EXPECT_THAT(blocksOfDocuments(), testing::Not(testing::IsEmpty()));
}

// Returns the name of the cluster that "muster up FILE" makes. Empty for any other command.
std::string clusterOf(const std::string& command) {
  constexpr std::string_view kUp = "muster up ";
  size_t at = command.find(kUp);
  if (at == std::string::npos) return "";
  at += kUp.size();
  std::string file = command.substr(at, command.find(' ', at) - at);
  return std::filesystem::path(file).stem().string();
}

class CommandsTest : public testing::TestWithParam<Block> {
 protected:
  CommandsTest() {
    char pattern[] = "/tmp/muster-docs-XXXXXX";
    home_ = mkdtemp(pattern);
  }
  // Removes the block's own cluster, which a failed command may have left.
  ~CommandsTest() override {
    if (!cluster_.empty()) run(GetParam().exports + "muster down " + cluster_, home_);
    std::filesystem::remove_all(home_);
  }

  // Runs a command with the block's own cluster. A reader has one cluster up, but on this machine
  // other tests and the user may have more.
  ShellResult runInBlock(const std::string& command) {
    if (std::string made = clusterOf(command); !made.empty()) {
      ShellResult ran = run(command, home_);
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
    ShellResult ran = runInBlock(command);
    ASSERT_EQ(ran.exitStatus, 0) << command << "\n" << ran.output;
  }
}

std::string contentOf(const std::string& document) {
  std::ifstream stream(MUSTER_SOURCE_DIR + ("/" + document));
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

// Returns the first words of the indented lines below `heading` in a help text, which are names of
// commands, or options.
std::vector<std::string> namesBelow(const std::string& heading, const std::string& help) {
  std::vector<std::string> names;
  std::istringstream lines(help);
  std::string line;
  while (std::getline(lines, line) && line != heading) continue;
  while (std::getline(lines, line) && line.starts_with("  ")) {
    if (line.starts_with("   ")) continue;
    std::istringstream words(line);
    std::string word;
    words >> word;
    if (word.size() == 3 && word.ends_with(",")) words >> word;
    names.push_back(word);
  }
  return names;
}

// Counts the table rows that begin with `begin` and name `option` in their first cell.
size_t rowsOf(const std::string& option, const std::string& begin, const std::string& document) {
  size_t count = 0;
  std::istringstream lines(document);
  for (std::string line; std::getline(lines, line);) {
    std::string cell = line.substr(0, line.find(" | "));
    bool named = cell.find(option + "`") != std::string::npos ||
                 cell.find(option + " ") != std::string::npos;
    if (line.starts_with(begin) && named) ++count;
  }
  return count;
}

// Each option stands there once, so that its description has one place.
TEST(ReferenceTest, HasEachCommandAndEachOptionOfTheHelp) {
  std::string reference = contentOf("docs/reference/muster.md");
  std::vector<std::string> commands = namesBelow("commands:", run("muster --help", "/").output);
  EXPECT_THAT(commands, testing::Contains("exec"));
  for (const std::string& command : commands) {
    EXPECT_THAT(reference, testing::HasSubstr("`" + command)) << command;
    if (command == "pki" || command == "fault" || command == "nemesis" || command == "service")
      continue;
    for (const std::string& option :
         namesBelow("options:", run("muster help " + command, "/").output)) {
      EXPECT_EQ(rowsOf(option, "| `-", reference), 1U) << command << " " << option;
    }
  }
}

// A group of actions with a reference of its own.
struct Group {
  const char* name;
  const char* document;
  // One of its actions.
  const char* action;
};

class GroupReferenceTest : public testing::TestWithParam<Group> {};

TEST_P(GroupReferenceTest, HasEachActionAndEachOption) {
  std::string help = std::string("muster help ") + GetParam().name;
  std::string reference = contentOf(GetParam().document);
  std::vector<std::string> actions = namesBelow("actions:", run(help, "/").output);
  EXPECT_THAT(actions, testing::Contains(GetParam().action));
  for (const std::string& action : actions) {
    EXPECT_THAT(reference, testing::HasSubstr("| `" + action)) << action;
    for (const std::string& option : namesBelow("options:", run(help + " " + action, "/").output)) {
      if (option == "--help") continue;
      // The option stands in a table of options, or in the row of the action that requires it.
      EXPECT_EQ(rowsOf(option, "| `", reference), 1U) << action << " " << option;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Groups, GroupReferenceTest,
                         testing::Values(Group{"pki", "docs/reference/pki.md", "revoke-token"},
                                         Group{"fault", "docs/reference/faults.md", "heal"},
                                         Group{"nemesis", "docs/reference/nemesis.md", "draw"},
                                         Group{"service", "docs/reference/services.md", "wait"}));

// Returns the blocks of a document in a language.
std::vector<std::string> codeOf(const std::filesystem::path& path, const std::string& language) {
  std::ifstream stream(path);
  std::vector<std::string> blocks;
  bool isInBlock = false;
  for (std::string line; std::getline(stream, line);) {
    if (line.rfind("```", 0) == 0) {
      isInBlock = line == "```" + language;
      if (isInBlock) blocks.emplace_back();
    } else if (isInBlock) {
      blocks.back() += line + "\n";
    }
  }
  return blocks;
}

// Returns the text of all samples, which are run by their own tests.
std::string samples() {
  std::string samples;
  for (const char* directory : {"/tests_d/example", "/config/provisioners"}) {
    for (const auto& entry :
         std::filesystem::directory_iterator(std::string(MUSTER_SOURCE_DIR) + directory)) {
      std::ifstream stream(entry.path());
      samples.append(std::istreambuf_iterator<char>(stream), {});
    }
  }
  return samples;
}

// Returns the parts of a text that blank lines separate.
std::vector<std::string> paragraphsOf(const std::string& text) {
  std::vector<std::string> paragraphs(1);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) {
      paragraphs.emplace_back();
    } else {
      paragraphs.back() += line + "\n";
    }
  }
  return paragraphs;
}

class GuideTest : public testing::TestWithParam<const char*> {};

// A script in Python is shown in parts, since what it begins with is of no interest.
TEST_P(GuideTest, CodeIsThatOfASample) {
  std::string whole = samples();
  size_t blocks = 0;
  for (const auto& entry : std::filesystem::directory_iterator(MUSTER_SOURCE_DIR "/docs/guide")) {
    for (const std::string& code : codeOf(entry.path(), GetParam())) {
      ++blocks;
      bool isWhole = GetParam() == std::string("cpp");
      for (const auto& part : isWhole ? std::vector<std::string>{code} : paragraphsOf(code)) {
        EXPECT_NE(whole.find(part), std::string::npos)
            << entry.path() << " has code that no sample of tests_d/example has:\n"
            << part;
      }
    }
  }
  EXPECT_GT(blocks, 0u);
}

INSTANTIATE_TEST_SUITE_P(Languages, GuideTest, testing::Values("cpp", "python"),
                         [](const auto& tested) { return std::string(tested.param); });

INSTANTIATE_TEST_SUITE_P(Documents, CommandsTest, testing::ValuesIn(blocksOfDocuments()));

}  // namespace
