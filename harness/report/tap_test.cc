#include "harness/report/tap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/report/sample_runs_testing.h"

namespace harness::report {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class TapTest : public ReportTest {
 protected:
  void SetUp() override {
    if (!execute({"prove", "--version"}).succeeded()) GTEST_SKIP() << "prove is not installed";
  }

  // What prove says of a document.
  CommandResult prove(const std::string& text) const {
    return execute({"prove", "--verbose", "--exec", "cat", fileOf("report.tap", text)});
  }

  // The problems that a parser of TAP finds in a document, and the number of its tests.
  std::string parsed(const std::string& text) const {
    const char* script =
        "use TAP::Parser; local $/; open my $f, '<', $ARGV[0]; my $p = TAP::Parser->new({tap => "
        "<$f>}); my $y = 0; while (my $r = $p->next) { $y++ if $r->is_yaml } "
        "print join(' ', scalar $p->parse_errors, $p->tests_run, scalar $p->failed, "
        "scalar $p->todo, scalar $p->skipped, $y), qq(\\n);";
    CommandResult result = execute({"perl", "-e", script, fileOf("report.tap", text)});
    return result.output + result.errors;
  }
};

TEST_F(TapTest, EveryOutcomeHasALine) {
  std::string text = write("tap", everything());
  EXPECT_THAT(text, StartsWith("TAP version 13\n1..12\n"));
  EXPECT_THAT(text, ContainsRegex("\nok [0-9]+ - kvd/KvTest.Passes\n"));
  EXPECT_THAT(text, ContainsRegex("\nok [0-9]+ - kvd/KvTest.IsFlaky\n"));
  EXPECT_THAT(text, ContainsRegex("\nok [0-9]+ - kvd/KvTest.IsSkipped # SKIP needs .# more, \"n"));
  EXPECT_THAT(text, ContainsRegex("\nnot ok [0-9]+ - kvd/KvTest.IsWaived # TODO KV-1 is open\n"));
  EXPECT_THAT(text, ContainsRegex("\nok [0-9]+ - kvd/KvTest.PassesUnexpectedly # TODO KV-1 fo"));
  for (const char* name : {"Fails", "TimesOut", "IsInfrastructure", "IsCancelled", "IsNotRun",
                           "IsPolluted", "Crashes"}) {
    EXPECT_THAT(text, HasSubstr("- kvd/KvTest." + std::string(name) + "\n"));
    EXPECT_THAT(text, Not(ContainsRegex("\nok [0-9]+ - kvd/KvTest." + std::string(name))));
  }
}

TEST_F(TapTest, BlockTellsWhatIsKnown) {
  std::string text = write("tap", everything());
  EXPECT_THAT(text, HasSubstr("  outcome: \"failed\"\n"));
  EXPECT_THAT(text, HasSubstr("  message: \"kv_test.cc:12: kv_test.cc:7: \\\"a\\\" <b>"));
  EXPECT_THAT(text, HasSubstr("  file: \"kv_test.cc\"\n  line: 12\n"));
  EXPECT_THAT(text, HasSubstr("  attempts:\n    - \"failed\"\n    - \"passed\"\n"));
  EXPECT_THAT(text, HasSubstr("  requirements:\n    - \"REQ-1\"\n"));
}

TEST_F(TapTest, CancelledRunBailsOut) {
  EXPECT_THAT(write("tap", everything()), testing::EndsWith("Bail out! the run was cancelled\n"));
}

TEST_F(TapTest, ProveAcceptsWhatPassed) {
  SampleRun run(runs_, "good");
  run.add("Passes", "passed");
  run.add("IsFlaky", "failed", kHostile, 1);
  run.add("IsFlaky", "passed", "", 2);
  run.exonerate("IsFlaky", "flaky", "passed at attempt 2");
  run.add("IsWaived", "failed", kHostile);
  run.exonerate("IsWaived", "waiver", "KV-1 # is \\ open");
  run.close();
  CommandResult result = prove(write("tap", runs_.merged({"good"})));
  EXPECT_TRUE(result.succeeded()) << result.output << result.errors;
  EXPECT_THAT(result.output, HasSubstr("Tests=3"));
}

TEST_F(TapTest, ProveRefusesWhatFailed) {
  SampleRun run(runs_, "bad");
  run.add("Passes", "passed");
  run.add("Fails", "failed", kHostile);
  run.close();
  CommandResult result = prove(write("tap", runs_.merged({"bad"})));
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.output, HasSubstr("Failed 1/2 subtests"));
}

TEST_F(TapTest, ParserFindsNoErrorAndEveryBlock) {
  SampleRun run(runs_, "r");
  run.add("Passes", "passed");
  run.add("Fails", "failed", kHostile);
  run.add("IsSkipped", "skipped");
  run.close();
  EXPECT_EQ(parsed(write("tap", runs_.merged({"r"}))), "0 3 1 0 1 2\n");
}

TEST_F(TapTest, CutRecordIsNotOk) {
  CommandResult result = prove(write("tap", cut()));
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.output, ContainsRegex("not ok 2 - record"));
}

TEST_F(TapTest, EmptyRunHasAPlanOfNone) {
  EXPECT_THAT(write("tap", empty()), StartsWith("TAP version 13\n1..0 # SKIP nothing ran\n"));
}

}  // namespace
}  // namespace harness::report
