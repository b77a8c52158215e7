#include "harness/run/record_file.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/os/files.h"
#include "harness/os/wait.h"
#include "harness/run/record_writer.h"
#include "harness/run/results.h"
#include "harness/run/run_directory.h"

namespace harness::run {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class RecordTest : public testing::Test {
 protected:
  RecordTest() {
    char pattern[] = "/tmp/muster-record-XXXXXX";
    directory_ = mkdtemp(pattern);
  }
  ~RecordTest() override { std::filesystem::remove_all(directory_); }

  std::string path() const { return directory_ + "/p.jsonl"; }

  // A record with a test that passes, one that fails, and one that did not begin.
  void writeThree() const {
    RecordWriter writer(path(), {{"role", "program"}, {"component", "kvd"}, {"run", "r1"}});
    std::vector<std::string> tests;
    for (const char* name : {"Passes", "Fails", "Waits"}) {
      tests.push_back(writer.announce("test", "", {{"suite", "KvTest"}, {"name", name}}));
    }
    writer.beginAnnounced(tests[0]);
    writer.end(writer.begin("command", tests[0], {{"node", "s1"}}), {{"exit", 0}});
    writer.end(tests[0], {{"outcome", "passed"}, {"seconds", 0.25}});
    writer.beginAnnounced(tests[1]);
    writer.add(tests[1], "failure", {{"text", "not \xff equal"}, {"line", 7}});
    writer.end(tests[1], {{"outcome", "failed"}});
    writer.close("the program ended");
  }

  static RunRecord runOf(RecordFile file) {
    RunRecord run;
    run.problems = file.problems();
    if (!file.cut().empty()) run.problems.push_back(file.cut());
    run.files.push_back(std::move(file));
    return run;
  }

  std::string directory_;
};

TEST_F(RecordTest, WholeRecordHasNoProblems) {
  writeThree();
  RecordFile file = RecordFile::read(path());
  EXPECT_THAT(file.problems(), IsEmpty());
  EXPECT_EQ(file.ending(), RecordFile::Ending::kClosed);
  EXPECT_EQ(file.header().value("component", ""), "kvd");
  ASSERT_EQ(file.items().size(), 4u);
  const Item& failed = file.items()[1];
  EXPECT_EQ(failed.state, Item::State::kEnded);
  EXPECT_EQ(file.fields(failed).value("outcome", ""), "failed");
  EXPECT_EQ(file.additions(failed, "failure").at(0).value("text", ""), "not \\xff equal");
  EXPECT_EQ(file.items()[2].state, Item::State::kAborted);
  EXPECT_EQ(file.items()[2].because, "the program ended");
  EXPECT_EQ(file.items()[3].in, 0);
}

TEST_F(RecordTest, NoCutMakesAFailedTestPass) {
  writeThree();
  std::string whole = readFile(path());
  for (size_t length = 0; length < whole.size(); ++length) {
    RunRecord run =
        runOf(RecordFile::parse("p", whole.substr(0, length), RecordFile::Ending::kKilled));
    RunResult result = resultOf(run);
    EXPECT_FALSE(result.isWhole) << length;
    EXPECT_NE(result.exitStatus, 0) << length;
    for (const TestResult& test : result.tests) {
      bool isHonest = test.name == "Passes" || !isGreen(test.outcome);
      EXPECT_TRUE(isHonest) << length << test.name;
    }
  }
}

TEST_F(RecordTest, GapsAndDamageAreSaid) {
  writeThree();
  std::string whole = readFile(path());
  size_t second = whole.find('\n') + 1;
  size_t third = whole.find('\n', second) + 1;
  auto problemsOf = [](std::string content) {
    return RecordFile::parse("p", std::move(content), RecordFile::Ending::kKilled).problems();
  };
  EXPECT_THAT(problemsOf(whole.substr(0, second) + whole.substr(third)),
              testing::Contains(HasSubstr("line 2 has the number 2, and should have 1")));
  EXPECT_THAT(problemsOf(whole.substr(0, second) + "{\"n\":1\n" + whole.substr(third)),
              testing::Contains("line 2 cannot be read"));
  EXPECT_THAT(problemsOf(""), testing::Contains("there is no first line"));
}

TEST_F(RecordTest, WriterThatLivesIsToldFromOneThatWasKilled) {
  pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    RecordWriter writer(path(), {{"run", "r1"}});
    writer.begin("test", "", {{"suite", "A"}, {"name", "B"}});
    for (;;) ::pause();
  }
  ASSERT_TRUE(waitUntil(after(std::chrono::seconds(20)), [this] {
    return readIfPresent(path()).find("begin") != std::string::npos;
  }));
  RecordFile alive = RecordFile::read(path());
  EXPECT_EQ(alive.ending(), RecordFile::Ending::kRunning);
  EXPECT_EQ(alive.cut(), "");
  EXPECT_TRUE(resultOf(runOf(std::move(alive))).tests.at(0).attempts.at(0).isRunning);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  RecordFile killed = RecordFile::read(path());
  EXPECT_EQ(killed.ending(), RecordFile::Ending::kKilled);
  EXPECT_EQ(killed.cut(), "the record ends: its writer was killed");
  EXPECT_EQ(resultOf(runOf(std::move(killed))).tests.at(0).outcome, Outcome::kCrashed);
}

TEST_F(RecordTest, ForkedChildWritesNothing) {
  RecordWriter writer(path(), {{"run", "r1"}});
  pid_t child = fork();
  if (child == 0) {
    writer.begin("test", "", {{"suite", "A"}, {"name", "OfTheChild"}});
    writer.close("");
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
  writer.close("");
  EXPECT_THAT(RecordFile::read(path()).items(), IsEmpty());
}

TEST_F(RecordTest, SecretsAreNotWritten) {
  RecordWriter writer(path(), {{"run", "r1"}});
  writer.begin("command", "", {{"node", "s1"}, {"argv", {"login", "--password", "sesame"}}});
  writer.begin("call", "", {{"text", "get http://me:sesame@host/"}});
  writer.close("");
  EXPECT_THAT(readFile(path()), testing::Not(HasSubstr("sesame")));
  EXPECT_EQ(RecordFile::read(path()).fields(RecordFile::read(path()).items()[0])["argv"][2],
            "<secret>");
}

// A limit of the file's size stands for a full disk: a line is torn, and later ones find space
// again.
TEST_F(RecordTest, LinesThatCouldNotBeWrittenAreSaid) {
  ASSERT_NE(std::signal(SIGXFSZ, SIG_IGN), SIG_ERR);
  RecordWriter writer(path(), {{"run", "r1"}});
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  rlimit small{std::filesystem::file_size(path()) + 10, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  std::string test = writer.begin("test", "", {{"suite", "A"}, {"name", "B"}});
  writer.end(test, {{"outcome", "passed"}});
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  writer.begin("test", "", {{"suite", "A"}, {"name", "C"}});
  writer.close("");
  EXPECT_THAT(writer.problem(), HasSubstr("cannot be written"));
  RecordFile file = RecordFile::read(path());
  EXPECT_THAT(file.problems(), testing::Contains("2 lines could not be written"));
  EXPECT_EQ(file.items().back().kind, "test");
}

}  // namespace
}  // namespace harness::run
