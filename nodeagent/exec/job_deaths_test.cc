// Tries which ends of commands are entered as those of a broken program.
#include <signal.h>

#include <gmock/gmock.h>

#include "nodeagent/exec/job_fixture.h"

namespace nodeagent::exec {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class JobDeathsTest : public JobFixture {
 protected:
  JobDeathsTest() {
    closeTable();
    JobTable::Options options;
    options.sets = makeSets();
    options.deaths = &deaths;
    table = kj::heap<JobTable>(port, timer(), systemClock(), worker, kj::mv(options));
    kept = kj::heap<KeptJobs>(*table);
    openSession();
  }
  // The table goes before what it enters them in.
  ~JobDeathsTest() noexcept override { closeTable(); }

  std::vector<Death> found() { return deaths.since(0, session->id()); }

  Deaths deaths;
};

TEST_F(JobDeathsTest, CrashIsEntered) {
  SpecBuilder spec(shell("kill -SEGV $$"));
  auto result = run(7, spec);
  ASSERT_THAT(found(), SizeIs(1));
  Death death = found()[0];
  EXPECT_EQ(death.kind, Death::Kind::kCommand);
  EXPECT_EQ(death.number, 7u);
  EXPECT_EQ(death.pid, result->status().getPid());
  EXPECT_EQ(death.program, "/bin/sh");
  EXPECT_EQ(death.signal, SIGSEGV);
  EXPECT_FALSE(death.isProvoked);
}

TEST_F(JobDeathsTest, OrderlyEndsAreNotEntered) {
  run(shell("exit 139"));
  run(shell("kill -TERM $$"));
  run(shell("kill -KILL $$"));
  EXPECT_THAT(found(), IsEmpty());
}

TEST_F(JobDeathsTest, SignalOfTheCallerIsProvoked) {
  SpecBuilder spec({"/bin/sleep", "60"});
  start(7, spec);
  auto request = jobs->signalRequest();
  request.setNumber(7);
  request.setSignal(SIGABRT);
  EXPECT_EQ(errorOf(request.send().wait(waitScope)), "");
  finish(7);
  ASSERT_THAT(found(), SizeIs(1));
  EXPECT_TRUE(found()[0].isProvoked);
}

TEST_F(JobDeathsTest, ReportOnStandardErrorIsEnteredWithItsText) {
  run(shell("echo 'ERROR: AddressSanitizer: bad' >&2; echo '#0 f' >&2"));
  ASSERT_THAT(found(), SizeIs(1));
  EXPECT_EQ(found()[0].kind, Death::Kind::kReport);
  EXPECT_EQ(found()[0].text, "ERROR: AddressSanitizer: bad\n#0 f\n");
}

TEST_F(JobDeathsTest, ReportAmongMergedOutputIsEntered) {
  SpecBuilder spec(shell("echo fine; echo 'WARNING: ThreadSanitizer: bad' >&2"));
  spec->setMergeErrors(true);
  run(spec);
  ASSERT_THAT(found(), SizeIs(1));
  EXPECT_THAT(found()[0].text, HasSubstr("ThreadSanitizer"));
}

TEST_F(JobDeathsTest, PlacesOfCoresAndReportsAreNoted) {
  SpecBuilder spec(shell("cd /usr; exec sleep 60"));
  spec->setDirectory(kj::StringPtr("/tmp").asBytes());
  auto variable = spec->initEnvironment(1)[0];
  variable.setName(kj::StringPtr("ASAN_OPTIONS").asBytes());
  variable.setValue(kj::StringPtr("abort_on_error=1:log_path=/tmp/asan:verbosity=0").asBytes());
  start(7, spec);
  EXPECT_THAT(deaths.directories(), Contains("/tmp"));
  EXPECT_THAT(deaths.reports(), Contains("/tmp/asan"));
  int pid =
      follow(7, 0, 0, [](auto wish) { wish.setWaitNs(0); }).getProgress().getStatus().getPid();
  ASSERT_TRUE(eventually([&]() {
    return std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/cwd") == "/usr";
  }));
  cancel(7, 0);
  finish(7);
  EXPECT_THAT(deaths.directories(), Contains("/usr"));
}

}  // namespace
}  // namespace nodeagent::exec
