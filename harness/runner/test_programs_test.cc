#include "harness/runner/test_programs.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/os/error.h"
#include "harness/os/files.h"

namespace harness {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char kPassedReport[] =
    "<testsuites tests='1' failures='0' errors='0'><testsuite name='A'>"
    "<testcase name='B' status='run' result='completed'/></testsuite></testsuites>";
constexpr char kSkippedReport[] =
    "<testsuites tests='1' failures='0' errors='0'><testsuite name='A'>"
    "<testcase name='B' status='run' result='skipped'/></testsuite></testsuites>";
constexpr char kEmptyReport[] = "<testsuites tests='0' failures='0' errors='0'/>";

// Scripts in the place of test programs.
class DriverTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/muster-driver-XXXXXX";
    directory_ = ::mkdtemp(pattern);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  // `body` sees the report's path as $report.
  ProgramResult driveScript(const std::string& body,
                            std::chrono::nanoseconds timeMax = std::chrono::milliseconds(500),
                            DriveOptions options = {}) {
    std::string path = directory_ + "/fake_tests";
    std::ofstream(path)
        << "#!/bin/sh\nfor a; do case $a in --gtest_output=xml:*) report=${a#*xml:};; esac; "
           "done\n"
        << body << "\n";
    ::chmod(path.c_str(), 0755);
    options.reportDirectory = directory_ + "/report";
    options.timeMax = timeMax;
    return drive({"fake", path}, options);
  }

  // Drives a script with these arguments of gtest and environment.
  ProgramResult driveWith(const std::vector<std::string>& arguments,
                          const std::map<std::string, std::string>& environment,
                          const std::string& body) {
    DriveOptions options;
    options.arguments = arguments;
    options.environment = environment;
    return driveScript(body, std::chrono::minutes(1), options);
  }

  // Writes what a program with muster::main writes into its journal.
  static std::string journal(const std::string& lines) {
    return "printf '" + lines + "' > $MUSTER_TEST_JOURNAL\n";
  }

  static std::string report(const char* content) {
    return "echo \"" + std::string(content) + "\" > $report\n";
  }

  std::string directory_;
};

TEST_F(DriverTest, BelievesAProgramThatReportsItsTests) {
  ProgramResult result = driveScript(report(kPassedReport) + "exit 0");
  EXPECT_EQ(result.verdict, Verdict::kPassed) << result.reason;
  EXPECT_EQ(result.tests, 1);
  EXPECT_EQ(exitStatusOf({result}), 0);
}

TEST_F(DriverTest, ReportOfAnyProgramIsReadable) {
  ProgramResult result = driveScript(
      "printf '<testsuites tests=\"1\" failures=\"1\"><testsuite name=\"A\">"
      "<testcase name=\"B\" status=\"run\" result=\"completed\"><failure "
      "message=\"\\377\\357\\277\\276\"/></testcase></testsuite></testsuites>' "
      "> $report\nexit 1");
  EXPECT_EQ(result.failures, 1);
  std::ifstream file(result.report);
  std::string content{std::istreambuf_iterator<char>(file), {}};
  EXPECT_THAT(content, HasSubstr("message=\"\\xff\\xef\\xbf\\xbe\"/>"));
}

TEST_F(DriverTest, DoesNotBelieveStatusZeroWithoutAReport) {
  ProgramResult result = driveScript("exit 0");
  EXPECT_EQ(result.verdict, Verdict::kFailed);
  EXPECT_THAT(result.reason, HasSubstr("wrote no report"));
}

TEST_F(DriverTest, SeesAnEarlyExit) {
  ProgramResult result =
      driveScript(": > $TEST_PREMATURE_EXIT_FILE\n" + report(kPassedReport) + "exit 0");
  EXPECT_EQ(result.verdict, Verdict::kFailed);
  EXPECT_THAT(result.reason, HasSubstr("called exit"));
}

TEST_F(DriverTest, ReportsCrashes) {
  ProgramResult result = driveScript("kill -SEGV $$");
  EXPECT_EQ(result.verdict, Verdict::kFailed);
  EXPECT_THAT(result.reason, HasSubstr("crashed: signal 11"));
}

TEST_F(DriverTest, EndByASignalOfSomebodyElseIsNoCrash) {
  ProgramResult result = driveScript("kill -TERM $$");
  EXPECT_EQ(result.verdict, Verdict::kFailed);
  EXPECT_EQ(result.reason, "was ended by SIGTERM");
}

