// Applies the rules of tidy.h to the whole tree.
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

// Every complaint about the tree, so that one run shows all that there is to do.
template <typename Check>
Complaints complaintsOf(Check check) {
  Complaints all;
  for (const SourceFile& file : wholeTree()) {
    Complaints some = check(file);
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
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

struct Rule {
  const char* name;
  Complaints (*check)(const SourceFile& file);
};

class RuleTest : public ::testing::TestWithParam<Rule> {};

TEST_P(RuleTest, HoldsInTheWholeTree) {
  Complaints complaints = complaintsOf(GetParam().check);
  EXPECT_THAT(complaints, IsEmpty()) << joined(complaints);
}

INSTANTIATE_TEST_SUITE_P(Tree, RuleTest,
                         ::testing::Values(Rule{"Budgets", checkBudgets},
                                           Rule{"Layers", checkLayers},
                                           Rule{"BannedWords", checkBannedWords},
                                           Rule{"TestNames", checkTestNames},
                                           Rule{"Documents", checkDocuments}),
                         [](const auto& rule) { return std::string(rule.param.name); });

}  // namespace
}  // namespace tree
