#include "harness/verdict/probation.h"

#include <stdlib.h>

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/os/files.h"
#include "schema/support/base/config.h"

namespace harness::verdict {
namespace {

using run::Outcome;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kDay[] = "2027-01-15";

std::vector<Probation> read(const std::string& text) {
  char pattern[] = "/tmp/muster-probation-XXXXXX";
  std::string directory = ::mkdtemp(pattern);
  std::string path = directory + "/w.yaml";
  putFile(path, text, 0644);
  try {
    std::vector<Probation> probations = readProbations(path);
    std::filesystem::remove_all(directory);
    return probations;
  } catch (...) {
    std::filesystem::remove_all(directory);
    throw;
  }
}

std::string refusalOf(const std::string& text) {
  try {
    read(text);
  } catch (const support::ConfigError& error) {
    return error.what();
  }
  return "nothing was refused";
}

std::vector<Probation> newTests() {
  return {{.tests = {"kvd/New*"}, .owner = "jo", .expires = "2027-02-01", .place = "w.yaml:2"}};
}

// Returns what a run has of kvd/NewTest.Heals with these attempts.
run::RunResult resultWith(const std::vector<Outcome>& attempts) {
  run::TestResult test{.component = "kvd", .suite = "NewTest", .name = "Heals"};
  test.outcome = Outcome::kPassed;
  for (Outcome outcome : attempts) {
    run::Attempt attempt;
    attempt.outcome = outcome;
    test.attempts.push_back(attempt);
    test.outcome = run::worseOf(test.outcome, outcome);
  }
  run::RunResult result;
  result.tests = {test};
  return result;
}

const TestsOnProbation kThrice = {{"kvd/NewTest.Heals", {3, "jo", "2027-02-01"}}};

TEST(ProbationTest, FileNamesTestsOwnerExpiryAndPasses) {
  auto probations = read(
      "probation:\n  - {tests: kvd/New*, owner: jo, expires: 2027-02-01}\n"
      "  - {tests: [net/A.B, net/C.D], owner: al, expires: 2027-02-01, passes: 3}\n");
  ASSERT_EQ(probations.size(), 2U);
  EXPECT_EQ(probations[0].passes, 0);
  EXPECT_THAT(probations[0].place, HasSubstr("w.yaml:2"));
  EXPECT_EQ(probations[1].passes, 3);
  EXPECT_THAT(probations[1].tests, ElementsAre("net/A.B", "net/C.D"));
}

TEST(ProbationTest, FileWithAMistakeIsRefused) {
  auto one = [](const std::string& more) {
    return "probation:\n  - {tests: kvd/New*" + more + "}\n";
  };
  EXPECT_THAT(refusalOf(one(", owner: jo")), HasSubstr("without \"expires\""));
  EXPECT_THAT(refusalOf(one(", expires: 2027-02-01")), HasSubstr("without \"owner\""));
  EXPECT_THAT(refusalOf(one(", owner: jo, expires: soon")), HasSubstr("is no day"));
  EXPECT_THAT(refusalOf(one(", owner: jo, expires: 2027-02-01, passes: 0")),
              HasSubstr("from 1 to"));
  EXPECT_THAT(refusalOf(one(", owner: jo, expires: 2027-02-01, strict: true")),
              HasSubstr("strict"));
}

TEST(ProbationTest, PassesInARowInEarlierRunsCount) {
  std::vector<std::string> tests = {"kvd/NewTest.Heals", "kvd/NewTest.Reads", "kvd/OldTest.Heals"};
  ProbationPlan plan = planProbation(
      newTests(), tests, {{"kvd/NewTest.Heals", 4}, {"kvd/NewTest.Reads", 10}}, 10, kDay);
  ASSERT_EQ(plan.tests.size(), 1U);
  EXPECT_EQ(plan.tests.at("kvd/NewTest.Heals").passesMissing, 6);
  EXPECT_THAT(plan.notes, ElementsAre("kvd/NewTest.Reads has passed 10 times in a row: its "
                                      "probation is over; remove it from w.yaml:2"));
}

TEST(ProbationTest, ExpiredOrUselessOneExcusesNothingAndIsSaid) {
  std::vector<Probation> probations = newTests();
  ProbationPlan plan = planProbation(probations, {"kvd/OldTest.Heals"}, {}, 10, kDay);
  EXPECT_THAT(plan.tests, IsEmpty());
  EXPECT_THAT(plan.notes, ElementsAre("probation w.yaml:2 meets no test of this run"));
  plan = planProbation(probations, {"kvd/NewTest.Heals"}, {}, 10, "2027-02-02");
  EXPECT_THAT(plan.tests, IsEmpty());
  EXPECT_THAT(plan.notes, ElementsAre(HasSubstr("expired on 2027-02-01")));
}

TEST(ProbationTest, OneFailureIsExcusedWithTheNumberOfPasses) {
  Waived judged =
      judgeProbation(kThrice, resultWith({Outcome::kPassed, Outcome::kPassed, Outcome::kCrashed}));
  ASSERT_EQ(judged.exonerations.size(), 1U);
  EXPECT_EQ(judged.exonerations[0].kind, "probation");
  EXPECT_EQ(judged.exonerations[0].because,
            "on probation until 2027-02-01 (jo): it passed 2 of 3 times");
  EXPECT_THAT(judged.notes, IsEmpty());
}

TEST(ProbationTest, AllPassesEndIt) {
  Waived judged =
      judgeProbation(kThrice, resultWith({Outcome::kPassed, Outcome::kPassed, Outcome::kPassed}));
  EXPECT_THAT(judged.exonerations, IsEmpty());
  EXPECT_THAT(judged.notes, ElementsAre("kvd/NewTest.Heals has passed its probation"));
  judged = judgeProbation(kThrice, resultWith({Outcome::kPassed}));
  EXPECT_THAT(judged.notes, IsEmpty()) << "the run was cut short";
}

TEST(ProbationTest, WhatIsNoFailureOfTheTestIsNotExcused) {
  for (Outcome outcome : {Outcome::kInfrastructure, Outcome::kCancelled, Outcome::kNotRun}) {
    EXPECT_THAT(judgeProbation(kThrice, resultWith({outcome})).exonerations, IsEmpty())
        << run::wordOf(outcome);
  }
  EXPECT_THAT(judgeProbation({}, resultWith({Outcome::kFailed})).exonerations, IsEmpty());
}

}  // namespace
}  // namespace harness::verdict
