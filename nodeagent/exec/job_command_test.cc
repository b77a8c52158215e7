// Jobs as other services see them: by the key in the environment of their processes, and by their
// end.
#include <signal.h>

#include <gmock/gmock.h>

#include "nodeagent/exec/job_fixture.h"

namespace nodeagent::exec {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

class JobCommandTest : public JobFixture {
 protected:
  JobCommandTest() {
    commands.onEnd([this](Command& command) {
      auto& end = KJ_ASSERT_NONNULL(command.end());
      told_ = end.how.cStr();
      lastOutput_ = end.output.cStr();
      lastErrors_ = end.errors.cStr();
    });
  }

  kj::Maybe<Command&> find(uint64_t number) { return commands.find(session->id(), number); }

  std::string told_, lastOutput_, lastErrors_;
};

TEST_F(JobCommandTest, KeyAndSocketStandBehindTheMark) {
  commands.serveAt("/run/x/sync.sock");
  auto result = run(shell("echo $NODEAGENT_JOB"));
  EXPECT_THAT(result->output, MatchesRegex(".*\\.[0-9a-f]+@/run/x/sync\\.sock\n"));
}

TEST_F(JobCommandTest, KeyFindsTheCommandWhileAProcessOfItRuns) {
  SpecBuilder spec(shell("sleep 60 & echo here"));
  spec->setDrainNs(1);
  run(1, spec);
  KJ_IF_MAYBE (command, find(1)) {
    KJ_IF_MAYBE (same, commands.findByKey(command->key())) {
      EXPECT_EQ(same, command);
    } else {
      ADD_FAILURE() << "the key finds nothing";
    }
    EXPECT_EQ(command->text(), "/bin/sh -c sleep 60 & echo here");
  } else {
    ADD_FAILURE() << "it is not known, though a process of it runs";
  }
  auto key = KJ_ASSERT_NONNULL(find(1)).key();
  cancel(1, 0);
  EXPECT_TRUE(eventually([&] { return commands.findByKey(key) == nullptr; }));
}

TEST_F(JobCommandTest, EndIsKnownByTheNumberForTheLastCommands) {
  SpecBuilder failing(shell("exit 3"));
  run(1, failing);
  KJ_IF_MAYBE (command, find(1)) {
    EXPECT_EQ(KJ_ASSERT_NONNULL(command->end()).how, "exited with status 3");
  } else {
    ADD_FAILURE() << "it is not known";
  }
  for (uint64_t number = 2; number <= 2 + Commands::kFormerMax; ++number) {
    SpecBuilder spec({"/bin/true"});
    run(number, spec);
  }
  EXPECT_TRUE(find(1) == nullptr);
}

TEST_F(JobCommandTest, SecretsDoNotShow) {
  SpecBuilder spec(shell("sleep 60 # password=hunter2"));
  start(1, spec);
  ASSERT_TRUE(eventually([this] { return find(1) != nullptr; }));
  KJ_IF_MAYBE (command, find(1)) EXPECT_THAT(command->text(), HasSubstr("password=<secret>"));
  cancel(1, 0);
  finish(1);
}

// The drain, for which a process that holds the output is waited for, takes longer.
TEST_F(JobCommandTest, EndOfAWatchedCommandIsToldBeforeTheDrainIsOver) {
  SpecBuilder spec(shell("echo last words; echo bad >&2; sleep 60 & kill -KILL $$"));
  spec->setDrainNs(5 * kSecondNs);
  start(1, spec);
  KJ_IF_MAYBE (command, find(1)) command->watch();
  EXPECT_TRUE(eventually([this] { return !told_.empty(); }));
  EXPECT_EQ(told_, "was killed by SIGKILL");
  EXPECT_EQ(lastOutput_, "last words\n");
  EXPECT_EQ(lastErrors_, "bad\n");
  EXPECT_EQ(
      follow(1, 0, 0, [](auto wish) { wish.setWaitNs(0); }).getProgress().getStatus().getState(),
      wire::JobStatus::State::RUNNING);
  cancel(1, 0);
}

// What was fetched and released is told nevertheless, but not more than the last bytes.
TEST_F(JobCommandTest, LastOutputIsKeptWhenItsReaderHasReleasedIt) {
  run(shell("seq 1000; exit 3"));
  EXPECT_EQ(told_, "exited with status 3");
  EXPECT_EQ(lastOutput_.size(), OutputStream::kLastBytesMax);
  EXPECT_THAT(lastOutput_, testing::EndsWith("999\n1000\n"));
}

TEST_F(JobCommandTest, ReasonOfAnEndThatTheAgentCausedIsSaid) {
  SpecBuilder spec(shell("sleep 60"));
  spec->setDeadlineNs(kSecondNs / 10);
  spec->setGraceNs(0);
  run(1, spec);
  EXPECT_EQ(told_, "was killed by SIGKILL, because its deadline passed");
}

TEST_F(JobCommandTest, VariablesOfTheSessionAreBetweenTheBaseAndTheSpecification) {
  auto set = session->variables().add(kj::arr(Variable{kj::str("A"), kj::str("session")},
                                              Variable{kj::str("HOME"), kj::str("/h")},
                                              Variable{kj::str("B"), kj::str("session")}));
  SpecBuilder spec(shell("echo $A $B $HOME"));
  auto variable = spec->initEnvironment(1)[0];
  variable.setName(kj::StringPtr("B").asBytes());
  variable.setValue(kj::StringPtr("own").asBytes());
  EXPECT_EQ(run(spec)->output, "session own /h\n");
  spec->setEnvironmentBase(wire::JobSpec::EnvironmentBase::NONE);
  EXPECT_EQ(run(spec)->output, "own\n");
  set = nullptr;
  spec->setEnvironmentBase(wire::JobSpec::EnvironmentBase::LOGIN);
  EXPECT_EQ(run(shell("echo $A"))->output, "\n");
}

}  // namespace
}  // namespace nodeagent::exec
