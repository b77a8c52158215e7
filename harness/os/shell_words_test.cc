#include "harness/os/shell_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(ShellWordsTest, WordsAreThoseOfAShell) {
  EXPECT_THAT(*shellWords(" strace -f\t-o  FILE "), ElementsAre("strace", "-f", "-o", "FILE"));
  EXPECT_THAT(*shellWords(R"(a 'b c' "d \" e" f\ g '' x'y z'"")"),
              ElementsAre("a", "b c", "d \" e", "f g", "", "xy z"));
  EXPECT_THAT(*shellWords("'\\n'"), ElementsAre("\\n"));
  EXPECT_THAT(*shellWords(""), IsEmpty());
  EXPECT_EQ(shellWords("a 'b"), std::nullopt);
}

TEST(ShellWordsTest, QuotedWordIsReadAsItself) {
  EXPECT_EQ(shellWord("/a/b-c_d.e"), "/a/b-c_d.e");
  for (const std::string word : {"", "a b", "it's", "$x", "a\\b\"c", "*", "\n"}) {
    EXPECT_THAT(*shellWords(shellWord(word)), ElementsAre(word));
  }
}

}  // namespace
}  // namespace harness
