#include "harness/cli/job_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/cli/command_error.h"

namespace harness {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

JobInfo job(const std::string& session, uint64_t number) {
  JobInfo info;
  info.name = {session + std::string(32 - session.size(), '0'), number};
  info.node = "server1";
  info.identity = "operator:ci";
  info.argv = {"sleep", "60"};
  info.labels = {{"run", "r1"}};
  info.pid = 42;
  info.processes = 1;
  info.alive = true;
  return info;
}

// Returns the text and status of the refusal of `call`.
template <typename Call>
std::string refusal(Call&& call) {
  try {
    call();
  } catch (const CommandError& error) {
    return std::to_string(error.status()) + ": " + error.what();
  }
  return "nothing was refused";
}

TEST(JobWordsTest, AJobIsFoundByTheBeginningOfItsSession) {
  std::vector<JobInfo> known = {job("3fa91c20", 7), job("3fa91c20", 8), job("77", 7)};
  ChosenJobs chosen = chooseJobs({"3fa91c20.7", "77.7", "88.1"}, known);
  EXPECT_THAT(chosen.names, ElementsAre(known[0].name, known[2].name));
  EXPECT_THAT(chosen.unknown, ElementsAre("88.1"));
}

TEST(JobWordsTest, WhatIsNoJobOrSeveralIsRefused) {
  std::vector<JobInfo> known = {job("3fa91c20", 7), job("3fb", 7)};
  EXPECT_THAT(refusal([&] { chooseJobs({"3f.7"}, known); }), HasSubstr("65: \"3f.7\" is several"));
  for (std::string word : {"7", ".7", "3f.", "3f.x", "xy.7", "3f.7.1", "-3f.7"}) {
    EXPECT_THAT(refusal([&] { chooseJobs({word}, known); }), HasSubstr("64: \"" + word));
  }
}

TEST(JobWordsTest, LabelsAreNameAndValue) {
  EXPECT_THAT(wantedLabels("r1", {"test=A.B=c"}),
              ElementsAre(Pair("run", "r1"), Pair("test", "A.B=c")));
}

TEST(JobWordsTest, TheTableSaysWhoseItIsAndWhatItLeft) {
  JobInfo running = job("3fa91c20", 7);
  running.argv = {"sh", "-c", "sleep 60; echo done"};
  JobInfo left = job("3fa91c20", 8);
  left.ended = true;
  left.processes = 2;
  left.outcome = muster::Outcome::exited(0);
  EXPECT_EQ(jobTable({running, left}, 20),
            "NODE     JOB         RUN  OWNER        PID  PROCS  RAN  STATE"
            "                                   COMMAND\n"
            "server1  3fa91c20.7  r1   operator:ci  42   1      0s   running"
            "                                 sh -c 'sleep 60; ...\n"
            "server1  3fa91c20.8  r1   operator:ci  42   2      0s   "
            "exited with status 0, left 2 processes  sleep 60\n");
}

TEST(JobWordsTest, CommandsAreCutBetweenCharacters) {
  JobInfo info = job("77", 7);
  info.argv = {"€€€"};
  EXPECT_THAT(jobTable({info}, 8), HasSubstr(" €...\n"));
}

TEST(JobWordsTest, JsonHasTheWholeName) {
  Json json = jobJson(job("3fa91c20", 7));
  EXPECT_EQ(json["job"], "3fa91c20.7");
  EXPECT_EQ(json["session"].get<std::string>().size(), 32u);
  EXPECT_EQ(json["state"], "running");
  EXPECT_TRUE(json["outcome"].is_null());
}

}  // namespace
}  // namespace harness
