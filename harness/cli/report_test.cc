// The commands `report` and `diff`, on runs that these tests make.
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/cli/command_error.h"
#include "harness/cli/muster_testing.h"
#include "harness/os/command.h"
#include "harness/os/files.h"
#include "harness/run/record_writer.h"
#include "harness/run/run_directory.h"

namespace harness {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

// Works in a directory of its own, where ./muster-runs has two runs.
class ReportCommandTest : public testing::Test {
 protected:
  ReportCommandTest() : before_(fs::current_path()) {
    char pattern[] = "/tmp/muster-report-XXXXXX";
    directory_ = ::mkdtemp(pattern);
    fs::current_path(directory_);
    addRun("20261130T020000Z-aaaaaa", "passed");
    addRun("20261201T020000Z-bbbbbb", "failed");
  }
  ~ReportCommandTest() override {
    fs::current_path(before_);
    fs::remove_all(directory_);
  }

  static void addRun(const std::string& id, const std::string& outcome) {
    std::string directory = run::defaultRunDirectory(id);
    run::makeRunDirectory(directory, id);
    run::RecordWriter writer(run::recordPath(directory, "kvd_tests-1"),
                             {{"role", "program"}, {"run", id}, {"component", "kvd"}});
    std::string test = writer.begin("test", "", {{"suite", "KvTest"}, {"name", "Heals"}});
    writer.end(test, {{"outcome", outcome}, {"because", "as made"}});
    writer.close("");
  }

  using Ended = MusterEnded;

  static Ended muster(const std::vector<std::string>& words) { return endedMuster(words); }

  fs::path before_;
  std::string directory_;
};

TEST_F(ReportCommandTest, LatestRunIsPrintedInMarkdown) {
  Ended ended = muster({"report", "--format", "markdown"});
  EXPECT_EQ(ended.status, 0) << ended.errors;
  EXPECT_THAT(ended.output, StartsWith("## Muster: ❌ failed\n"));
  EXPECT_THAT(ended.output, HasSubstr("`20261201T020000Z-bbbbbb`"));
}

TEST_F(ReportCommandTest, PageOfTheLatestRunIsPutIntoIt) {
  Ended ended = muster({"report"});
  EXPECT_EQ(ended.status, 0) << ended.errors;
  EXPECT_THAT(ended.output, testing::EndsWith("20261201T020000Z-bbbbbb/report.html\n"));
  EXPECT_TRUE(fs::exists("muster-runs/20261201T020000Z-bbbbbb/report.html"));
}

TEST_F(ReportCommandTest, PageOfSeveralRunsIsPutIntoTheFirst) {
  Ended ended = muster({"report", "20261130", "latest"});
  EXPECT_EQ(ended.status, 0) << ended.errors;
  EXPECT_THAT(ended.output, testing::EndsWith("20261130T020000Z-aaaaaa/report.html\n"));
  EXPECT_THAT(readFile("muster-runs/20261130T020000Z-aaaaaa/report.html"),
              HasSubstr("<title>2 Muster runs</title>"));
}

TEST_F(ReportCommandTest, SeveralFormatsAreFilesOfADirectory) {
  Ended ended =
      muster({"report", "20261130", "--format", "junit", "--format", "tap", "-o", "made/reports"});
  EXPECT_EQ(ended.status, 0) << ended.errors;
  EXPECT_EQ(ended.output, "made/reports/junit.xml\nmade/reports/report.tap\n");
  EXPECT_THAT(readFile("made/reports/junit.xml"), HasSubstr("<testcase name=\"Heals\""));
  EXPECT_THAT(readFile("made/reports/report.tap"), HasSubstr("ok 1 - kvd/KvTest.Heals\n"));
}

TEST_F(ReportCommandTest, FileIsReplacedAsAWhole) {
  std::ofstream("junit.xml") << "before";
  EXPECT_EQ(muster({"report", "--format", "junit", "-o", "junit.xml"}).status, 0);
  EXPECT_THAT(readFile("junit.xml"), StartsWith("<?xml"));
}

TEST_F(ReportCommandTest, RunsBecomeOneReport) {
  Ended ended = muster({"report", "20261130", "latest", "--format", "csv"});
  EXPECT_EQ(std::count(ended.output.begin(), ended.output.end(), '\n'), 3) << ended.output;
}

TEST_F(ReportCommandTest, WrongLinesAreRefused) {
  EXPECT_EQ(muster({"report", "--format", "junit", "--format", "tap"}).status, kExitUsage);
  Ended unknown = muster({"report", "--format", "junti"});
  EXPECT_EQ(unknown.status, kExitUsage);
  EXPECT_THAT(unknown.errors, HasSubstr("junit"));
  std::ofstream("file") << "";
  EXPECT_EQ(muster({"report", "--format", "csv", "--format", "tap", "-o", "file"}).status,
            kExitUsage);
  EXPECT_EQ(muster({"diff"}).status, kExitUsage);
  EXPECT_EQ(muster({"diff", "latest", "--factor", "0.5"}).status, kExitUsage);
}

TEST_F(ReportCommandTest, UnknownRunNamesThoseThatThereAre) {
  for (const char* command : {"report", "diff"}) {
    Ended ended = muster({command, "nonsense"});
    EXPECT_EQ(ended.status, kExitNoInput);
    EXPECT_THAT(ended.errors, HasSubstr("20261201T020000Z-bbbbbb"));
    EXPECT_THAT(ended.output, IsEmpty());
  }
}

TEST_F(ReportCommandTest, DirectoryThatCannotBeIsAnError) {
  std::ofstream("file") << "";
  Ended ended = muster({"report", "--format", "junit", "-o", "file/junit.xml"});
  EXPECT_EQ(ended.status, kExitIo);
  EXPECT_THAT(ended.errors, HasSubstr("file/junit.xml"));
}

// A file system of its own, which is full after a page.
TEST_F(ReportCommandTest, FullDiskIsAnErrorAndLeavesWhatWasThere) {
  fs::create_directory("full");
  std::string program = fs::read_symlink("/proc/self/exe").parent_path() / "muster";
  std::string script =
      "mount -t tmpfs -o size=4096 none full || exit 99; echo before > full/r.json; " + program +
      " report latest 20261130 --format json -o full/r.json; status=$?; cat full/r.json; ls full; "
      "exit "
      "$status";
  CommandResult result = runCommand({"/usr/bin/env", "unshare", "-m", "sh", "-c", script});
  if (result.status == 99 || result.errors.find("unshare") == 0) {
    GTEST_SKIP() << "no file system can be mounted here: " << result.errors;
  }
  EXPECT_EQ(result.status, kExitIo) << result.errors;
  EXPECT_THAT(result.errors, HasSubstr("No space left on device"));
  EXPECT_EQ(result.output, "before\nr.json\n");
}

TEST_F(ReportCommandTest, DiffComparesWithTheLatestRun) {
  Ended ended = muster({"diff", "20261130"});
  EXPECT_EQ(ended.status, 0) << ended.errors;
  EXPECT_THAT(ended.output, HasSubstr("broken: 1\n  kvd/KvTest.Heals: passed before, failed now\n"
                                      "      as made\n"));
  EXPECT_THAT(muster({"diff", "20261130", "latest", "--json"}).output,
              HasSubstr("\"change\": \"broken\""));
}

}  // namespace
}  // namespace harness
