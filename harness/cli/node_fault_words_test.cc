#include "harness/cli/node_fault_words.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness {
namespace {

TEST(NodeFaultWordsTest, SizesHaveUnitsOfPowersOfTwo) {
  EXPECT_EQ(sizeOf("4096"), 4096u);
  EXPECT_EQ(sizeOf("1K"), 1024u);
  EXPECT_EQ(sizeOf("64M"), uint64_t{64} << 20);
  EXPECT_EQ(sizeOf("999999T"), uint64_t{999999} << 40);
  for (const char* right : {"0", "1", "512M", "2G", "999999999999999"}) {
    EXPECT_EQ(sizeProblem(right), "") << right;
  }
  for (const char* wrong :
       {"", "M", "1.5G", "-1", "1MM", "12X", "1 M", "1000000T", "9999999999999999"}) {
    EXPECT_NE(sizeProblem(wrong), "") << wrong;
  }
}

TEST(NodeFaultWordsTest, EachKindHasOptionsOfTheList) {
  OptionList all = nodeFaultOptions();
  for (const std::string& kind : nodeFaultKinds()) {
    OptionList options = nodeFaultOptionsOf(kind);
    EXPECT_FALSE(options.empty()) << kind;
    for (const Option* option : options) {
      EXPECT_NE(std::find(all.begin(), all.end(), option), all.end()) << option->spelling();
    }
  }
  EXPECT_TRUE(nodeFaultOptionsOf("isolate").empty());
}

}  // namespace
}  // namespace harness
