// What `muster run` and its reports show of where a program was that crashed or hung.
#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests_d/muster/runs/component.h"

namespace runs {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

namespace fs = std::filesystem;

class StacksTest : public RunsTest {};

TEST_F(StacksTest, StackOfACrashIsInAllReports) {
  Ended ended = run("Crashes.InAThread Children.Crash");
  auto isThere = AllOf(HasSubstr("SIGABRT: sent by the program itself"), HasSubstr("#0 abort"),
                       HasSubstr("abortNow() at tests_d/muster/runs/programs/broken_main.cc:"),
                       HasSubstr("of the thread's begin)"), Not(HasSubstr("start_thread")));
  EXPECT_THAT(ended.err, isThere);
  for (const char* format : {"json", "junit", "markdown"}) {
    EXPECT_THAT(report(format), AllOf(HasSubstr("abortNow()"), HasSubstr("broken_main.cc")))
        << format;
  }
  EXPECT_THAT(report("csv"), HasSubstr("Children,Crash,1,1,passed"));
  EXPECT_THAT(muster("show latest broken/Crashes.InAThread").out, HasSubstr("abortNow() at"));
  for (const auto& entry : fs::directory_iterator(directory_ + "/muster-runs/latest/records")) {
    EXPECT_EQ(entry.path().extension(), ".jsonl");
  }
}

// What hangs in a call of its own never comes to its end.
TEST_F(StacksTest, TestThatHangsSaysWhereItsThreadsWere) {
  for (const char* limit : {"--suite-time-limit", "--run-time-limit"}) {
    Ended ended = run(std::string("Hangs.InAMutex ") + limit + " 2s");
    EXPECT_EQ(ended.status, 1) << ended.err;
    EXPECT_THAT(ended.err,
                AllOf(HasSubstr("lockTwice() at tests_d/muster/runs/programs/broken_main.cc:"),
                      HasSubstr("threads: output/broken_tests-1.threads.txt")));
    EXPECT_THAT(report("json"), AllOf(HasSubstr("\"timed out\""), HasSubstr("lockTwice()"),
                                      HasSubstr("/output/broken_tests-1.threads.txt\"")));
    std::string threads = contentOf("muster-runs/latest/output/broken_tests-1.threads.txt");
    EXPECT_THAT(threads, AllOf(HasSubstr("lockTwice()"), HasSubstr("\"bystander\"")));
  }
}

TEST_F(StacksTest, TestThatHangsAndIsCancelledSaysWhereItsThreadsWere) {
  std::string steps = muster_ +
                      " run --bin-dir bin Hangs.InAMutex --json >out 2>err & p=$!; "
                      "for i in $(seq 200); do [ -s waits ] && break; sleep 0.1; done; " +
                      muster_ + " cancel latest broken/Hangs.InAMutex; wait $p; cat err";
  Ended ended = script(steps);
  EXPECT_THAT(ended.out, AllOf(HasSubstr("CANCELLED"), HasSubstr("lockTwice() at ")));
  EXPECT_THAT(report("json"), AllOf(HasSubstr("\"cancelled\""), HasSubstr("lockTwice()")));
  EXPECT_TRUE(fs::exists(directory_ + "/muster-runs/latest/output/broken_tests-1.threads.txt"));
}

}  // namespace
}  // namespace runs
