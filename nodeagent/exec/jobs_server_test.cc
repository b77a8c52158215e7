// Tries the methods of Jobs and JobView: repeated calls, spent numbers, checks of each field, input
// by offset, and lists.
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nodeagent/exec/job_fixture.h"
#include "schema/support/base/crc32c.h"

namespace nodeagent::exec {
namespace {

using Kind = wire::Error::Kind;
using testing::HasSubstr;

class JobsServerTest : public JobFixture {
 protected:
  // Returns the error of a run that must be refused.
  std::string refusal(uint64_t number, SpecBuilder& spec, Kind kind) {
    auto answer = runRequest(number, spec).send().wait(waitScope);
    EXPECT_TRUE(answer.hasError());
    EXPECT_EQ(answer.getError().getKind(), kind);
    return errorOf(answer);
  }

  // Returns the error of a specification of "true" that `change` has spoiled.
  std::string invalid(const std::function<void(wire::JobSpec::Builder)>& change) {
    SpecBuilder spec({"true"});
    change(spec.spec());
    return refusal(1, spec, Kind::INVALID);
  }

  capnp::Response<wire::Jobs::WriteInputResults> write(uint64_t number, uint64_t offset,
                                                       const std::string& text, bool end = false) {
    auto request = jobs->writeInputRequest();
    request.setNumber(number);
    auto chunk = request.initChunk();
    chunk.setOffset(offset);
    chunk.setData(kj::arrayPtr(reinterpret_cast<const kj::byte*>(text.data()), text.size()));
    chunk.setCrc32c(support::crc32c(chunk.getData()));
    request.setEnd(end);
    return request.send().wait(waitScope);
  }

