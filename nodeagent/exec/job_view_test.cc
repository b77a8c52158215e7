// Tries what a session sees of the jobs of others, and which identity may end them.
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nodeagent/exec/job_fixture.h"

namespace nodeagent::exec {
namespace {

using Kind = wire::Error::Kind;
using testing::HasSubstr;
using testing::Not;
using Listed = capnp::Response<wire::JobView::ListResults>;

class JobViewTest : public JobFixture {
 protected:
  Listed list(wire::JobView::Which which = wire::JobView::Which::ALL) {
    auto request = makeJobView(*kept).listRequest();
    request.setWhich(which);
    return request.send().wait(waitScope);
  }

  // Calls cancelOf from the open session.
  auto cancelOf(const support::Id& owner, uint64_t number) {
    auto request = jobs->cancelOfRequest();
    request.setSessionId(owner.data());
    request.setNumber(number);
    return request.send().wait(waitScope);
  }

  // Starts a job of the open session, which runs until it is ended. The session stays open.
  support::Id startSleeper() {
    SpecBuilder spec({"sleep", "1000"});
    start(1, spec);
    others.push_back(session->addRef());
    return session->id();
  }

  bool runs(const support::Id& owner) { return !table->get(owner, 1).job().isGone(); }

  std::vector<kj::Own<Session>> others;
};

TEST_F(JobViewTest, AListOfLivingJobsLeavesOutEndedOnes) {
  SpecBuilder brief({"true"});
  run(1, brief);
  SpecBuilder spec({"sleep", "1000"});
  start(2, spec);
  EXPECT_EQ(list().getJobs().size(), 2u);
  auto alive = list(wire::JobView::Which::ALIVE);
  ASSERT_EQ(alive.getJobs().size(), 1u);
  EXPECT_EQ(alive.getJobs()[0].getNumber(), 2u);
  EXPECT_TRUE(alive.getJobs()[0].getAlive());
  EXPECT_EQ(alive.getJobs()[0].getProcesses(), 1u);
}

// An observer is told what the audit log is told. Arguments are cut only afterwards, because half a
// secret still is one.
TEST_F(JobViewTest, SecretsAreTakenOutOfArguments) {
  std::string canary = "hunter2-" + std::string(300, 'x');
  SpecBuilder spec({"sh", "-c", "exec sleep 1000", "--password", canary, "TOKEN=" + canary,
                    "https://me:" + canary + "@host/"});
  start(1, spec);
  auto listed = list();
  auto argv = listed.getJobs()[0].getArgv();
  ASSERT_EQ(argv.size(), 7u);
  for (auto word : argv) {
    EXPECT_THAT(std::string(word.asChars().begin(), word.size()), Not(HasSubstr("hunter2")));
  }
  EXPECT_EQ(kj::str(argv[4].asChars()), "<secret>");
  EXPECT_EQ(kj::str(argv[2].asChars()), "exec sleep 1000");
}

TEST_F(JobViewTest, ArgumentsAreCutBetweenCharacters) {
  std::string euros = "xy";
  for (int i = 0; i < 100; ++i) euros += "€";
  SpecBuilder spec({"sh", "-c", "exec sleep 1000", euros});
  start(1, spec);
  auto listed = list();
  EXPECT_EQ(kj::str(listed.getJobs()[0].getArgv()[3].asChars()),
            euros.substr(0, 2 + 84 * 3).c_str());
}

TEST_F(JobViewTest, LeftoversOfAnAcknowledgedJobAreListedAndCanBeEnded) {
  SpecBuilder spec(shell("setsid sleep 1000 >/dev/null 2>&1 &"));
  run(1, spec);
  acknowledge(1);
  auto left = list(wire::JobView::Which::ALIVE);
  ASSERT_EQ(left.getJobs().size(), 1u);
  EXPECT_TRUE(left.getJobs()[0].getAcknowledged());
  EXPECT_EQ(left.getJobs()[0].getProcesses(), 1u);
  EXPECT_FALSE(cancelOf(session->id(), 1).hasError());
  EXPECT_TRUE(eventually([&]() { return list().getJobs().size() == 0; }));
}

TEST_F(JobViewTest, OneIdentityEndsItsJobsFromAnySession) {
  support::Id owner = startSleeper();
  openSession();
  EXPECT_EQ(errorOf(cancelOf(owner, 1)), "");
  EXPECT_TRUE(eventually([&]() { return !runs(owner); }));
  EXPECT_EQ(errorOf(cancelOf(owner, 1)), "");
}

TEST_F(JobViewTest, AnOperatorDoesNotEndJobsOfAnotherIdentity) {
  support::Id owner = startSleeper();
  openSession("operator:eve");
  auto answer = cancelOf(owner, 1);
  EXPECT_EQ(answer.getError().getKind(), Kind::DENIED);
  EXPECT_THAT(errorOf(answer), HasSubstr("is of \"test\": only it or an admin may end it"));
  EXPECT_TRUE(runs(owner));
}

TEST_F(JobViewTest, AnAdminEndsJobsOfEveryIdentity) {
  support::Id owner = startSleeper();
  openSession("admin:root", wire::Role::ADMIN);
  EXPECT_EQ(errorOf(cancelOf(owner, 1)), "");
  EXPECT_TRUE(eventually([&]() { return !runs(owner); }));
}

TEST_F(JobViewTest, UnknownJobsAndBadParametersAreRefused) {
  EXPECT_EQ(cancelOf(session->id(), 7).getError().getKind(), Kind::NOT_FOUND);
  auto request = jobs->cancelOfRequest();
  const kj::byte bytes[3] = {};
  request.setSessionId(kj::arrayPtr(bytes, 3));
  EXPECT_THAT(errorOf(request.send().wait(waitScope)), HasSubstr("sessionId: 3 bytes"));
  EXPECT_THAT(errorOf(list(static_cast<wire::JobView::Which>(9))), HasSubstr("which: 9"));
}

}  // namespace
}  // namespace nodeagent::exec
