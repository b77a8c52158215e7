// Tries tools that print, hang, leave daemons behind, or cannot be started.
#include "nodeagent/os/command.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>

namespace nodeagent {
namespace {

using ::testing::ElementsAre;

// A limit in nanoseconds that no command of these tests reaches.
constexpr int64_t kLong = 20'000'000'000;

// A file that a command writes, removed at the end.
class WrittenFile {
 public:
  WrittenFile() {
    char pattern[] = "/tmp/muster-command-XXXXXX";
    int fd = ::mkstemp(pattern);
    if (fd >= 0) ::close(fd);
    path_ = pattern;
  }
  ~WrittenFile() { std::filesystem::remove(path_); }

  const std::string& path() const { return path_; }
  int number() const {
    int value = 0;
    std::ifstream(path_) >> value;
    return value;
  }

 private:
  std::string path_;
};

std::string textOf(const CommandResult& result) {
  return {result.output.asChars().begin(), result.output.size()};
}

CommandResult sh(const std::string& script, int64_t limitNs = kLong) {
  return runCommand(kj::arr(kj::str("sh"), kj::str("-c"), kj::str(script.c_str())), limitNs);
}

TEST(CommandTest, AnswersStatusAndBothStreams) {
  CommandResult result = sh("echo out; echo err >&2; exit 7");
  EXPECT_EQ(result.end, CommandResult::End::kExited);
  EXPECT_EQ(result.value, 7);
  EXPECT_EQ(textOf(result), "out\nerr\n");
  EXPECT_EQ(describeEnd(result), "exit status 7: err");
}

TEST(CommandTest, ReportsAProgramThatCannotBeStarted) {
  CommandResult result = runCommand(kj::arr(kj::str("/no/such/tool")), kLong);
  EXPECT_EQ(result.end, CommandResult::End::kNotStarted);
  EXPECT_EQ(result.value, ENOENT);
}

TEST(CommandTest, KillsTheProcessGroupAtTheDeadline) {
  WrittenFile pid;
  CommandResult result =
      sh("sleep 30 & echo $! > " + pid.path() + "; echo begun; wait", 300'000'000);
  EXPECT_EQ(result.end, CommandResult::End::kDeadline);
  EXPECT_EQ(textOf(result), "begun\n");
  int left = static_cast<int>(::syscall(SYS_pidfd_open, pid.number(), 0));
  if (left < 0) return;  // Gone, and reaped.
  struct pollfd ended = {left, POLLIN, 0};
  EXPECT_EQ(::poll(&ended, 1, 5000), 1) << "it runs on";
  ::close(left);
}

TEST(CommandTest, DoesNotWaitForADaemonThatKeepsTheOutput) {
  WrittenFile pid;
  CommandResult result = sh("setsid sleep 30 & echo $! > " + pid.path() + "; echo started");
  EXPECT_TRUE(result.succeeded());
  EXPECT_EQ(textOf(result), "started\n");
  int daemon = pid.number();
  ASSERT_GT(daemon, 1);
  EXPECT_EQ(::kill(daemon, SIGKILL), 0) << "it lives on";
}

TEST(CommandTest, LimitsTheOutput) {
  CommandResult result = sh("head -c 100000 /dev/zero | tr '\\0' x");
  EXPECT_TRUE(result.succeeded());
  EXPECT_EQ(result.output.size(), CommandOutput().bytesMax);
}

TEST(CommandTest, ErrorsAreDroppedAndMoreIsKeptOnRequest) {
  auto argv = kj::arr(kj::str("sh"), kj::str("-c"),
                      kj::str("echo err >&2; head -c 100000 /dev/zero | tr '\\0' x"));
  CommandOutput output{CommandOutput::Errors::kDropped, 64 << 10};
  CommandResult result = runCommand(argv, kLong, output);
  EXPECT_TRUE(result.succeeded());
  EXPECT_EQ(textOf(result), std::string(64 << 10, 'x'));
}

TEST(CommandTest, SignalIsNoExitStatus) {
  CommandResult result = sh("kill -9 $$");
  EXPECT_EQ(result.end, CommandResult::End::kSignalled);
  EXPECT_EQ(result.value, SIGKILL);
}

TEST(CommandTest, LinesAreValidTextForAnyOutput) {
  std::string output = "one\n\ntwo\x1b[31m\n\xff\xfe\nlast \xc3\xa4";
  auto lines = lastLines(kj::StringPtr(output.c_str()).asBytes(), 3);
  EXPECT_THAT(std::vector<std::string>({lines[0].cStr(), lines[1].cStr(), lines[2].cStr()}),
              ElementsAre("two?[31m", "??", "last \xc3\xa4"));
}

}  // namespace
}  // namespace nodeagent
