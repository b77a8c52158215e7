#include "harness/cluster/node_expression.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness {
namespace {

using ::testing::HasSubstr;

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : " ") + name;
  return text;
}

std::string expanded(const std::string& set) {
  NodeGroups groups = [](const std::string& group) -> std::optional<std::vector<std::string>> {
    if (group == "server") return {{"s1", "s2", "s3"}};
    if (group == "rack=2") return {{"s2", "c1"}};
    return std::nullopt;
  };
  return joined(expandNodeExpression(set, groups));
}

struct Case {
  const char* set;
  const char* names;
  const char* folded;
};

// The expected values are those of ClusterShell 1.9's nodeset, but that names keep the order of the
// text.
constexpr Case kCases[] = {
    {"server1", "server1", "server1"},
    {"server[1-3]", "server1 server2 server3", "server[1-3]"},
    {"n[01-10/3]", "n01 n04 n07 n10", "n[01,04,07,10]"},
    {"n[0-10/2]", "n0 n2 n4 n6 n8 n10", "n[0,2,4,6,8,10]"},
    {"n[8-11]", "n8 n9 n10 n11", "n[8-11]"},
    {"n[08-11]", "n08 n09 n10 n11", "n[08-11]"},
    {"n[099-101]", "n099 n100 n101", "n[099-101]"},
    {"a,b[1-2]", "a b1 b2", "a,b[1-2]"},
    {"a1 a2,a3", "a1 a2 a3", "a[1-3]"},
    {"n[1-2]m[3-4]", "n1m3 n1m4 n2m3 n2m4", "n[1-2]m[3-4]"},
    {"n[1-3,5,7-9]x", "n1x n2x n3x n5x n7x n8x n9x", "n[1-3,5,7-9]x"},
    {"a[1-3]!a2", "a1 a3", "a[1,3]"},
    {"a[1-3],b1 & b1", "b1", "b1"},
    {"a[1-3]^a[3-5]", "a1 a2 a4 a5", "a[1-2,4-5]"},
    {"a[1-5]!a2&a[3-4]", "a3 a4", "a[3-4]"},
    {"a[1-4]!a[2-3]^a2", "a1 a4 a2", "a[1-2,4]"},
    {"node[9-11,011]", "node9 node10 node11 node011", "node[9-11,011]"},
    {"a[1,1-2],a1", "a1 a2", "a[1-2]"},
    {"@server!s2", "s1 s3", "s[1,3]"},
    {"@server&@rack=2", "s2", "s2"},
};

TEST(NodeSetTest, ExpandsAndFoldsAsNodesetDoes) {
  for (const Case& each : kCases) {
    EXPECT_EQ(expanded(each.set), each.names) << each.set;
    EXPECT_EQ(foldNodeNames(expandNodeExpression(each.folded)), each.folded);
    std::vector<std::string> names;
    std::string word;
    for (char c : std::string(each.names) + " ") {
      if (c == ' ')
        names.push_back(std::exchange(word, ""));
      else
        word += c;
    }
    EXPECT_EQ(foldNodeNames(names), each.folded) << each.set;
  }
}

TEST(NodeSetTest, FoldsRectanglesOutOfSeveralDimensions) {
  EXPECT_EQ(foldNodeNames({"n1m3", "n2m3", "n1m4", "n2m4", "n3m3"}), "n[1-2]m[3-4],n3m3");
  EXPECT_EQ(foldNodeNames({"b2c", "a-1.x", "a-2.x"}), "b2c,a-[1-2].x");
  EXPECT_EQ(foldNodeNames({}), "");
}

TEST(NodeSetTest, RefusesWithPositionAndReason) {
  struct Bad {
    const char* set;
    size_t position;
    const char* reason;
  };
  constexpr Bad kBad[] = {
      {"", 0, "the set is empty"},
      {"n[1-3", 1, "this bracket is never closed"},
      {"n[", 1, "this bracket is never closed"},
      {"n[3-1]", 2, "the range 3-1 runs backwards"},
      {"n[]", 2, "expected a number and found ']'"},
      {"n[a]", 2, "expected a number and found 'a'"},
      {"n[1;2]", 3, "expected ',' or ']' and found ';'"},
      {"n]1", 1, "']' cannot be in a name"},
      {"a,,b", 2, "a name is missing here"},
      {"a,", 2, "a name is missing here"},
      {"a b$", 3, "'$' cannot be in a name"},
      {"n[1-5/0]", 2, "a step of 0 never ends"},
      {"n[1-010]", 2, "the ends of a range are padded to different widths"},
      {"x,n[1-20000]", 4, "more than 10000 names in one set"},
      {"n[1-200]m[1-200]", 0, "more than 10000 names in one set"},
      {"n[1-99999999999999999999]", 4, "too long"},
      {"a,@client", 2, "there is no role or label \"@client\" here"},
      {"@", 1, "a role or a label is missing after '@'"},
  };
  for (const Bad& bad : kBad) {
    try {
      expanded(bad.set);
      ADD_FAILURE() << "accepted: " << bad.set;
    } catch (const NodeExpressionError& error) {
      EXPECT_EQ(error.position(), bad.position) << bad.set;
      EXPECT_THAT(error.what(), HasSubstr(bad.reason)) << bad.set;
    }
  }
}

}  // namespace
}  // namespace harness
