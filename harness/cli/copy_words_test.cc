#include "harness/cli/copy_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/cli/command_error.h"

namespace harness {
namespace {

TEST(CopyWordsTest, AColonBeforeTheFirstSlashNamesNodes) {
  EXPECT_EQ(copyWord("server[1-3]:/etc/hosts").nodes, "server[1-3]");
  EXPECT_EQ(copyWord("server[1-3]:/etc/hosts").path, "/etc/hosts");
  EXPECT_EQ(copyWord("n1:/a:b").path, "/a:b");
  for (std::string local : {"a", "./-", "./a:b", "/tmp/a:b", "dir/n1:/x"}) {
    EXPECT_EQ(copyWord(local).nodes, "") << local;
    EXPECT_EQ(copyWord(local).path, local);
  }
}

TEST(CopyWordsTest, WhatCannotBeAPathIsRefused) {
  for (std::string word : {"", "-", ":/x", "n1:", "n1:x"}) {
    EXPECT_THROW(copyWord(word), CommandError) << word;
  }
}

TEST(CopyWordsTest, TheLastNameIsWhatACopyIsCalled) {
  EXPECT_EQ(lastNameOf("/a/b"), "b");
  EXPECT_EQ(lastNameOf("/a/b//"), "b");
  EXPECT_EQ(lastNameOf("b"), "b");
  for (std::string none : {"/", "", ".", "a/.."}) EXPECT_EQ(lastNameOf(none), "") << none;
  EXPECT_EQ(joined("/", "b"), "/b");
  EXPECT_EQ(joined("/a", "b"), "/a/b");
}

}  // namespace
}  // namespace harness
