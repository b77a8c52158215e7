#include "harness/cli/condition_words.h"

#include <gtest/gtest.h>

#include "harness/cli/command_error.h"

namespace harness {
namespace {

std::string textOf(const std::vector<std::string>& words) {
  return toString(conditionOf(words));
}

TEST(ConditionWordsTest, WordsNameAConditionOfEachKind) {
  EXPECT_EQ(textOf({"port", "7000"}), "port 7000 of 127.0.0.1 is open");
  EXPECT_EQ(textOf({"port", "db1:65535"}), "port 65535 of db1 is open");
  EXPECT_EQ(textOf({"port", "[::1]:1"}), "port 1 of ::1 is open");
  EXPECT_EQ(textOf({"socket", "/run/x.sock"}), "socket \"/run/x.sock\" accepts connections");
  EXPECT_EQ(textOf({"file", "/run/x"}), "file \"/run/x\" is there");
  EXPECT_EQ(textOf({"mount", "/mnt"}), "\"/mnt\" is mounted");
  EXPECT_EQ(textOf({"process", "kvd"}), "a process \"kvd\" runs");
  EXPECT_EQ(textOf({"http", "http://a/"}), "\"http://a/\" has status 2xx");
  EXPECT_EQ(textOf({"http", "http://a/", "503"}), "\"http://a/\" has status 503");
}

TEST(ConditionWordsTest, OtherWordsAreRefused) {
  for (const std::vector<std::string>& words : {std::vector<std::string>{"door", "x"},
                                                {"port"},
                                                {"port", "0"},
                                                {"port", "65536"},
                                                {"port", "7000x"},
                                                {"port", ""},
                                                {"port", ":7000"},
                                                {"port", "-1"},
                                                {"port", "1", "2"},
                                                {"file", "x"},
                                                {"socket", "run/x"},
                                                {"mount", ""},
                                                {"process"},
                                                {"http"},
                                                {"http", "http://a/", "99"},
                                                {"http", "http://a/", "1000"},
                                                {"http", "u", "200", "x"}}) {
    EXPECT_THROW(conditionOf(words), CommandError) << testing::PrintToString(words);
  }
}

}  // namespace
}  // namespace harness
