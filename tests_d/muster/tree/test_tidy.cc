// Applies the rules of tidy.h to the whole tree.
#include <stdio.h>

#include <algorithm>
#include <ostream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests_d/muster/tree/tidy.h"

namespace tree {
namespace {

using ::testing::IsEmpty;

const std::vector<SourceFile>& wholeTree() {
  static const std::vector<SourceFile> kFiles = readTree(MUSTER_SOURCE_DIR);
  return kFiles;
}

std::string joined(const Complaints& complaints) {
  std::string text;
  for (const std::string& complaint : complaints) text += "\n  " + complaint;
  return text;
}

TEST(TreeTest, HasFilesToCheck) {
  EXPECT_GT(wholeTree().size(), 50u);
}

Complaints checkDocuments(const SourceFile& file) {
  return endsWith(file.path, ".md") ? checkDocument(file, wholeTree()) : Complaints();
}

Complaints checkKinds(const SourceFile& file) {
  static const std::vector<std::string> kKinds = provisionerKindsOf(wholeTree());
  return checkKindNames(file, kKinds);
}

TEST(TreeTest, HasKindsOfProvisioner) {
  EXPECT_GE(provisionerKindsOf(wholeTree()).size(), 2u);
}

// A rule, and the beginnings of the paths that do not keep it yet: a path goes when it is clean,
// and none is added.
struct Rule {
  const char* name;
  Complaints (*check)(const SourceFile& file);
  std::vector<std::string> notYet = {};

  bool holdsFor(const SourceFile& file) const {
    return std::none_of(notYet.begin(), notYet.end(),
                        [&](const std::string& path) { return startsWith(file.path, path); });
  }
};

void PrintTo(const Rule& rule, std::ostream* out) {
  *out << rule.name;
}

// Every complaint about the tree, so that one run shows all that there is to do.
Complaints complaintsOf(const Rule& rule) {
  Complaints all;
  for (const SourceFile& file : wholeTree()) {
    if (!rule.holdsFor(file)) continue;
    Complaints some = rule.check(file);
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

class RuleTest : public ::testing::TestWithParam<Rule> {};

TEST_P(RuleTest, HoldsInTheWholeTree) {
  Complaints complaints = complaintsOf(GetParam());
  EXPECT_THAT(complaints, IsEmpty()) << joined(complaints);
}

INSTANTIATE_TEST_SUITE_P(
    Tree, RuleTest,
    ::testing::Values(Rule{"Budgets", checkBudgets}, Rule{"Functions", checkFunctions},
                      Rule{"Layers", checkLayers}, Rule{"BannedWords", checkBannedWords},
                      Rule{"TestNames", checkTestNames}, Rule{"Documents", checkDocuments},
                      Rule{"KindNames", checkKinds}, Rule{"English", checkEnglish},
                      Rule{"Parameters", checkParameters}, Rule{"Manual", checkManual},
                      Rule{"Initialisers", checkInitialisers},
                      Rule{"SingleHomes", checkSingleHomes}),
    [](const auto& rule) { return std::string(rule.param.name); });

std::vector<std::string> outputOf(const std::string& command) {
  std::string output;
  FILE* pipe = popen(command.c_str(), "r");
  if (!pipe) return {};
  char buffer[4096];
  while (size_t count = fread(buffer, 1, sizeof buffer, pipe)) output.append(buffer, count);
  return pclose(pipe) == 0 ? linesOf(output) : std::vector<std::string>();
}

// The rule is younger than the history: it holds for what came after it.
TEST(TreeTest, SubjectsOfCommitsSayAreaAndChange) {
  const std::string git = "git -c safe.directory='*' -C '" MUSTER_SOURCE_DIR "' ";
  std::vector<std::string> begun = outputOf(
      git + "log --diff-filter=A --format=%H -- tests_d/muster/tree/commits.cc 2>/dev/null");
  if (begun.empty()) GTEST_SKIP() << "there is no git, or no history that begins before the rule";
  Complaints complaints;
  for (const std::string& line :
       outputOf(git + "log --no-merges --format='%h %s' " + begun.back() + "..HEAD")) {
    size_t blank = line.find(' ');
    Complaints some = checkSubject(line.substr(0, blank), line.substr(blank + 1));
    complaints.insert(complaints.end(), some.begin(), some.end());
  }
  EXPECT_THAT(complaints, IsEmpty()) << joined(complaints);
}

}  // namespace
}  // namespace tree
