// Reads the examples of docs/reference/selection.md as people would write them.
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/os/files.h"
#include "harness/selection/expression.h"
#include "harness/selection/list_file.h"
#include "harness/selection/predicate.h"

namespace harness::selection {
namespace {

const std::string& document() {
  static const std::string kText =
      readFile(std::string(MUSTER_SOURCE_DIR) + "/docs/reference/selection.md");
  return kText;
}

// Returns the lines of all blocks of a kind.
std::vector<std::string> linesOf(const std::string& kind) {
  std::vector<std::string> found;
  std::istringstream lines(document());
  bool isIn = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("```")) {
      isIn = line == "```" + kind;
    } else if (isIn) {
      found.push_back(line);
    }
  }
  return found;
}

TEST(DocumentTest, ExpressionsCanBeRead) {
  std::vector<std::string> expressions = linesOf("expression");
  EXPECT_GE(expressions.size(), 7u);
  for (const std::string& text : expressions) EXPECT_NO_THROW(Expression::parse(text)) << text;
}

TEST(DocumentTest, ListFileCanBeRead) {
  std::string content;
  for (const std::string& line : linesOf("list-file")) content += line + "\n";
  EXPECT_EQ(parseListFile("nightly.list", content).size(), 5u);
}

TEST(DocumentTest, EachPredicateIsDescribed) {
  for (const std::string& name : predicateNames()) {
    EXPECT_THAT(document(), testing::HasSubstr("\n| `" + name)) << name;
  }
}

TEST(DocumentTest, ErrorIsAsShown) {
  try {
    Expression::parse("label(slow) & lable(net)");
    FAIL();
  } catch (const ExpressionError& error) {
    std::istringstream lines(error.what());
    for (std::string line; std::getline(lines, line);) {
      EXPECT_THAT(document(), testing::HasSubstr(line + "\n"));
    }
  }
}

}  // namespace
}  // namespace harness::selection
