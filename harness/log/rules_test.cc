#include "harness/log/rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/log/judge.h"

namespace harness::logs {
namespace {

using muster::LogLine;
using muster::LogRule;
using muster::LogSeverity;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const char kDay[] = "2026-11-30";

LogRule rule(const std::string& pattern) {
  return {.pattern = pattern, .reason = "a test"};
}

// Lines of one file, numbered from 1.
std::vector<LogLine> lines(const std::vector<std::string>& texts) {
  std::vector<LogLine> all;
  for (const std::string& text : texts) {
    LogLine line{.node = "server1", .file = "/var/log/kvd.log", .text = text};
    line.number = all.size() + 1;
    line.offset = 100 * line.number;
    line.inode = 7;
    all.push_back(line);
  }
  return all;
}

std::vector<std::string> failing(const muster::Logs& logs, const std::vector<LogLine>& all) {
  std::vector<std::string> texts;
  for (const Finding& finding : judge(logs, all, {}).findings) texts.push_back(finding.line.text);
  return texts;
}

TEST(RulesTest, DangerousPatternsAreRefusedWithWhatWouldBeRight) {
  EXPECT_THAT(patternProblem("a(b"), AllOf(HasSubstr("\"a(b\""), HasSubstr("missing )")));
  EXPECT_THAT(patternProblem("x*"), HasSubstr("matches the empty string"));
  EXPECT_THAT(patternProblem("."), HasSubstr("lines of every kind"));
  EXPECT_THAT(patternProblem(""), HasSubstr("is empty"));
  EXPECT_EQ(patternProblem("ERROR"), "");
}

TEST(RulesTest, RuleWithoutReasonOrAfterItsDayIsRefused) {
  EXPECT_EQ(ruleProblem(rule("E"), RuleUse::kAllow, kDay), "");
  LogRule noReason{.pattern = "E"};
  EXPECT_THAT(ruleProblem(noReason, RuleUse::kAllow, kDay), HasSubstr("no reason"));
  LogRule expiring = rule("E");
  expiring.expires = "2026-11-30";
  EXPECT_EQ(ruleProblem(expiring, RuleUse::kAllow, kDay), "");
  EXPECT_THAT(ruleProblem(expiring, RuleUse::kAllow, "2026-12-01"),
              AllOf(HasSubstr("has expired on 2026-11-30"), HasSubstr("a test")));
  expiring.expires = "2026-02-30";
  EXPECT_THAT(ruleProblem(expiring, RuleUse::kAllow, kDay), HasSubstr("is no day"));
  expiring.expires = "next week";
  EXPECT_THAT(ruleProblem(expiring, RuleUse::kAllow, kDay), HasSubstr("is no day"));
}

TEST(RulesTest, ProblemNamesThePlaceOfItsRule) {
  muster::Logs logs{.sources = {"/l"}, .failOn = {rule("a")}, .allow = {rule("b"), rule("c(")}};
  EXPECT_THAT(rulesProblem(logs, kDay), HasSubstr("allow[1]: "));
  EXPECT_THAT(rulesProblem({.failOn = {rule("a")}}, kDay), HasSubstr("no sources"));
  EXPECT_THAT(rulesProblem({.sources = {"kvd.log"}}, kDay), HasSubstr("absolute path"));
}

// `before` is a pattern too, and a pattern that several rules have counts once.
TEST(RulesTest, MorePatternsThanANodeTakesAreRefused) {
  muster::Logs logs{.sources = {"/l"}};
  for (size_t i = 0; i < kPatternsMax; ++i) logs.failOn.push_back(rule("E" + std::to_string(i)));
  logs.allow = {rule("E1")};
  EXPECT_EQ(rulesProblem(logs, kDay), "");
  logs.allow[0].before = "peer lost";
  EXPECT_THAT(rulesProblem(logs, kDay),
              AllOf(HasSubstr("have 65 patterns, at most 64"), HasSubstr("join some by |")));
}

TEST(RulesTest, BeforeBelongsToAllow) {
  LogRule before = rule("E");
  before.before = "retry";
  EXPECT_EQ(ruleProblem(before, RuleUse::kAllow, kDay), "");
  EXPECT_THAT(ruleProblem(before, RuleUse::kFailOn, kDay), HasSubstr("belongs to a rule of allow"));
  before.beforeLines = 0;
  EXPECT_THAT(ruleProblem(before, RuleUse::kAllow, kDay), HasSubstr("from 1 to 1000"));
}

TEST(JudgeTest, LineFailsUnlessARuleAllowsIt) {
  muster::Logs logs{.sources = {"/l"}, .failOn = {rule("ERROR")}, .allow = {rule("ERROR: known")}};
  EXPECT_THAT(failing(logs, lines({"fine", "ERROR: known", "ERROR: new"})),
              ElementsAre("ERROR: new"));
}

TEST(JudgeTest, AllowedOnlyNearTheLineThatExplainsIt) {
  LogRule near = rule("ERROR");
  near.before = "peer lost";
  near.beforeLines = 2;
  muster::Logs logs{.sources = {"/l"}, .failOn = {rule("ERROR")}, .allow = {near}};
  EXPECT_THAT(failing(logs, lines({"ERROR a", "peer lost", "x", "ERROR b", "ERROR c"})),
              ElementsAre("ERROR a", "ERROR c"));
}

TEST(JudgeTest, RuleIsOnlyAboutItsFilesAndNodes) {
  LogRule elsewhere = rule("ERROR");
  elsewhere.files = "/var/log/other*";
  LogRule otherNode = rule("ERROR");
  otherNode.nodes = "server2";
  muster::Logs logs{.sources = {"/l"}, .failOn = {rule("ERROR")}, .allow = {elsewhere, otherNode}};
  Verdict verdict = judge(logs, lines({"ERROR a"}), {});
  EXPECT_THAT(verdict.findings, SizeIs(1));
  EXPECT_THAT(verdict.used, IsEmpty());
}

TEST(JudgeTest, UsedRulesAndLinesOfScopesAreKnown) {
  muster::Logs logs{
      .sources = {"/l"}, .failOn = {rule("ERROR")}, .allow = {rule("never"), rule("ERROR a")}};
  std::vector<LogLine> all = lines({"ERROR a", "ERROR b"});
  Verdict verdict = judge(logs, all, {keyOf(all[1])});
  EXPECT_THAT(verdict.findings, IsEmpty());
  EXPECT_THAT(verdict.used, ElementsAre(1));
}

TEST(JudgeTest, TextShowsTheFirstTenAndTheCount) {
  std::vector<std::string> texts;
  for (int i = 0; i < 12; ++i) texts.push_back("ERROR " + std::to_string(i));
  LogRule warning = rule("ERROR 11");
  warning.severity = LogSeverity::kWarn;
  muster::Logs logs{.sources = {"/l"}, .failOn = {warning, rule("ERROR")}};
  auto findings = judge(logs, lines(texts), {}).findings;
  std::string failed = findingsText(findings, LogSeverity::kFail);
  EXPECT_THAT(failed, AllOf(HasSubstr("12 lines of the logs"), HasSubstr("ERROR 9"),
                            HasSubstr("and 2 more"), HasSubstr("server1: /var/log/kvd.log:1: ")));
  EXPECT_THAT(findingsText(findings, LogSeverity::kWarn), HasSubstr("1 line of the logs"));
}

}  // namespace
}  // namespace harness::logs
