// Tries tools that print, hang, leave daemons behind, or cannot be started.
#include "nodeagent/service/tool.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <gmock/gmock.h>

#include "nodeagent/service/service_testing.h"

namespace nodeagent::service {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string textOf(const ToolResult& result) {
  return {result.output.asChars().begin(), result.output.size()};
}

ToolResult sh(const std::string& script, int64_t limitNs = kLong) {
  return runTool(kj::arr(kj::str("sh"), kj::str("-c"), kj::str(script.c_str())), limitNs);
}

TEST(ToolTest, AnswersStatusAndBothStreams) {
  ToolResult result = sh("echo out; echo err >&2; exit 7");
  EXPECT_EQ(result.end, ToolResult::End::kExited);
  EXPECT_EQ(result.value, 7);
  EXPECT_EQ(textOf(result), "out\nerr\n");
  EXPECT_EQ(describeEnd(result), "exit status 7: err");
}

TEST(ToolTest, ReportsAProgramThatCannotBeStarted) {
  ToolResult result = runTool(kj::arr(kj::str("/no/such/tool")), kLong);
  EXPECT_EQ(result.end, ToolResult::End::kNotStarted);
  EXPECT_EQ(result.value, ENOENT);
}

TEST(ToolTest, KillsTheProcessGroupAtTheDeadline) {
  FakeNode node;
  std::string file = node.path("pid").cStr();
  ToolResult result = sh("sleep 30 & echo $! > " + file + "; echo begun; wait", 300'000'000);
  EXPECT_EQ(result.end, ToolResult::End::kDeadline);
  EXPECT_EQ(textOf(result), "begun\n");
  int left = static_cast<int>(::syscall(SYS_pidfd_open, atoi(node.content("pid").c_str()), 0));
  if (left < 0) return;  // Gone, and reaped.
  struct pollfd ended = {left, POLLIN, 0};
  EXPECT_EQ(::poll(&ended, 1, 5000), 1) << "it runs on";
  ::close(left);
}

TEST(ToolTest, DoesNotWaitForADaemonThatKeepsTheOutput) {
  FakeNode node;
  std::string pid = node.path("pid").cStr();
  ToolResult result = sh("setsid sleep 30 & echo $! > " + pid + "; echo started");
  EXPECT_TRUE(result.succeeded());
  EXPECT_EQ(textOf(result), "started\n");
  int daemon = atoi(node.content("pid").c_str());
  ASSERT_GT(daemon, 1);
  EXPECT_EQ(::kill(daemon, SIGKILL), 0) << "it lives on";
}

TEST(ToolTest, LimitsTheOutput) {
  ToolResult result = sh("head -c 100000 /dev/zero | tr '\\0' x");
  EXPECT_TRUE(result.succeeded());
  EXPECT_EQ(result.output.size(), kOutputBytesMax);
}

TEST(ToolTest, SignalIsNoExitStatus) {
  ToolResult result = sh("kill -9 $$");
  EXPECT_EQ(result.end, ToolResult::End::kSignalled);
  EXPECT_EQ(result.value, SIGKILL);
}

TEST(ToolTest, LinesAreValidTextForAnyOutput) {
  std::string output = "one\n\ntwo\x1b[31m\n\xff\xfe\nlast \xc3\xa4";
  auto lines = lastLines(kj::StringPtr(output.c_str()).asBytes(), 3);
  EXPECT_THAT(std::vector<std::string>({lines[0].cStr(), lines[1].cStr(), lines[2].cStr()}),
              ElementsAre("two?[31m", "??", "last \xc3\xa4"));
}

}  // namespace
}  // namespace nodeagent::service
