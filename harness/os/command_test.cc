#include "harness/os/command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/os/error.h"
#include "harness/os/files.h"
#include "harness/os/wait.h"

namespace harness {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using Ending = CommandResult::Ending;

CommandResult shell(const std::string& script, const CommandLimits& limits = {},
                    const std::string& input = "") {
  return runCommand({"/bin/sh", "-c", script}, limits, input);
}

TEST(CommandTest, StreamsAndStatusAreKept) {
  CommandResult result = shell("echo out; echo err >&2; exit 3");
  EXPECT_EQ(result.output, "out\n");
  EXPECT_EQ(result.errors, "err\n");
  EXPECT_EQ(result.ending, Ending::kExited);
  EXPECT_EQ(result.status, 3);
  EXPECT_EQ(toString(result), "exited with status 3: err");
  EXPECT_TRUE(shell("true").succeeded());
}

TEST(CommandTest, InputLargerThanAPipeArrives) {
  std::string input(1 << 20, 'x');
  CommandResult result = shell("wc -c", {}, input);
  EXPECT_THAT(result.output, HasSubstr("1048576"));
  // The command reads nothing; input that is not taken is no failure.
  EXPECT_TRUE(shell("exec <&-; true", {}, input).succeeded());
}

TEST(CommandTest, SignalIsToldFromStatus) {
  CommandResult result = shell("kill -9 $$");
  EXPECT_EQ(result.ending, Ending::kSignalled);
  EXPECT_EQ(result.status, 9);
}

TEST(CommandTest, TimeAndOutputAreLimited) {
  CommandResult slow = shell("echo begun; exec sleep 60", {.time = 200ms});
  EXPECT_EQ(slow.ending, Ending::kOverdue);
  EXPECT_EQ(toString(slow), "did not end in its time and was killed: begun");
  EXPECT_EQ(shell("exec >&- 2>&-; sleep 60", {.time = 200ms}).ending, Ending::kOverdue);
  CommandResult loud = shell("exec yes", {.outputBytes = 1000});
  EXPECT_EQ(loud.ending, Ending::kTooMuchOutput);
  EXPECT_LT(loud.output.size(), 100'000u);
}

TEST(CommandTest, ChildrenThatKeepTheOutputAreKilledToo) {
  CommandResult result = shell("sleep 60 & echo $!", {.time = 200ms});
  EXPECT_EQ(result.ending, Ending::kOverdue);
  std::string child = result.output.substr(0, result.output.find('\n'));
  // Empty of a zombie too: where process 1 reaps nothing, that is all that can be seen.
  EXPECT_TRUE(
      waitUntil(after(5s), [&] { return readIfPresent("/proc/" + child + "/cmdline").empty(); }));
}

TEST(CommandTest, ProgramThatDoesNotExistIsSaid) {
  EXPECT_THAT(
      [] { runCommand({"/no/such/program"}); },
      ::testing::ThrowsMessage<SystemError>("start /no/such/program: No such file or directory"));
}

}  // namespace
}  // namespace harness
