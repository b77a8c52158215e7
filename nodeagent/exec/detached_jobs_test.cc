// Tries that starts and adoptions of detached jobs wait for a slow disk and not for ever, and that
// the loop goes on meanwhile.
#include "nodeagent/exec/detached_jobs.h"

#include <chrono>
#include <future>

#include <gmock/gmock.h>

#include "nodeagent/exec/job_fixture.h"

namespace nodeagent::exec {
namespace {

using testing::HasSubstr;
using Kind = wire::Error::Kind;

class DetachedJobsTest : public JobFixture {
 protected:
  DetachedJobsTest() { open(10 * kj::SECONDS); }
  ~DetachedJobsTest() noexcept override {
    release();
    session->end(EndReason::kClosed).wait(waitScope);
    jobs = nullptr;
    kept = nullptr;
    detached_ = nullptr;
    EXPECT_TRUE(disk_.awaitAll(10 * kj::SECONDS));
  }

  // Makes the table anew, as the next keeper does.
  void open(kj::Duration diskPatience) {
    jobs = nullptr;
    kept = nullptr;
    detached_ = nullptr;
    DetachedJobs::Options options;
    options.directory = kj::str(path("detached").c_str());
    // This program stands for a shim that keeps no job.
    options.program = kj::str("/bin/true");
    options.bootId = kj::str("boot-1");
    options.group = kj::str("detached-test-", getpid());
    options.diskPatience = diskPatience;
    detached_ = kj::heap<DetachedJobs>(port, timer(), disk_, kj::mv(options));
    kept = kj::heap<KeptJobs>(*table, *detached_);
    openSession();
  }

  // Keeps the disk's one thread busy until release().
  void hang() {
    released_ = std::promise<void>();
    disk_.start([until = released_.get_future().share()]() { until.wait(); });
    hangs_ = true;
  }
  void release() {
    if (hangs_) released_.set_value();
    hangs_ = false;
  }

  static SpecBuilder detached() {
    SpecBuilder spec({"make", "all"});
    spec->setLifetime(wire::JobSpec::JobLifetime::DETACHED);
    return spec;
  }
  capnp::RemotePromise<wire::Jobs::RunResults> sendRun(uint64_t number) {
    auto spec = detached();
    return runRequest(number, spec).send();
  }
  capnp::RemotePromise<wire::Jobs::AdoptResults> sendAdopt(const support::Id& from,
                                                           uint64_t number) {
    auto request = jobs->adoptRequest();
    request.initSessionIds(1).set(0, from.data());
    request.setNumber(number);
    return request.send();
  }

  size_t directories() const {
    return std::filesystem::exists(path("detached")) ? countFiles(path("detached")) : 0;
  }

  // One thread that no other replaces, so that a task which hangs stands for a disk which does.
  Worker disk_{1, 3600 * kj::SECONDS};
  kj::Own<DetachedJobs> detached_;
  std::promise<void> released_;
  bool hangs_ = false;
};

TEST_F(DetachedJobsTest, StartThatIsSentAgainWaitsForTheSameRecord) {
  hang();
  auto first = sendRun(1);
  auto second = sendRun(1);
  EXPECT_FALSE(first.poll(waitScope));
  EXPECT_EQ(detached_->count(), 1u);
  release();
  EXPECT_EQ(errorOf(first.wait(waitScope)), "");
  EXPECT_EQ(errorOf(second.wait(waitScope)), "");
  EXPECT_EQ(directories(), 1u);
}

TEST_F(DetachedJobsTest, StartFailsIfTheDiskDoesNotAnswerAndLeavesNothing) {
  open(20 * kj::MILLISECONDS);
  hang();
  auto answer = sendRun(1).wait(waitScope);
  EXPECT_EQ(answer.getError().getKind(), Kind::SYSTEM);
  EXPECT_THAT(errorOf(answer), HasSubstr("detached: the disk has not answered within 20 ms"));
  release();
  EXPECT_TRUE(disk_.awaitAll(10 * kj::SECONDS));
  EXPECT_EQ(directories(), 0u) << "a later keeper would begin it";
  EXPECT_TRUE(eventually([&] { return detached_->count() == 0; }));
}

TEST_F(DetachedJobsTest, NumberOfAStartThatFailedIsFree) {
  std::ofstream(path("detached")) << "is no directory";
  auto answer = sendRun(1).wait(waitScope);
  EXPECT_THAT(errorOf(answer), HasSubstr("make the directory"));
  EXPECT_TRUE(eventually([&] { return detached_->count() == 0; }));
  std::filesystem::remove(path("detached"));
  EXPECT_EQ(errorOf(sendRun(1).wait(waitScope)), "");
}

TEST_F(DetachedJobsTest, AdoptionThatIsSentAgainWaitsForTheFirst) {
  EXPECT_EQ(errorOf(sendRun(1).wait(waitScope)), "");
  auto owner = session->id();
  session->end(EndReason::kClosed).wait(waitScope);
  openSession();
  hang();
  auto first = sendAdopt(owner, 1);
  auto second = sendAdopt(owner, 1);
  EXPECT_FALSE(first.poll(waitScope));
  EXPECT_FALSE(second.poll(waitScope));
  EXPECT_TRUE(detached_->find(owner, 1) != nullptr) << "the record does not say otherwise yet";
  release();
  EXPECT_EQ(errorOf(first.wait(waitScope)), "");
  EXPECT_EQ(errorOf(second.wait(waitScope)), "");
  auto adopter = session->id();
  open(10 * kj::SECONDS);
  EXPECT_TRUE(detached_->find(adopter, 1) != nullptr);
}

// The next keeper would show a job of which only this one knows that it was acknowledged.
TEST_F(DetachedJobsTest, AcknowledgementIsAnsweredWhenTheDirectoryIsGone) {
  EXPECT_EQ(errorOf(sendRun(1).wait(waitScope)), "");
  hang();
  auto request = jobs->acknowledgeRequest();
  request.initNumbers(1).set(0, 1);
  auto answered = request.send();
  EXPECT_FALSE(answered.poll(waitScope));
  release();
  EXPECT_EQ(errorOf(answered.wait(waitScope)), "");
  EXPECT_EQ(directories(), 0u);
}

}  // namespace
}  // namespace nodeagent::exec
