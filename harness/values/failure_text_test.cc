// Pins the texts that a failed test shows.
#include "harness/values/failure_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <muster/deadline.h>
#include <muster/node_error.h>
#include <muster/node_state.h>
#include <muster/result.h>
#include <muster/service_status.h>

#include "schema/support/base/text.h"

namespace {

using muster::NodeError;
using muster::Outcome;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using namespace std::chrono_literals;

muster::Result killedResult() {
  muster::Result result;
  result.node = "n2";
  result.address = "10.7.0.12";
  result.argv = {"kvctl", "join", "n1:7400"};
  result.outcome = Outcome::killed(Outcome::Kind::kDeadline, 0, 9);
  result.err = "joining\nwaiting for quorum (1 of 3)\n";
  result.errProducedBytes = 212;
  result.elapsed = 30012ms;
  result.deadline = 30s;
  result.logPath = "runs/0412/LeaseTest.X/n2/run-0007.log";
  return result;
}

TEST(FailureTextTest, ResultNamesNodeCommandOutcomeEvidenceAndLog) {
  EXPECT_EQ(describe(killedResult()),
            "node n2 (10.7.0.12): run [\"kvctl\", \"join\", \"n1:7400\"]: killed after 30.0 s "
            "(deadline of this call: 30.0 s)\n"
            "  wrote 0 bytes to stdout, 212 to stderr\n"
            "  stderr:\n"
            "    joining\n"
            "    waiting for quorum (1 of 3)\n"
            "  full output: runs/0412/LeaseTest.X/n2/run-0007.log");
}

TEST(FailureTextTest, ResultNamesWhatWasDroppedAndLeftRunning) {
  muster::Result result;
  result.node = "n1";
  result.argv = {"sh"};
  result.outcome = Outcome::exited(3);
  result.out = "last\n";
  result.outProducedBytes = 100;
  result.outDroppedBytes = 95;
  result.leftRunning = 1;
  result.holders = {{42, "sleep 99"}};
  result.elapsed = 5ms;
  EXPECT_EQ(describe(result),
            "node n1: run [\"sh\"]: exited with status 3 after 5.0 ms\n"
            "  wrote 100 bytes to stdout, 0 to stderr (95 dropped by the overflow policy)\n"
            "  stdout:\n"
            "    last\n"
            "  left 1 processes running\n"
            "  its output is still held open by pid 42 \"sleep 99\"");
}

muster::Result failedWith(const std::string& out, const std::string& err) {
  muster::Result result;
  result.node = "n1";
  result.argv = {"sh"};
  result.outcome = Outcome::exited(1);
  result.out = out;
  result.err = err;
  return result;
}

TEST(FailureTextTest, FailureHasTheLastLinesOfBothStreams) {
  std::string out;
  for (int line = 1; line <= 25; ++line) out += "line " + std::to_string(line) + "\n";
  std::string text = describe(failedWith(out, "reason\n\nat the end"));
  EXPECT_THAT(text, HasSubstr("  the end of stdout:\n    line 6\n"));
  EXPECT_THAT(text, HasSubstr("    line 25\n  stderr:\n    reason\n    \n    at the end"));
  EXPECT_THAT(describe(failedWith(std::string(1 << 20, 'x'), "")),
              testing::SizeIs(testing::Lt(4500)));
}

TEST(FailureTextTest, StreamsWhoseOrderIsKnownAreOneText) {
  auto result = failedWith("begin\nchecking \nend", "oops\nno\n");
  result.order = {6, 5, 9, 3, 4};
  EXPECT_THAT(describe(result), EndsWith("\n  stdout and stderr (marked !), as they were read:\n"
                                         "    begin\n  ! oops\n  ! checking no\n    \n    end"));
}

TEST(FailureTextTest, MergedStreamsAreCutAsEachAlone) {
  std::string lines;
  for (int line = 1; line <= 25; ++line) lines += "line " + std::to_string(line) + "\n";
  auto result = failedWith(lines, "reason\n");
  result.order = {lines.size() - 8, 7, 8};
  EXPECT_THAT(describe(result), HasSubstr("the end of stdout and stderr (marked !)"));
  EXPECT_THAT(describe(result), HasSubstr(":\n    line 6\n"));
  EXPECT_THAT(describe(result), EndsWith("    line 24\n  ! reason\n    line 25"));
}

// The beginning of what is shown has no known order.
TEST(FailureTextTest, StreamsOfAnOrderKnownInPartAreShownApart) {
  auto result = failedWith("a\nb\n", "c\n");
  result.order = {2, 2};
  EXPECT_THAT(describe(result), EndsWith("\n  stdout:\n    a\n    b\n  stderr:\n    c"));
  result.order = {400, 2};
  EXPECT_THAT(describe(result), EndsWith("\n  stdout:\n    a\n    b\n  stderr:\n    c"));
}

TEST(FailureTextTest, TextsShowEverythingOnlyIfNothingIsCut) {
  std::string lines(20, '\n');
  EXPECT_TRUE(harness::showsAll(failedWith(lines, "a\nb")));
  EXPECT_TRUE(harness::showsAll(failedWith("\n" + lines.substr(1), "")));
  EXPECT_FALSE(harness::showsAll(failedWith(lines + "\n", "")));
  EXPECT_FALSE(harness::showsAll(failedWith("", std::string(4097, 'x'))));
}

TEST(FailureTextTest, SuccessShowsOneLine) {
  muster::Result result = failedWith("a\nb\n", "");
  result.outcome = Outcome::exited(0);
  EXPECT_THAT(describe(result), EndsWith("0 to stderr; last line: \"b\""));
}

// Whatever a node says, a report can hold.
TEST(FailureTextTest, TextsArePrintable) {
  const std::string bytes = "\xff\x1b\xef\xbf\xbf€";
  const std::string shown = "\\xff\\x1b\\xef\\xbf\\xbf€";
  muster::Result result = failedWith(bytes, bytes);
  result.argv = {bytes};
  result.holders = {{1, bytes}};
  result.logPath = bytes;
  muster::ServiceStatus service;
  service.substate = bytes;
  service.log = {bytes};
  muster::NodeState state;
  state.lastError = bytes;
  for (const std::string& text :
       {describe(result), testing::PrintToString(service), toString(state),
        toString(Outcome::notStarted(2, bytes)), toString(Outcome::lost({}, bytes)),
        std::string(NodeError(NodeError::Kind::kSystem, bytes, bytes, bytes).what()),
        NodeError(NodeError::Kind::kSystem, "n1", bytes, "").operation(),
        NodeError(NodeError::Kind::kSystem, "n1", "", bytes).detail()}) {
    EXPECT_THAT(text, HasSubstr(shown));
    EXPECT_EQ(text, support::printable(text, support::Lines::kMany));
  }
}

TEST(FailureTextTest, SignalIsNamedByNumberAndMeaning) {
  EXPECT_EQ(toString(Outcome::signalled(11, Outcome::CoreDump::kWritten)),
            "killed by signal 11 (Segmentation fault), core dumped");
  EXPECT_EQ(toString(Outcome::signalled(15, Outcome::CoreDump::kNone)),
            "killed by signal 15 (Terminated)");
}

TEST(FailureTextTest, NotStartedGivesTheReason) {
  muster::Result result;
  result.node = "n1";
  result.argv = {"/no/such"};
  result.outcome = Outcome::notStarted(2, "execve \"/no/such\": No such file or directory");
  EXPECT_EQ(describe(result),
            "node n1: run [\"/no/such\"]: not started: execve \"/no/such\": No such file or "
            "directory");
}

TEST(FailureTextTest, NodeErrorNamesNodeOperationKindAndTestLine) {
  auto here = std::source_location::current();
  NodeError error(NodeError::Kind::kUnreachable, "n1", "run [\"true\"]",
                  "since 4.2 s, last error: connection refused", 0, here);
  EXPECT_EQ(std::string(error.what()),
            "node n1: run [\"true\"]: unreachable: since 4.2 s, last error: connection refused\n"
            "  at " +
                std::string(here.file_name()) + ":" + std::to_string(here.line()));
  NodeError broken(NodeError::Kind::kInfrastructure, "n1", "connect", "no answer");
  EXPECT_EQ(std::string(broken.what()), "infrastructure: node n1: connect: no answer");
}

TEST(FailureTextTest, QuotingEscapesAndCutsTheMiddle) {
  EXPECT_EQ(harness::inQuotes("a\"b\\c\n\x01"), "\"a\\\"b\\\\c\\n\\x01\"");
  EXPECT_EQ(harness::inQuotes("aaaabbbbcccc", 8), "\"aaaa[... 4 bytes ...]cccc\"");
  EXPECT_EQ(harness::argvText(std::vector<std::string>(42, "x")).substr(196), "\"x\", … 2 more]");
}

TEST(FailureTextTest, QuotingCutsBetweenCharacters) {
  EXPECT_EQ(harness::inQuotes("€€€€", 8), "\"€[... 6 bytes ...]€\"");
}

TEST(FailureTextTest, DurationsHaveThreeDigitsAtMost) {
  EXPECT_EQ(harness::durationText(0s), "0.0 us");
  EXPECT_EQ(harness::durationText(41us), "41.0 us");
  EXPECT_EQ(harness::durationText(250ms), "250 ms");
  EXPECT_EQ(harness::durationText(1500ms), "1.50 s");
  EXPECT_EQ(harness::durationText(90s), "90.0 s");
  EXPECT_EQ(harness::durationText(600s), "600 s");
}

TEST(DeadlineScopeTest, InnerScopesOnlyShorten) {
  muster::DeadlineScope outer(10s);
  EXPECT_LE(muster::DeadlineScope::remaining(), 10s);
  {
    muster::DeadlineScope inner(1h);
    EXPECT_LE(muster::DeadlineScope::remaining(), 10s);
  }
  {
    muster::DeadlineScope inner(0s);
    EXPECT_EQ(muster::DeadlineScope::remaining(), 0s);
  }
  EXPECT_GT(muster::DeadlineScope::remaining(), 5s);
}

TEST(ResultTest, LineOfAFailedCommandSaysWhyItIsNotThere) {
  EXPECT_EQ(failedWith("inactive\n", "").line(), "inactive");
  muster::Result succeeded;
  succeeded.outcome = Outcome::exited(0);
  EXPECT_EQ(succeeded.line(), "");
  auto here = std::source_location::current();
  try {
    failedWith("\n", "no such unit").line();
    FAIL() << "no line was an empty line";
  } catch (const NodeError& error) {
    EXPECT_EQ(error.kind(), NodeError::Kind::kNotFound);
    EXPECT_EQ(error.where().line(), here.line() + 2);
    EXPECT_THAT(error.what(),
                AllOf(HasSubstr("node n1: the line of [\"sh\"]: not found: exited with status 1"),
                      HasSubstr("no such unit")));
  }
}

TEST(ResultTest, LinesAreSplitWithoutNewlines) {
  muster::Result result;
  result.out = "a\n\nb\n\n";
  EXPECT_THAT(result.lines(), testing::ElementsAre("a", "", "b", ""));
  EXPECT_EQ(result.line(), "a\n\nb");
}

}  // namespace
