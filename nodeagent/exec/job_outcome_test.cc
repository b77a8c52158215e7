// Tries how jobs end by themselves, and how those are reported that cannot begin.
#include <fcntl.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nodeagent/exec/job_fixture.h"

namespace nodeagent::exec {
namespace {

using testing::HasSubstr;

class JobOutcomeTest : public JobFixture {
 protected:
  std::string failureOf(const std::vector<std::string>& argv, int errorNumber) {
    auto result = run(argv);
    EXPECT_EQ(result->outcome().which(), wire::JobOutcome::NOT_STARTED);
    auto error = result->outcome().getNotStarted();
    EXPECT_EQ(error.getErrno(), errorNumber) << error.getText().cStr();
    EXPECT_EQ(result->outcome().getFailedStep(), wire::JobOutcome::StartStep::PROGRAM);
    return error.getText().cStr();
  }

  std::string makeFile(const std::string& name, const std::string& content, mode_t mode) {
    std::ofstream(path(name)) << content;
    chmod(path(name).c_str(), mode);
    return path(name);
  }
};

TEST_F(JobOutcomeTest, TrueExitsWithZeroAndNoOutput) {
  auto result = run({"true"});
  EXPECT_EQ(result->outcome().which(), wire::JobOutcome::EXITED);
  EXPECT_EQ(result->outcome().getExited(), 0);
  EXPECT_EQ(result->output, "");
  EXPECT_GT(result->status().getPid(), 0);
  EXPECT_TRUE(result->status().getOutput().getEnded());
  EXPECT_EQ(result->status().getOutput().getSha256().size(), 32u);
  EXPECT_EQ(result->status().getLeftRunning(), 0u);
}

TEST_F(JobOutcomeTest, EveryExitStatusIsReported) {
  for (int status = 0; status < 256; ++status) {
    auto result = run(shell("exit " + std::to_string(status)));
    ASSERT_EQ(result->outcome().which(), wire::JobOutcome::EXITED);
    ASSERT_EQ(result->outcome().getExited(), status);
  }
}

TEST_F(JobOutcomeTest, SignalsFromElsewhereAreReported) {
  for (int signal : {SIGHUP, SIGINT, SIGKILL, SIGUSR1, SIGSEGV, SIGPIPE, SIGALRM, SIGTERM}) {
    auto result = run(shell("kill -" + std::to_string(signal) + " $$"));
    ASSERT_EQ(result->outcome().which(), wire::JobOutcome::SIGNALLED) << signal;
    EXPECT_EQ(result->outcome().getSignalled().getNumber(), signal);
    EXPECT_NE(result->outcome().getSignalled().getOutOfMemory(),
              wire::JobOutcome::OutOfMemory::YES);
  }
}

// The kernel's figure includes the time before execve, when the process was a copy of this one.
TEST_F(JobOutcomeTest, TheLargestSizeIsTheCommandsOwnOrUnknown) {
  EXPECT_EQ(run({"true"})->status().getUsage().getResidentBytesMax(), 0u);
  uint64_t size = ownResidentBytesMax() + (64 << 20);
  auto block = "bs=" + std::to_string(size);
  auto large = run({"dd", "if=/dev/zero", "of=/dev/null", "count=1", block});
  ASSERT_EQ(large->outcome().getExited(), 0) << large->errors;
  EXPECT_GE(large->status().getUsage().getResidentBytesMax(), size);
  EXPECT_LT(large->status().getUsage().getResidentBytesMax(), size + (16 << 20));
}

// A job stops counting as launching once its process runs, not when it ends.
TEST_F(JobOutcomeTest, AJobThatRunsIsNotLaunchingForLong) {
  SpecBuilder spec({"sleep", "1000"});
  uint64_t number = nextNumber++;
  start(number, spec);
  Job& job = table->get(session->id(), number).job();
  EXPECT_TRUE(eventually([&job]() { return job.pid() != 0; }));
  EXPECT_TRUE(eventually([this]() { return table->launchingCount() == 0; }));
  EXPECT_FALSE(job.hasEnded());
  run({"true"});
  EXPECT_EQ(table->launchingCount(), 0u);
  cancel(number, 0);
  finish(number);
}

TEST_F(JobOutcomeTest, OutputAndErrorsAreApart) {
  auto result = run(shell("echo out; echo err >&2; echo more"));
  EXPECT_EQ(result->output, "out\nmore\n");
  EXPECT_EQ(result->errors, "err\n");
}

TEST_F(JobOutcomeTest, MergedErrorsKeepTheirOrder) {
  SpecBuilder spec(shell("echo a; echo b >&2; echo c"));
  spec->setMergeErrors(true);
  auto result = run(spec);
  EXPECT_EQ(result->output, "a\nb\nc\n");
  EXPECT_EQ(result->errors, "");
}

TEST_F(JobOutcomeTest, EachExecErrorHasItsErrno) {
  EXPECT_THAT(failureOf({"/no/such/program"}, ENOENT), HasSubstr("/no/such/program"));
  EXPECT_THAT(failureOf({"no-such-program"}, ENOENT), HasSubstr("PATH"));
  EXPECT_THAT(failureOf({makeFile("plain", "x", 0644)}, EACCES), HasSubstr("Permission denied"));
  failureOf({directory}, EACCES);
  failureOf({makeFile("script", "echo hello\n", 0755)}, ENOEXEC);
  failureOf({"/bin/true/x"}, ENOTDIR);
  failureOf({makeFile("bad-interpreter", "#!/no/such/interpreter\n", 0755)}, ENOENT);
  symlink("loop", path("loop").c_str());
  failureOf({path("loop")}, ELOOP);
  failureOf({"/bin/true", std::string(200 * 1024, 'x')}, E2BIG);
}

TEST_F(JobOutcomeTest, ABusyProgramIsTextBusy) {
  std::filesystem::copy("/bin/true", path("busy"));
  int fd = open(path("busy").c_str(), O_WRONLY | O_CLOEXEC);
  failureOf({path("busy")}, ETXTBSY);
  close(fd);
  EXPECT_EQ(run({path("busy")})->outcome().getExited(), 0);
}

TEST_F(JobOutcomeTest, AMissingDirectoryIsNamed) {
  SpecBuilder spec({"true"});
  std::string missing = "/no/such/directory";
  spec->setDirectory(kj::StringPtr(missing.c_str()).asBytes());
  auto result = run(spec);
  EXPECT_EQ(result->outcome().getNotStarted().getErrno(), ENOENT);
  EXPECT_EQ(result->outcome().getNotStarted().getKind(), wire::Error::Kind::NOT_FOUND);
  EXPECT_EQ(result->outcome().getFailedStep(), wire::JobOutcome::StartStep::DIRECTORY);
  EXPECT_THAT(result->outcome().getNotStarted().getText().cStr(),
              HasSubstr("directory \"/no/such/directory\""));
}

TEST_F(JobOutcomeTest, DirectoryUmaskAndNicenessAreApplied) {
  SpecBuilder spec(shell("pwd; umask; nice"));
  spec->setDirectory(kj::StringPtr(directory.c_str()).asBytes());
  spec->setUmask(0077);
  spec->setNiceness(5);
  EXPECT_EQ(run(spec)->output, directory + "\n0077\n5\n");
}

TEST_F(JobOutcomeTest, LimitsAreApplied) {
  SpecBuilder spec(shell("ulimit -n; ulimit -c"));
  auto limits = spec->initLimits(2);
  limits[0].setResource(wire::JobSpec::Limit::Resource::OPEN_FILES);
  limits[0].setValue(77);
  limits[1].setResource(wire::JobSpec::Limit::Resource::CORE_BYTES);
  limits[1].setValue(0);
  EXPECT_EQ(run(spec)->output, "77\n0\n");
}

TEST_F(JobOutcomeTest, StandardDescriptorsAreTheOnlyOnes) {
  auto result = run({"ls", "/proc/self/fd"});
  // 3 is the directory that ls itself reads.
  EXPECT_EQ(result->output, "0\n1\n2\n3\n");
}

TEST_F(JobOutcomeTest, SignalStateIsThatOfAFreshProcess) {
  signal(SIGUSR2, SIG_IGN);
  auto result = run({"grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"});
  signal(SIGUSR2, SIG_DFL);
  EXPECT_EQ(result->output, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST_F(JobOutcomeTest, TheLoginEnvironmentIsComplete) {
  auto result = run({"/usr/bin/env"});
  EXPECT_THAT(result->output, HasSubstr("PATH=/usr/local/sbin:"));
  EXPECT_THAT(result->output, HasSubstr("LANG=C.UTF-8\n"));
  EXPECT_THAT(result->output, HasSubstr("HOME="));
}

TEST_F(JobOutcomeTest, VariablesReplaceTheBaseAndTheLaterWins) {
  SpecBuilder spec({"/usr/bin/env"});
  spec->setEnvironmentBase(wire::JobSpec::EnvironmentBase::NONE);
  auto variables = spec->initEnvironment(3);
  const char* values[][2] = {{"A", "1"}, {"B", "two words"}, {"A", "3"}};
  for (unsigned i = 0; i < 3; ++i) {
    variables[i].setName(kj::StringPtr(values[i][0]).asBytes());
    variables[i].setValue(kj::StringPtr(values[i][1]).asBytes());
  }
  std::string output = run(spec)->output;
  size_t mark =
      output.find("NODEAGENT_JOB=");  // The agent finds processes by this, and adds no more.
  EXPECT_EQ(output.substr(0, mark), "A=3\nB=two words\n");
  EXPECT_EQ(output.find('\n', mark), output.size() - 1);
}

TEST_F(JobOutcomeTest, AnotherUserHasItsGroupsAndHome) {
  if (getuid() != 0) GTEST_SKIP() << "changing the user needs root";
  SpecBuilder spec(shell("id -u; id -G; echo $HOME $USER; cat /proc/self/status | grep CapEff"));
  spec->setUser("nobody");
  auto result = run(spec);
  EXPECT_EQ(result->output, "65534\n65534\n/nonexistent nobody\nCapEff:\t0000000000000000\n")
      << result->errors;
}

TEST_F(JobOutcomeTest, AGivenGroupReplacesThePrimaryOne) {
  if (getuid() != 0) GTEST_SKIP() << "changing the group needs root";
  SpecBuilder spec(shell("id -u; id -g"));
  spec->setUser("nobody");
  spec->setGroup("daemon");
  EXPECT_EQ(run(spec)->output, "65534\n1\n");
}

TEST_F(JobOutcomeTest, AnIdWithoutAnEntryHasTheGroupOfItsNumber) {
  if (getuid() != 0) GTEST_SKIP() << "changing the user needs root";
  SpecBuilder spec(shell("id -u; id -G; echo $HOME $USER"));
  spec->setUser("4012345");
  EXPECT_EQ(run(spec)->output, "4012345\n4012345\n/ 4012345\n");
}

// getent(1) takes "+1" for the id 1.
TEST_F(JobOutcomeTest, AnUnknownUserIsNamed) {
  for (const char* name : {"no-such-user", "+1", "-1"}) {
    SpecBuilder spec({"true"});
    spec->setUser(name);
    auto result = run(spec);
    auto error = result->outcome().getNotStarted();
    EXPECT_EQ(error.getKind(), wire::Error::Kind::NOT_FOUND) << name;
    EXPECT_THAT(error.getText().cStr(), HasSubstr("\"" + std::string(name) + "\""));
  }
}

TEST_F(JobOutcomeTest, AProgramOnATerminalSeesATerminal) {
  SpecBuilder spec(shell("tty; stty size; echo $TERM; echo err >&2"));
  auto terminal = spec->initTerminal();
  terminal.setColumns(101);
  terminal.setRows(33);
  auto result = run(spec);
  EXPECT_THAT(result->output, testing::StartsWith("/dev/pts/"));
  EXPECT_THAT(result->output, HasSubstr("33 101\r\nxterm-256color\r\nerr\r\n"));
}

TEST_F(JobOutcomeTest, AThousandCommandsLeaveNothing) {
  run({"true"});
  size_t descriptors = countFiles("/proc/self/fd");
  for (int i = 0; i < 1000; ++i) {
    uint64_t number = nextNumber;
    SpecBuilder spec({"/bin/true"});
    run(spec);
    acknowledge(number);
  }
  EXPECT_EQ(countFiles("/proc/self/fd"), descriptors);
  EXPECT_EQ(countFiles(path("spool")), 0u);
  EXPECT_EQ(table->knownCount(), 1u);
  EXPECT_EQ(table->runningCount(), 0u);
  EXPECT_EQ(table->spool().memoryBytes(), 0u);
  EXPECT_EQ(read("/proc/self/task/" + std::to_string(getpid()) + "/children"), "");
}

}  // namespace
}  // namespace nodeagent::exec
