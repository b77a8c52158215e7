// Command lines that are refused before anything is sent.
#include "nodeagent/sync/sync_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nodeagent {
namespace {

using testing::HasSubstr;
using Words = std::vector<std::string>;

std::string refusalOf(const Words& words) {
  try {
    runSyncCommand(words, {});
  } catch (const support::UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(SyncCommandTest, KnowsItsCommands) {
  EXPECT_TRUE(isSyncCommand({"barrier", "start"}));
  EXPECT_FALSE(isSyncCommand({"--version"}));
  EXPECT_FALSE(isSyncCommand({}));
}

TEST(SyncCommandTest, WrongLinesAreRefusedWithWhatWouldBeRight) {
  struct Case {
    Words words;
    const char* text;
  };
  for (const Case& each : {
           Case{{"notify"}, "notify: NAME is missing; usage: nodeagent notify NAME [KEY=VALUE]..."},
           Case{{"notify", "a", "b"}, "\"b\" is one word too many, or no KEY=VALUE"},
           Case{{"notify", "a b"}, "NAME: \"a b\" is not of the form"},
           Case{{"notify", "a", "k=1", "k=2"}, "\"k\" is given twice"},
           Case{{"notify", "a", "=1"}, "the name \"\" is not of the form"},
           Case{{"wait", "a", "b=c"}, "\"b=c\" is one word too many"},
           Case{{"wait", "a", "--timout", "1s"}, "no option --timout; did you mean \"--timeout\"?"},
           Case{{"wait", "a", "--timeout"}, "--timeout wants a value"},
           Case{{"wait", "a", "--timeout", "soon"}, "\"soon\" is not a duration"},
           Case{{"wait", "a", "--timeout=0s"}, "\"0s\" is not a duration"},
           Case{{"barrier", "a", "--count", "0"}, "--count: 0, must be from 1 to 10000"},
           Case{{"barrier", "a", "--count", "three"}, "--count: \"three\" is not a number"},
           Case{{"report"}, "give --result or KEY=VALUE"},
           Case{{"report", "--result", "good"}, "\"good\" is not one of pass, fail, skip"},
           Case{{"report", "--message", std::string(5000, 'x'), "a=1"}, "5000 bytes, at most 4096"},
       }) {
    EXPECT_THAT(refusalOf(each.words), HasSubstr(each.text)) << each.words[0];
  }
}

TEST(SyncCommandTest, WordsBehindTwoDashesAreNoOptions) {
  EXPECT_EQ(refusalOf({"report", "--", "a=--b"}), "");
}

TEST(SyncCommandTest, HelpNamesAllCommands) {
  for (const char* command : {"notify", "wait", "barrier", "report"}) {
    EXPECT_THAT(syncHelpText(), HasSubstr(std::string("nodeagent ") + command + " "));
  }
}

}  // namespace
}  // namespace nodeagent
