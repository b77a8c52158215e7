#include "harness/run/run_directory.h"

#include <stdlib.h>

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/os/error.h"
#include "harness/os/files.h"
#include "harness/run/record_writer.h"

namespace harness::run {
namespace {

namespace fs = std::filesystem;

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

class RunDirectoryTest : public testing::Test {
 protected:
  RunDirectoryTest() : before_(fs::current_path()) {
    char pattern[] = "/tmp/muster-directory-XXXXXX";
    directory_ = mkdtemp(pattern);
    fs::current_path(directory_);
  }
  ~RunDirectoryTest() override {
    fs::current_path(before_);
    fs::remove_all(directory_);
  }

  static void makeRun(const std::string& id) {
    std::string directory = defaultRunDirectory(id);
    makeRunDirectory(directory, id);
    RecordWriter(recordPath(directory, "a"), {{"run", id}}).close("");
  }

  fs::path before_;
  std::string directory_;
};

TEST_F(RunDirectoryTest, RunIsFoundByPathIdBeginningAndAsTheLatest) {
  makeRun("20261201T01");
  makeRun("20261202T01");
  std::string second = directory_ + "/muster-runs/20261202T01";
  EXPECT_EQ(findRun("latest"), second);
  EXPECT_EQ(findRun("20261202T01"), second);
  EXPECT_EQ(findRun("20261202"), second);
  EXPECT_EQ(findRun("muster-runs/20261202T01"), second);
  EXPECT_THAT([] { findRun("2026"); }, ThrowsMessage<SystemError>(HasSubstr("there are several")));
  EXPECT_THAT([] { findRun("20261202T02"); },
              ThrowsMessage<SystemError>(AllOf(HasSubstr("did you mean \"20261202T01\"?"),
                                               HasSubstr("the newest are 20261202T01"))));
}

TEST_F(RunDirectoryTest, RunsOfTwoIdsDoNotShareADirectory) {
  makeRun("one");
  std::string directory = defaultRunDirectory("one");
  makeRunDirectory(directory, "one");
  EXPECT_THAT([&] { makeRunDirectory(directory, "other"); },
              ThrowsMessage<SystemError>(HasSubstr("has the records of run one")));
}

// Another program of the run has made its record, and not written to it yet.
TEST_F(RunDirectoryTest, ProgramsOfARunMayBeginAtTheSameTime) {
  makeRun("one");
  putFile(recordPath(defaultRunDirectory("one"), "empty"), "", 0644);
  makeRunDirectory(defaultRunDirectory("one"), "one");
}

}  // namespace
}  // namespace harness::run