TEST_F(DriverTest, KillsWhatDoesNotEnd) {
  ProgramResult result = driveScript("exec sleep 60");
  EXPECT_EQ(result.verdict, Verdict::kFailed);
  EXPECT_THAT(result.reason, HasSubstr("timed out and was killed"));
}

TEST_F(DriverTest, ProgramWhoseTimeIsOverMayEndInOrder) {
  ProgramResult result = driveScript("trap 'echo told > " + directory_ + "/told; exit 0' TERM\n" +
                                     report(kPassedReport) + "while :; do sleep 0.1; done");
  EXPECT_TRUE(std::filesystem::exists(directory_ + "/told"));
  EXPECT_EQ(result.verdict, Verdict::kFailed);
  EXPECT_THAT(result.reason, HasSubstr("timed out"));
}

TEST_F(DriverTest, PassesASignalOnAndSaysSo) {
  ProgramResult result =
      driveScript("trap 'echo told > " + directory_ + "/told; exit 0' TERM\n" +
                      report(kPassedReport) + "kill -TERM $PPID\nwhile :; do sleep 0.1; done",
                  std::chrono::minutes(1));
  EXPECT_TRUE(std::filesystem::exists(directory_ + "/told"));
  EXPECT_EQ(result.verdict, Verdict::kFailed);
  EXPECT_EQ(result.reason, "stopped by SIGTERM");
  EXPECT_EQ(exitStatusOf({result}), 128 + SIGTERM);
}

// Each is sent when the one before has arrived: two at once would be one.
TEST_F(DriverTest, AThirdSignalKills) {
  ProgramResult result =
      driveScript("trap 'kill -TERM $PPID' TERM\nkill -TERM $PPID\nwhile :; do sleep 0.1; done",
                  std::chrono::minutes(1));
  EXPECT_EQ(result.reason, "stopped by SIGTERM; a third signal killed it");
  EXPECT_EQ(exitStatusOf({result}), 128 + SIGTERM);
}

TEST_F(DriverTest, ProgramsStartWithTheSignalsThatWeHad) {
  ProgramResult result = driveScript("grep -q '^SigBlk:.0*$' /proc/self/status || exit 1\n" +
                                     report(kPassedReport) + "exit 0");
  EXPECT_EQ(result.verdict, Verdict::kPassed) << result.reason;
}

TEST_F(DriverTest, TellsInfrastructureFromFailure) {
  ProgramResult broken = driveScript("exit 2");
  EXPECT_EQ(broken.verdict, Verdict::kInfrastructure);
  EXPECT_EQ(exitStatusOf({broken}), 2);
  ProgramResult failed = driveScript("exit 1");
  EXPECT_EQ(failed.verdict, Verdict::kFailed);
  EXPECT_EQ(exitStatusOf({broken, failed}), 1);
}

TEST_F(DriverTest, AnEmptySelectionIsNoSuccess) {
  ProgramResult by_status = driveScript("exit 3");
  ProgramResult by_report = driveScript(report(kEmptyReport) + "exit 0");
  EXPECT_EQ(by_status.verdict, Verdict::kNothingRan);
  EXPECT_EQ(by_report.verdict, Verdict::kNothingRan);
  EXPECT_EQ(exitStatusOf({by_status, by_report}), 3);
  ProgramResult passed = driveScript(report(kPassedReport) + "exit 0");
  EXPECT_EQ(exitStatusOf({by_status, passed}), 0);
  EXPECT_EQ(exitStatusOf({}), 3);
}

TEST_F(DriverTest, ARunInWhichAllWasSkippedIsNoSuccess) {
  ProgramResult result = driveScript(report(kSkippedReport) + "exit 0");
  EXPECT_EQ(result.verdict, Verdict::kNothingRan);
  EXPECT_EQ(exitStatusOf({result}), 3);
}

