// The program as a whole: help, and how it ends.
#include "harness/cli/muster.h"

#include <iostream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/cli/command.h"
#include "harness/cli/help.h"

namespace harness {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Ended {
  int status;
  std::string out;
  std::string err;
};

Ended muster(const std::vector<std::string>& words) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  int status = runMuster(words);
  std::string out = testing::internal::GetCapturedStdout();
  return {status, out, testing::internal::GetCapturedStderr()};
}

void expectLinesFit(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(line.size(), kHelpColumns) << line;
    EXPECT_FALSE(line.ends_with(" ")) << line;
  }
}

TEST(HelpTest, FitsATerminalAndNamesEveryOption) {
  expectLinesFit(overview());
  for (const Command* command : commands()) {
    std::string help = helpOf(*command);
    expectLinesFit(help);
    EXPECT_THAT(help, HasSubstr("usage: muster " + std::string(command->name)));
    for (const Option* option : command->options())
      EXPECT_THAT(help, HasSubstr(option->spelling()));
    EXPECT_EQ(help.find("patience"), std::string::npos) << "old spellings are hidden";
    bool listed = overview().find("  " + std::string(command->name) + " ") != std::string::npos;
    EXPECT_EQ(listed, !isAction(*command)) << command->name;
  }
}

TEST(HelpTest, IsTheSameHoweverItIsAskedFor) {
  Ended plain = muster({"nodes", "--help"});
  EXPECT_EQ(plain.status, 0);
  EXPECT_THAT(plain.out, HasSubstr("usage: muster nodes"));
  EXPECT_EQ(muster({"--help", "nodes"}).out, plain.out);
  EXPECT_EQ(muster({"help", "nodes"}).out, plain.out);
  EXPECT_EQ(muster({"help"}).out, overview());
  EXPECT_EQ(muster({"--help"}).out, overview());
  EXPECT_EQ(muster({"help", "pki", "serve"}).out, helpOf(*findCommand("pki serve")));
  EXPECT_THAT(muster({"help", "nope"}).err, HasSubstr("there is no command \"nope\""));
  Ended nothing = muster({});
  EXPECT_EQ(nothing.status, 64);
  EXPECT_EQ(nothing.err, overview());
}

TEST(HelpTest, AGroupListsItsActions) {
  std::string help = helpOf(*findCommand("pki"));
  for (const Command* action : actionsOf(*findCommand("pki"))) {
    std::string name = std::string(action->name).substr(sizeof "pki");
    EXPECT_THAT(help, HasSubstr("\n  " + name));
  }
}

TEST(MusterTest, AnOldSpellingIsNotedOnStandardError) {
  Ended ended = muster({"pki", "withdraw", "0123", "--dir=/nowhere"});
  EXPECT_EQ(ended.status, 66);
  EXPECT_THAT(ended.err, HasSubstr("muster pki revoke-token: withdraw is now spelt revoke-token"));
  EXPECT_THAT(ended.err, Not(HasSubstr("--dir is now")));
}

// Fails as a full disk does.
class FullBuffer final : public std::streambuf {
 protected:
  int overflow(int) override {
    errno = ENOSPC;
    return EOF;
  }
};

TEST(MusterTest, OutputThatIsLostIsAFailure) {
  FullBuffer full;
  std::streambuf* before = std::cout.rdbuf(&full);
  testing::internal::CaptureStderr();
  int status = runMuster({"--version"});
  std::string err = testing::internal::GetCapturedStderr();
  std::cout.rdbuf(before);
  std::cout.clear();
  EXPECT_EQ(status, 74);
  EXPECT_THAT(err, HasSubstr("muster: standard output could not be written to its end: No space"));
}

}  // namespace
}  // namespace harness
