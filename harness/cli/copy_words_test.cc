#include "harness/cli/copy_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/cli/command_error.h"
#include "harness/rpc/file/copy.h"

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

TEST(CopyWordsTest, ArchiveIsMadeHereOfFilesOfNodes) {
  auto require = [](const std::vector<std::string>& texts) {
    std::vector<CopyWord> words;
    for (const std::string& text : texts) words.push_back(copyWord(text));
    requireArchiveWords(words);
  };
  EXPECT_NO_THROW(require({"@server:/var/log", "n1:/etc/hosts", "out.tar"}));
  EXPECT_THROW(require({"@server:/var/log", "/etc/hosts", "out.tar"}), CommandError);
  EXPECT_THROW(require({"@server:/var/log", "n1:/out.tar"}), CommandError);
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