// The program itself tells an empty shard (0) from an empty selection (3).
TEST_F(DriverTest, AnEmptyShardIsASuccess) {
  ProgramResult result = driveWith({}, {{"GTEST_TOTAL_SHARDS", "10"}, {"GTEST_SHARD_INDEX", "7"}},
                                   report(kEmptyReport));
  EXPECT_EQ(result.verdict, Verdict::kInOtherShards);
  EXPECT_EQ(exitStatusOf({result}), 0);
  result = driveWith({}, {{"GTEST_TOTAL_SHARDS", "10"}, {"GTEST_SHARD_INDEX", "0"}},
                     report(kEmptyReport));
  EXPECT_EQ(result.verdict, Verdict::kNothingRan);
}

TEST_F(DriverTest, ReportOfAProgramThatHungNamesTheTest) {
  ProgramResult result = driveScript(
      journal("begin\\tA\\tFails\\nend\\tA\\tFails\\tfailed\\t0.5\\ta.cc:1 <bad> \\001 \\377\\n"
              "begin\\tA\\tHangs\\n") +
      "exec sleep 60");
  EXPECT_EQ(result.reason, "timed out and was killed in A.Hangs");
  EXPECT_EQ(result.tests, 2);
  EXPECT_EQ(result.failures, 2);
  std::string xml = readFile(result.report);
  EXPECT_THAT(xml, HasSubstr("<failure message=\"a.cc:1 &lt;bad> \\x01 \\xff\""));
  EXPECT_THAT(xml, HasSubstr("<testcase name=\"Hangs\""));
  EXPECT_THAT(xml, HasSubstr("<error message=\"timed out and was killed in A.Hangs\""));
  EXPECT_THAT(xml, HasSubstr("tests=\"2\" failures=\"1\""));
}

TEST_F(DriverTest, ReportOfAProgramThatCrashedOutsideOfTestsSaysSo) {
  ProgramResult result = driveScript("kill -SEGV $$");
  EXPECT_THAT(readFile(result.report),
              AllOf(HasSubstr("(the program)"), HasSubstr("<error message=\"crashed: signal 11")));
}

// gtest writes one report; ours is made of the journal, which is also the evidence.
TEST_F(DriverTest, ReportThatTheCallerAsksForIsWrittenByGtest) {
  std::string body = "test -z $report || exit 1\n" +
                     journal("begin\\tA\\tB\\nend\\tA\\tB\\tpassed\\t0\\t\\ncomplete\\n");
  const std::vector<std::string> json = {"--gtest_output=json:mine"};
  ProgramResult result = driveWith(json, {}, body);
  EXPECT_EQ(result.verdict, Verdict::kPassed) << result.reason;
  EXPECT_THAT(readFile(result.report), HasSubstr("<testcase name=\"B\""));
  EXPECT_EQ(driveWith({}, {{"XML_OUTPUT_FILE", "mine"}}, body).verdict, Verdict::kPassed);
  EXPECT_EQ(driveWith(json, {}, "exit 0").verdict, Verdict::kFailed);
  std::string cut = journal("begin\\tA\\tB\\nend\\tA\\tB\\tpassed\\t0\\t\\n");
  EXPECT_EQ(driveWith(json, {}, cut).verdict, Verdict::kFailed);
}

TEST_F(DriverTest, ListingTestsIsASuccessWithoutAReport) {
  const std::string body = "test -z $report && echo A.";
  ProgramResult result = driveWith({"--gtest_list_tests"}, {}, body);
  EXPECT_EQ(result.verdict, Verdict::kListed) << result.reason;
  EXPECT_EQ(exitStatusOf({result}), 0);
  EXPECT_EQ(driveWith({"--gtest_list_tests=0"}, {}, "test -n $report && exit 3").verdict,
            Verdict::kNothingRan);
}

TEST_F(DriverTest, ReportsThatCannotBeMadeAreSaidBeforehand) {
  std::vector<TestProgram> programs = {{"fake", directory_ + "/fake_tests"}};
  EXPECT_THAT([&] { prepareReports("/proc/self", programs); },
              testing::ThrowsMessage<SystemError>(HasSubstr("make a report in /proc/self: ")));
  std::filesystem::create_directories(directory_ + "/fake.xml/x");
  EXPECT_THAT([&] { prepareReports(directory_, programs); },
              testing::ThrowsMessage<SystemError>(HasSubstr("/fake.xml of an earlier run: ")));
  std::filesystem::remove_all(directory_ + "/fake.xml");
  prepareReports(directory_, programs);
  EXPECT_TRUE(std::filesystem::is_empty(directory_));
}

}  // namespace
}  // namespace harness
