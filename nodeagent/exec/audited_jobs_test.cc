// Tries that each effect on a job is in the audit log once, before it happens, with its parameters.
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "nodeagent/exec/job_fixture.h"

namespace nodeagent::exec {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Kind = wire::Error::Kind;

// Keeps each line as "operation key=value ...".
class RecordingAudit final : public AuditLog {
 public:
  Line line(const Session&, std::string_view operation, support::Fields fields) override {
    std::string line(operation);
    for (const support::Field& field : fields) {
      line += " " + std::string(field.key) + "=" + field.value;
    }
    return [this, line]() {
      if (refuses) support::fail(Kind::SYSTEM, "the audit log cannot be written");
      lines.push_back(line);
    };
  }
  kj::Maybe<kj::Promise<void>> record(const Session& session, std::string_view operation,
                                      support::Fields fields) override {
    auto write = line(session, operation, fields);
    if (disk == nullptr) {
      write();
      return nullptr;
    }
    return KJ_ASSERT_NONNULL(disk).addBranch().then(kj::mv(write));
  }

  std::vector<std::string> lines;
  bool refuses = false;
  // Lines are written when it resolves; at once if it is null.
  kj::Maybe<kj::ForkedPromise<void>> disk;
};

class AuditedJobsTest : public JobFixture {
 protected:
  AuditedJobsTest() {
    auto recording = kj::heap<RecordingAudit>();
    recorded_ = recording.get();
    audit = kj::mv(recording);
    DetachedJobs::Options options;
    options.directory = kj::str(directory.c_str(), "/detached");
    // This program stands for a shim that keeps no job.
    options.program = kj::str("/bin/true");
    options.bootId = kj::str("boot-1");
    options.group = kj::str("audited-test-", getpid());
    detached_ = kj::heap<DetachedJobs>(port, timer(), worker, kj::mv(options));
    kept = kj::heap<KeptJobs>(*table, *detached_);
    openSession();
  }
  // The children are reaped here, because later tests of this process look for leftover ones.
  ~AuditedJobsTest() noexcept override {
    session->end(EndReason::kClosed).wait(waitScope);
    EXPECT_TRUE(eventually([&]() { return children() == ""; })) << children();
    jobs = nullptr;
    kept = nullptr;
    detached_ = nullptr;
    EXPECT_TRUE(worker.awaitAll(10 * kj::SECONDS)) << "files are still being removed";
  }

  std::vector<std::string>& lines() { return recorded_->lines; }

  static std::string children() {
    return read("/proc/self/task/" + std::to_string(getpid()) + "/children");
  }

  static void beDetached(SpecBuilder& spec) {
    spec->setLifetime(wire::JobSpec::JobLifetime::DETACHED);
    spec->setUser("root");
    spec->setDirectory(kj::StringPtr("/tmp").asBytes());
  }

