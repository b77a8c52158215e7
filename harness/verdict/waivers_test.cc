#include "harness/verdict/waivers.h"

#include <stdlib.h>

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/os/files.h"
#include "harness/run/record_writer.h"
#include "harness/run/run_directory.h"
#include "schema/support/base/config.h"

namespace harness::verdict {
namespace {

using run::Outcome;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kToday[] = "2027-01-15";

class WaiversTest : public testing::Test {
 protected:
  WaiversTest() {
    char pattern[] = "/tmp/muster-waivers-XXXXXX";
    directory_ = mkdtemp(pattern);
  }
  ~WaiversTest() override { std::filesystem::remove_all(directory_); }

  std::vector<Waiver> read(const std::string& text) const {
    putFile(directory_ + "/w.yaml", text, 0644);
    return readWaivers(directory_ + "/w.yaml");
  }

  std::vector<Waiver> one(const std::string& more) const {
    return read(
        "waivers:\n  - tests: kvd/KvTest.*\n    reason: heal is slow\n    owner: maria\n"
        "    expires: 2027-06-30\n" +
        more);
  }

  std::string errorOf(const std::string& more) const {
    try {
      one(more);
    } catch (const support::ConfigError& error) {
      return error.what();
    }
    return "";
  }

  // Judges a run with one test on a node with kernel 6.1.9 and kvd 4.2-1.
  Waived judged(const std::vector<Waiver>& waivers, const std::string& outcome,
                const std::string& text = "not healed") const {
    std::string run = directory_ + "/run" + std::to_string(++runs_);
    run::makeRunDirectory(run, "r");
    run::RecordWriter writer(run::recordPath(run, "kvd_tests-1"),
                             {{"role", "program"}, {"run", "r"}, {"component", "kvd"}});
    writer.end(writer.begin(
        "node", "",
        {{"node", "s1"}, {"kernel", "6.1.9-generic"}, {"product", {{"kvd", "4.2-1"}}}}));
    std::string test = writer.begin("test", "", {{"suite", "KvTest"}, {"name", "Heals"}});
    if (outcome != "passed") writer.add(test, "failure", {{"text", text}});
    writer.end(test, {{"outcome", outcome}, {"nodes", {"s1"}}});
    writer.close("");
    run::RunRecord record = run::readRun(run);
    return judge(waivers, record, run::resultOf(record), kToday);
  }

  static std::vector<std::string> kinds(const Waived& waived) {
    std::vector<std::string> kinds;
    for (const Exoneration& each : waived.exonerations) kinds.push_back(each.kind);
    return kinds;
  }

  std::string directory_;
  mutable int runs_ = 0;
};

TEST_F(WaiversTest, FailureThatIsForetoldIsWaived) {
  Waived waived = judged(one("    bug: GH-7\n"), "failed");
  EXPECT_THAT(kinds(waived), ElementsAre("waiver"));
  EXPECT_EQ(waived.exonerations[0].test, "kvd/KvTest.Heals");
  EXPECT_EQ(waived.exonerations[0].because, "GH-7: heal is slow");
  EXPECT_THAT(waived.notes, IsEmpty());
}

TEST_F(WaiversTest, OtherFailuresStandAsTheyAre) {
  EXPECT_THAT(kinds(judged(one("    failure: disk full\n"), "failed")), IsEmpty());
  EXPECT_THAT(kinds(judged(one("    failure: not healed\n"), "failed")), ElementsAre("waiver"));
  EXPECT_THAT(kinds(judged(one(""), "infrastructure")), IsEmpty());
  EXPECT_THAT(kinds(judged(one("    outcomes: [crashed]\n"), "failed")), IsEmpty());
  EXPECT_THAT(kinds(judged(one("    quarantine: true\n"), "infrastructure")),
              ElementsAre("waiver"));
}

TEST_F(WaiversTest, PassIsSaidToBeUnexpected) {
  Waived waived = judged(one("    strict: true\n"), "passed");
  EXPECT_THAT(kinds(waived), ElementsAre("unexpected pass"));
  EXPECT_TRUE(waived.exonerations[0].isStrict);
}

TEST_F(WaiversTest, ExpiredAndUnusedOnesAreReported) {
  std::vector<Waiver> waivers = one("");
  waivers[0].expires = "2027-01-14";
  Waived expired = judged(waivers, "failed");
  EXPECT_THAT(kinds(expired), IsEmpty());
  EXPECT_THAT(expired.notes, ElementsAre(HasSubstr("expired on 2027-01-14")));
  waivers = one("");
  waivers[0].tests = {"kvd/Other.*"};
  EXPECT_THAT(judged(waivers, "failed").notes, ElementsAre(HasSubstr("met no test of this run")));
}

TEST_F(WaiversTest, ConditionsAreThoseOfTheTestsNodes) {
  EXPECT_THAT(kinds(judged(one("    when: {kernel: \">= 6.1, < 6.2\"}\n"), "failed")),
              ElementsAre("waiver"));
  EXPECT_THAT(kinds(judged(one("    when: {kernel: \"< 6.1\"}\n"), "failed")), IsEmpty());
  EXPECT_THAT(kinds(judged(one("    when: {agent: \"> 0\"}\n"), "failed")), IsEmpty());
}

TEST_F(WaiversTest, ConditionMayBeOnAPackageOfTheProduct) {
  EXPECT_THAT(kinds(judged(one("    when: {kvd: \">= 4.2, < 4.3\"}\n"), "failed")),
              ElementsAre("waiver"));
  EXPECT_THAT(kinds(judged(one("    when: {kvd: \"< 4.2\"}\n"), "failed")), IsEmpty());
  EXPECT_THAT(kinds(judged(one("    when: {libkv4: \"> 0\"}\n"), "failed")), IsEmpty());
}

TEST_F(WaiversTest, BadFilesAreRefusedWithTheirPlace) {
  EXPECT_THAT(errorOf("    color: red\n"), HasSubstr("w.yaml:6:5: "));
  EXPECT_THAT(errorOf("    when: {kernel: soon}\n"), HasSubstr("is no bound such as \">= 6.1\""));
  EXPECT_THAT(errorOf("    outcomes: [passed]\n"), HasSubstr("passed"));
  EXPECT_THAT(errorOf("    strict: true\n    quarantine: true\n"), HasSubstr("exclude"));
  auto fails = [&](const std::string& text, const std::string& reason) {
    EXPECT_THAT([&] { read(text); },
                testing::ThrowsMessage<support::ConfigError>(HasSubstr(reason)));
  };
  fails("waivers:\n  - tests: kvd/A.*\n", "an item without \"reason\"");
  fails("waivers: 7\n", "waivers: is no list");
  fails("{}", "the key \"waivers\" or \"probation\" with a list is missing");
  fails("waivers:\n  - {tests: A.B, reason: r, owner: o, expires: 2027-01-01}\n",
        "is no pattern of COMPONENT/SUITE.NAME");
  fails("waivers:\n  - {tests: k/A.B, reason: r, owner: o, expires: soon}\n",
        "\"soon\" is no day such as");
}

TEST(CompareVersionsTest, NumbersCountAsNumbers) {
  EXPECT_LT(compareVersions("5.9", "5.10"), 0);
  EXPECT_EQ(compareVersions("6.1", "6.1"), 0);
  EXPECT_GT(compareVersions("6.1.0", "6.1"), 0);
  EXPECT_LT(compareVersions("10.3-4", "10.3-12"), 0);
  EXPECT_EQ(compareVersions("6.01", "6.1"), 0);
}

}  // namespace
}  // namespace harness::verdict