  SpecBuilder reader(const std::vector<std::string>& argv) {
    SpecBuilder spec(argv);
    spec->initInput().setStream();
    return spec;
  }
};

TEST_F(JobsServerTest, ANumberThatIsSentAgainRunsOnce) {
  SpecBuilder spec(shell("echo line >> " + path("lines") + "; echo ran"));
  auto first = run(1, spec);
  auto second = run(1, spec);
  EXPECT_EQ(first->output, "ran\n");
  EXPECT_EQ(second->status().getPid(), first->status().getPid());
  EXPECT_EQ(read(path("lines")), "line\n");
}

TEST_F(JobsServerTest, ARunningNumberThatIsSentAgainRunsOnce) {
  SpecBuilder spec(shell("echo line >> " + path("lines") + "; sleep 0.1"));
  auto first = runRequest(1, spec).send();
  auto second = runRequest(1, spec).send();
  EXPECT_EQ(first.wait(waitScope).getProgress().getStatus().getPid(),
            second.wait(waitScope).getProgress().getStatus().getPid());
  EXPECT_EQ(read(path("lines")), "line\n");
}

TEST_F(JobsServerTest, AnotherSpecUnderTheSameNumberIsAConflict) {
  SpecBuilder spec({"true"});
  run(1, spec);
  SpecBuilder other({"false"});
  EXPECT_THAT(refusal(1, other, Kind::CONFLICT), HasSubstr("number: 1"));
}

TEST_F(JobsServerTest, AnAcknowledgedNumberIsSpent) {
  SpecBuilder spec({"true"});
  for (uint64_t number : {1, 2, 3, 7}) run(number, spec);
  for (uint64_t number : {3, 1, 7}) acknowledge(number);
  for (uint64_t number : {3, 1, 7}) refusal(number, spec, Kind::EXPIRED);
  EXPECT_EQ(run(2, spec)->outcome().getExited(), 0);
  EXPECT_EQ(run(5, spec)->outcome().getExited(), 0);
  EXPECT_EQ(follow(3).getError().getKind(), Kind::NOT_FOUND);
}

TEST_F(JobsServerTest, RunAcknowledgesEarlierJobs) {
  SpecBuilder spec({"true"});
  run(1, spec);
  auto request = runRequest(2, spec);
  request.initAcknowledge(1).set(0, 1);
  EXPECT_EQ(errorOf(request.send().wait(waitScope)), "");
  EXPECT_EQ(table->knownCount(), 1u);
}

TEST_F(JobsServerTest, AnEndedSessionRunsNothing) {
  session->end(EndReason::kClosed).wait(waitScope);
  SpecBuilder spec({"true"});
  refusal(1, spec, Kind::EXPIRED);
}

TEST_F(JobsServerTest, TheOldestResultsGoFirst) {
  JobLimits limits;
  limits.finishedMax = 3;
  openTable(limits);
  openSession();
  SpecBuilder spec({"true"});
  for (uint64_t number = 1; number <= 5; ++number) run(number, spec);
  EXPECT_EQ(table->knownCount(), 3u);
  EXPECT_EQ(follow(2).getError().getKind(), Kind::NOT_FOUND);
  EXPECT_FALSE(follow(3).hasError());
  refusal(2, spec, Kind::EXPIRED);
}

TEST_F(JobsServerTest, AFullSpoolDeletesOutputOfEndedSessions) {
  JobLimits limits;
  limits.spoolBytesMax = 40 << 20;
  limits.memoryBytesMax = 1 << 20;
  openTable(limits);
  for (int i = 0; i < 5; ++i) {
    openSession();
    SpecBuilder spec({"head", "-c", "10000000", "/dev/zero"});
    start(1, spec);
    auto answer = follow(1, 0, 0, [](auto wish) { wish.setBytesMax(0); });
    EXPECT_EQ(answer.getProgress().getStatus().getOutput().getRetainedTo(), 10'000'000u);
    session->end(EndReason::kClosed).wait(waitScope);
  }
  EXPECT_LE(table->spool().fileBytes(), limits.spoolBytesMax);
  EXPECT_EQ(table->knownCount(), 2u);
}

TEST_F(JobsServerTest, EachBadFieldIsNamed) {
  EXPECT_THAT(invalid([](auto spec) { spec.initArgv(0); }), HasSubstr("argv"));
  EXPECT_THAT(invalid([](auto spec) { spec.getArgv().set(0, kj::StringPtr("").asBytes()); }),
              HasSubstr("argv[0]"));
  EXPECT_THAT(
      invalid([](auto spec) { spec.getArgv().set(0, kj::arrayPtr((const kj::byte*)"a\0b", 3)); }),
      HasSubstr("NUL"));
  EXPECT_THAT(invalid([](auto spec) { spec.setDeadlineNs(0); }),
              HasSubstr("deadline: 0 ns, must be positive"));
  EXPECT_THAT(invalid([](auto spec) { spec.setDeadlineNs(-5); }), HasSubstr("-5"));
  EXPECT_THAT(invalid([](auto spec) { spec.setDirectory(kj::StringPtr("relative").asBytes()); }),
              HasSubstr("directory: \"relative\" is not absolute"));
  EXPECT_THAT(invalid([](auto spec) { spec.setUmask(01000); }), HasSubstr("umask"));
  EXPECT_THAT(invalid([](auto spec) { spec.setNiceness(20); }), HasSubstr("niceness: 20"));
  EXPECT_THAT(invalid([](auto spec) { spec.setGraceNs(-1); }), HasSubstr("grace: -1 ns"));
  EXPECT_THAT(invalid([](auto spec) { spec.setDrainNs(-1); }), HasSubstr("drain: -1 ns"));
  EXPECT_THAT(invalid([](auto spec) { spec.initOutput().setRetainedBytesMax(100); }),
              HasSubstr("output: 100 bytes kept, must be"));
  EXPECT_THAT(invalid([](auto spec) { spec.initErrors().setRetainedBytesMax(5ULL << 30); }),
              HasSubstr("errors: "));
  EXPECT_THAT(invalid([](auto spec) {
                spec.initEnvironment(1)[0].setName(kj::StringPtr("A=B").asBytes());
              }),
              HasSubstr("environment[0].name: \"A\" is followed by"));
  EXPECT_THAT(invalid([](auto spec) { spec.initEnvironment(1); }),
              HasSubstr("environment[0].name: empty"));
  EXPECT_THAT(invalid([](auto spec) { spec.initLabels(1)[0].setName("Run"); }),
              HasSubstr("labels[0].name"));
  EXPECT_THAT(invalid([](auto spec) { spec.initLimits(1); }), HasSubstr("limits[0].resource"));
  EXPECT_THAT(invalid([](auto spec) {
                spec.initTerminal();
                spec.getInput().setInline(kj::StringPtr("x").asBytes());
              }),
              HasSubstr("input"));
  EXPECT_EQ(table->knownCount(), 0u);
}

TEST_F(JobsServerTest, NumberZeroIsInvalid) {
  SpecBuilder spec({"true"});
  EXPECT_THAT(refusal(0, spec, Kind::INVALID), HasSubstr("number: 0"));
}

TEST_F(JobsServerTest, LimitsOfTheWholeJobAreAppliedOrUnsupported) {
  SpecBuilder spec({"true"});
  spec->initLimits(1)[0].setResource(wire::JobSpec::Limit::Resource::MEMORY_BYTES);
  spec->getLimits()[0].setValue(64 << 20);
  auto result = run(1, spec);
  if (result->outcome().which() == wire::JobOutcome::EXITED) return;
  EXPECT_EQ(result->outcome().getNotStarted().getKind(), Kind::UNSUPPORTED);
  EXPECT_THAT(result->outcome().getNotStarted().getText().cStr(), HasSubstr("memoryBytes"));
}

TEST_F(JobsServerTest, InlineInputIsReadToItsEnd) {
  std::string text(200 * 1024, 'x');
  SpecBuilder spec({"wc", "-c"});
  spec->initInput().setInline(
      kj::arrayPtr(reinterpret_cast<const kj::byte*>(text.data()), text.size()));
  EXPECT_EQ(run(spec)->output, "204800\n");
}

TEST_F(JobsServerTest, WithoutInputAJobReadsTheNullDevice) {
  SpecBuilder spec({"wc", "-c"});
  EXPECT_EQ(run(1, spec)->output, "0\n");
  EXPECT_EQ(write(1, 0, "x").getError().getKind(), Kind::CONFLICT);
}

TEST_F(JobsServerTest, InputByOffsetTakesEachByteOnce) {
  SpecBuilder spec = reader({"cat"});
  start(1, spec);
  EXPECT_EQ(write(1, 0, "hello ").getAcceptedTo(), 6u);
  EXPECT_EQ(write(1, 0, "hello ").getAcceptedTo(), 6u);
  EXPECT_EQ(write(1, 4, "o world").getAcceptedTo(), 11u);
  EXPECT_EQ(write(1, 13, "gap").getError().getKind(), Kind::CORRUPT);
  EXPECT_EQ(write(1, 11, "", true).getAcceptedTo(), 11u);
  EXPECT_EQ(write(1, 11, "", true).getAcceptedTo(), 11u);
  EXPECT_EQ(finish(1)->output, "hello world");
}

TEST_F(JobsServerTest, InputCannotGoOnAfterItsEnd) {
  SpecBuilder spec = reader({"sleep", "1000"});
  start(1, spec);
  write(1, 0, "abc", true);
  EXPECT_EQ(write(1, 3, "d").getError().getKind(), Kind::CONFLICT);
  EXPECT_EQ(write(1, 0, "ab", true).getError().getKind(), Kind::CONFLICT);
  EXPECT_EQ(write(1, 1, "bc").getAcceptedTo(), 3u);
}

TEST_F(JobsServerTest, ADamagedChunkIsRefused) {
  SpecBuilder spec = reader({"cat"});
  start(1, spec);
  auto request = jobs->writeInputRequest();
  request.setNumber(1);
  request.initChunk().setData(kj::StringPtr("abc").asBytes());
  EXPECT_EQ(request.send().wait(waitScope).getError().getKind(), Kind::CORRUPT);
}

// A job waits for a thread that reads the user database if that has changed.
TEST_F(JobsServerTest, InputThatComesBeforeTheProcessIsKept) {
  userRoot = directory;
  openTable(JobLimits());
  openSession();
  std::filesystem::create_directory(path("etc"));
  std::ofstream(path("etc/passwd")) << "me:x:" << geteuid() << ":" << getegid() << "::/:/bin/sh\n";
  SpecBuilder spec = reader({"cat"});
  spec->setUser("me");
  auto request = runRequest(1, spec);
  auto running = request.send();
  EXPECT_EQ(write(1, 0, "early", true).getAcceptedTo(), 5u);
  EXPECT_EQ(collect(1, running.wait(waitScope).getProgress())->output, "early");
}

TEST_F(JobsServerTest, TheInputWindowIsBounded) {
  SpecBuilder spec = reader({"sleep", "1000"});
  start(1, spec);
  std::string text(400 * 1024, 'x');
  uint64_t accepted = 0;
  for (int i = 0; i < 5; ++i) accepted = write(1, accepted, text).getAcceptedTo();
  EXPECT_GE(accepted, kInputWindowBytes);
  // The pipe itself holds some bytes.
  EXPECT_LE(accepted, kInputWindowBytes + (1 << 20));
}

TEST_F(JobsServerTest, AJobThatClosedItsInputAcceptsAndDrops) {
  SpecBuilder spec = reader(shell("exec <&-; echo closed; sleep 1000"));
  start(1, spec);
  follow(1, 0, 0, [](auto wish) { wish.setUntil(wire::Follow::Until::CHANGE); });
  uint64_t accepted = 0;
  for (int i = 0; i < 8; ++i)
    accepted = write(1, accepted, std::string(512 * 1024, 'x')).getAcceptedTo();
  EXPECT_EQ(accepted, 4u << 20);
}

TEST_F(JobsServerTest, ATerminalEchoesInputAndEnds) {
  SpecBuilder spec({"cat"});
  spec->initTerminal();
  start(1, spec);
  write(1, 0, "typed\n", true);
  EXPECT_EQ(finish(1)->output, "typed\r\ntyped\r\n");
}

TEST_F(JobsServerTest, ResizeReachesTheTerminalOnly) {
  SpecBuilder spec(shell("trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.01; done"));
  spec->initTerminal();
  start(1, spec);
  follow(1, 0, 0, [](auto wish) { wish.setUntil(wire::Follow::Until::CHANGE); });
  auto request = jobs->resizeRequest();
  request.setNumber(1);
  request.setColumns(132);
  request.setRows(50);
  EXPECT_EQ(errorOf(request.send().wait(waitScope)), "");
  EXPECT_THAT(finish(1)->output, HasSubstr("50 132\r\n"));

  SpecBuilder plain({"true"});
  run(2, plain);
  auto refused = jobs->resizeRequest();
  refused.setNumber(2);
  refused.setColumns(1);
  refused.setRows(1);
  EXPECT_EQ(refused.send().wait(waitScope).getError().getKind(), Kind::CONFLICT);
}

TEST_F(JobsServerTest, TheViewListsTheNewestFirstByLabel) {
  for (uint64_t number = 1; number <= 3; ++number) {
    SpecBuilder spec({"true"});
    auto label = spec->initLabels(1)[0];
    label.setName("parity");
    label.setValue(number % 2 == 0 ? "even" : "odd");
    run(number, spec);
  }
  auto request = makeJobView(*kept).listRequest();
  auto label = request.initLabels(1)[0];
  label.setName("parity");
  label.setValue("odd");
  auto answer = request.send().wait(waitScope);
  ASSERT_EQ(answer.getJobs().size(), 2u);
  EXPECT_EQ(answer.getJobs()[0].getNumber(), 3u);
  EXPECT_EQ(answer.getJobs()[1].getNumber(), 1u);
  EXPECT_STREQ(answer.getJobs()[0].getIdentity().cStr(), "test");
  EXPECT_EQ(bytes(answer.getJobs()[0].getArgv()[0]), "true");
  EXPECT_FALSE(answer.getTruncated());
}

TEST_F(JobsServerTest, TheViewCutsLongArguments) {
  std::vector<std::string> argv = {"true"};
  for (int i = 0; i < 100; ++i) argv.push_back(std::string(1000, 'x'));
  SpecBuilder spec(argv);
  run(1, spec);
  // The specification that was cut for lists still equals this one.
  EXPECT_EQ(run(1, spec)->outcome().getExited(), 0);
  auto answer = makeJobView(*kept).listRequest().send().wait(waitScope);
  ASSERT_EQ(answer.getJobs()[0].getArgv().size(), 64u);
  EXPECT_EQ(answer.getJobs()[0].getArgv()[63].size(), 256u);
}

TEST_F(JobsServerTest, TheViewTruncatesAndChangesNothing) {
  SpecBuilder spec({"true"});
  run(1, spec);
  run(2, spec);
  auto view = makeJobView(*kept);
  auto list = view.listRequest();
  list.setMax(1);
  auto answer = list.send().wait(waitScope);
  EXPECT_EQ(answer.getJobs().size(), 1u);
  EXPECT_TRUE(answer.getTruncated());
  auto request = view.followRequest();
  request.setSessionId(session->id().data());
  request.setNumber(1);
  request.initFollow().setReleaseTo(true);
  EXPECT_EQ(request.send().wait(waitScope).getError().getKind(), Kind::INVALID);
}

TEST_F(JobsServerTest, DroppingALongPollLeavesTheJobRunning) {
  SpecBuilder spec(shell("sleep 0.1; echo done"));
  {
    auto dropped = runRequest(1, spec).send();
    timer().afterDelay(20 * kj::MILLISECONDS).wait(waitScope);
  }
  EXPECT_EQ(finish(1)->output, "done\n");
}

}  // namespace
}  // namespace nodeagent::exec
