#include "harness/run/test_programs.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness {
namespace {

using ::testing::HasSubstr;

constexpr char kPassedReport[] =
    "<testsuites tests='1' failures='0' errors='0'><testsuite name='A'>"
    "<testcase name='B' status='run' result='completed'/></testsuite></testsuites>";
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
                            std::chrono::nanoseconds timeMax = std::chrono::milliseconds(500)) {
    std::string path = directory_ + "/fake_tests";
    std::ofstream(path)
        << "#!/bin/sh\nfor a; do case $a in --gtest_output=xml:*) report=${a#*xml:};; esac; "
           "done\n"
        << body << "\n";
    ::chmod(path.c_str(), 0755);
    DriveOptions options;
    options.reportDirectory = directory_ + "/report";
    options.timeMax = timeMax;
    return drive({"fake", path}, options);
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

TEST_F(DriverTest, KillsWhatDoesNotEnd) {
  ProgramResult result = driveScript("exec sleep 60");
  EXPECT_EQ(result.verdict, Verdict::kFailed);
  EXPECT_THAT(result.reason, HasSubstr("timed out and was killed"));
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

// The second is sent when the first has arrived: two at once would be one.
TEST_F(DriverTest, ASecondSignalKills) {
  ProgramResult result =
      driveScript("trap 'kill -TERM $PPID' TERM\nkill -TERM $PPID\nwhile :; do sleep 0.1; done",
                  std::chrono::minutes(1));
  EXPECT_EQ(result.reason, "stopped by SIGTERM; a second signal killed it");
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
  EXPECT_EQ(by_status.verdict, Verdict::kNothingSelected);
  EXPECT_EQ(by_report.verdict, Verdict::kNothingSelected);
  EXPECT_EQ(exitStatusOf({by_status, by_report}), 3);
  ProgramResult passed = driveScript(report(kPassedReport) + "exit 0");
  EXPECT_EQ(exitStatusOf({by_status, passed}), 0);
  EXPECT_EQ(exitStatusOf({}), 3);
}

}  // namespace
}  // namespace harness