  RecordingAudit* recorded_;
  kj::Own<DetachedJobs> detached_;
};

TEST_F(AuditedJobsTest, AStartThatIsSentAgainIsRecordedOnce) {
  SpecBuilder spec({"true", "--password=secret"});
  run(1, spec);
  run(1, spec);
  EXPECT_THAT(lines(), ElementsAre("jobs.run number=1 argv=true --password=<secret> user= "
                                   "directory=/ lifetime=session"));
}

TEST_F(AuditedJobsTest, ACancelIsRecordedOnce) {
  SpecBuilder spec({"sleep", "1000"});
  start(1, spec);
  lines().clear();
  cancel(1, 0);
  EXPECT_THAT(lines(), ElementsAre("jobs.cancel number=1"));
}

TEST_F(AuditedJobsTest, ASignalAndACancelOfAnotherSessionsJobAreRecordedOnce) {
  SpecBuilder spec({"sleep", "1000"});
  start(1, spec);
  auto owner = session->addRef();
  lines().clear();
  auto signal = jobs->signalRequest();
  signal.setNumber(1);
  signal.setSignal(SIGCONT);
  EXPECT_EQ(errorOf(signal.send().wait(waitScope)), "");
  openSession();
  auto cancel = jobs->cancelOfRequest();
  cancel.setSessionId(owner->id().data());
  cancel.setNumber(1);
  EXPECT_EQ(errorOf(cancel.send().wait(waitScope)), "");
  EXPECT_THAT(lines(),
              ElementsAre("jobs.signal number=1 signal=" + std::to_string(SIGCONT),
                          "jobs.cancelOf owner_session=" + owner->id().text() + " number=1"));
}

TEST_F(AuditedJobsTest, ADetachedCommandIsRecordedWithArgumentsUserAndDirectory) {
  SpecBuilder spec({"make", "--token=secret", "all"});
  beDetached(spec);
  start(1, spec);
  start(1, spec);
  EXPECT_THAT(lines(), ElementsAre("jobs.run number=1 argv=make --token=<secret> all user=root "
                                   "directory=/tmp lifetime=detached"));
}

TEST_F(AuditedJobsTest, ADetachedJobIsSignalledAndCancelledLikeAnyOther) {
  SpecBuilder spec({"true"});
  beDetached(spec);
  start(1, spec);
  lines().clear();
  cancel(1, 0);
  auto signal = jobs->signalRequest();
  signal.setNumber(1);
  signal.setSignal(SIGTERM);
  EXPECT_EQ(errorOf(signal.send().wait(waitScope)), "");
  EXPECT_THAT(lines(), ElementsAre("jobs.cancel number=1",
                                   "jobs.signal number=1 signal=" + std::to_string(SIGTERM)));
  EXPECT_TRUE(finish(1)->outcome().isNotStarted()) << "its shim never began it";
}

TEST_F(AuditedJobsTest, AChangeThatCannotBeRecordedIsNotMade) {
  SpecBuilder sleeper({"sleep", "1000"});
  start(1, sleeper);
  recorded_->refuses = true;
  for (auto lifetime :
       {wire::JobSpec::JobLifetime::SESSION, wire::JobSpec::JobLifetime::DETACHED}) {
    SpecBuilder spec({"true"});
    spec->setLifetime(lifetime);
    auto answer = runRequest(2, spec).send().wait(waitScope);
    EXPECT_EQ(answer.getError().getKind(), Kind::SYSTEM);
  }
  auto request = jobs->cancelRequest();
  request.setNumber(1);
  EXPECT_EQ(request.send().wait(waitScope).getError().getKind(), Kind::SYSTEM);
  EXPECT_EQ(table->runningCount(), 1u);
  EXPECT_EQ(detached_->count(), 0u);
}

TEST_F(AuditedJobsTest, CallsForAJobWhoseLineIsBeingWrittenWaitForIt) {
  auto disk = kj::newPromiseAndFulfiller<void>();
  recorded_->disk = disk.promise.fork();
  SpecBuilder spec({"cat"});
  spec->getInput().setStream();
  auto first = runRequest(1, spec, 0).send();
  auto again = runRequest(1, spec, 0).send();
  auto input = jobs->writeInputRequest();
  input.setNumber(1);
  input.setEnd(true);
  auto written = input.send();
  auto signal = jobs->signalRequest();
  signal.setNumber(1);
  signal.setSignal(SIGCONT);
  auto signalled = signal.send();
  EXPECT_FALSE(signalled.poll(waitScope));
  EXPECT_EQ(table->runningCount(), 0u) << "nothing happens before the line";
  disk.fulfiller->fulfill();
  EXPECT_EQ(errorOf(first.wait(waitScope)), "");
  EXPECT_EQ(errorOf(again.wait(waitScope)), "");
  EXPECT_EQ(errorOf(written.wait(waitScope)), "");
  EXPECT_EQ(errorOf(signalled.wait(waitScope)), "");
  EXPECT_THAT(lines(), ElementsAre(HasSubstr("jobs.run number=1"), HasSubstr("jobs.signal")));
}

TEST_F(AuditedJobsTest, JobIsNotStartedForASessionThatEndedBeforeItsLine) {
  auto disk = kj::newPromiseAndFulfiller<void>();
  recorded_->disk = disk.promise.fork();
  SpecBuilder spec({"true"});
  auto started = runRequest(1, spec).send();
  EXPECT_FALSE(started.poll(waitScope));
  session->end(EndReason::kClosed).wait(waitScope);
  disk.fulfiller->fulfill();
  EXPECT_EQ(started.wait(waitScope).getError().getKind(), Kind::EXPIRED);
  EXPECT_EQ(table->runningCount(), 0u);
}

TEST_F(AuditedJobsTest, NumberOfAStartThatCouldNotBeRecordedIsFree) {
  auto disk = kj::newPromiseAndFulfiller<void>();
  recorded_->disk = disk.promise.fork();
  SpecBuilder spec({"true"});
  auto refused = runRequest(1, spec).send();
  EXPECT_FALSE(refused.poll(waitScope));
  disk.fulfiller->reject(support::failure(Kind::OVERLOADED, "the disk hangs"));
  EXPECT_EQ(refused.wait(waitScope).getError().getKind(), Kind::OVERLOADED);
  recorded_->disk = nullptr;
  EXPECT_EQ(run(1, spec)->outcome().getExited(), 0);
}

TEST_F(AuditedJobsTest, TheViewShowsDetachedJobsBesideTheOthers) {
  SpecBuilder own({"sleep", "1000"});
  start(1, own);
  SpecBuilder apart({"make", "all"});
  beDetached(apart);
  auto label = apart->initLabels(1)[0];
  label.setName("run");
  label.setValue("7");
  start(2, apart);
  auto all = makeJobView(*kept).listRequest().send().wait(waitScope);
  ASSERT_EQ(all.getJobs().size(), 2u);
  EXPECT_EQ(all.getJobs()[0].getNumber(), 2u) << "detached ones come first";
  EXPECT_EQ(bytes(all.getJobs()[0].getArgv()[1]), "all");
  EXPECT_EQ(all.getJobs()[1].getNumber(), 1u);
  auto request = makeJobView(*kept).listRequest();
  auto wanted = request.initLabels(1)[0];
  wanted.setName("run");
  wanted.setValue("7");
  request.setMax(1);
  auto labelled = request.send().wait(waitScope);
  ASSERT_EQ(labelled.getJobs().size(), 1u);
  EXPECT_FALSE(labelled.getTruncated());
  auto follow = makeJobView(*kept).followRequest();
  follow.setSessionId(session->id().data());
  follow.setNumber(2);
  setFollow(follow.initFollow(), 20 * kSecondNs);
  auto answer = follow.send().wait(waitScope);
  EXPECT_EQ(errorOf(answer), "");
  EXPECT_TRUE(answer.getProgress().getStatus().getOutcome().isNotStarted());
}

}  // namespace
}  // namespace nodeagent::exec
