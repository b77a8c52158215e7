// F1 and F2 for detached commands: the keeper or the shim of the command is killed.
//
// A detached command outlives the keeper, and the next keeper has it with every byte. When its shim
// is killed, that is reported, and nothing of the command is left.
#include <dirent.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "harness/rpc/job/jobs.h"
#include "tests_d/muster/robustness/component.h"
#include "tests_d/muster/robustness/stream.h"

namespace robustness {
namespace {

using namespace std::chrono_literals;
using muster::LostReason;
using muster::Outcome;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;
using Part = Agent::Part;

class DetachedFaultTest : public FaultTest {
 protected:
  // Expects that no shim stays once the session is closed, however soon after the commands' end.
  void TearDown() override {
    disconnect();
    if (agent_) {
      EXPECT_TRUE(shimsGone()) << "I4: " << shims().size() << " shims";
    }
    FaultTest::TearDown();
  }

  muster::RunOptions detached() const {
    muster::RunOptions options = tagged();
    options.lifetime = muster::CommandLifetime::kDetached;
    options.deadline = 60s;
    options.outputBytesMax = 1 << 20;
    return options;
  }

  void restartKeeper() {
    agent().kill(Part::kKeeper);
    agent().start(Part::kKeeper);
  }

  size_t timesRun(const std::string& path) const {
    std::ifstream file(path);
    size_t lines = 0;
    for (std::string line; std::getline(file, line);) ++lines;
    return lines;
  }

  // Lists the processes of `nodeagent --shim` that serve this trial's agent.
  std::vector<pid_t> shims() const {
    std::vector<pid_t> found;
    std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir("/proc"), closedir);
    while (const dirent* entry = readdir(directory.get())) {
      std::ifstream file("/proc/" + std::string(entry->d_name) + "/cmdline");
      // A process that ends meanwhile is an error of the read, which an iterator would throw.
      std::ostringstream text;
      text << file.rdbuf();
      std::string line = text.str();
      bool isShim =
          line.find(std::string("--shim") + '\0' + agent_->stateDirectory()) != std::string::npos;
      if (isShim) found.push_back(std::stoi(entry->d_name));
    }
    return found;
  }

  // Lists the jobs of all sessions, as `muster ps` does.
  std::vector<harness::JobInfo> listed(harness::JobsWanted wanted) {
    harness::JobFilter filter{.labels = {{"of", tag_}}, .wanted = wanted};
    auto answers = harness::rpc::listJobs({&controllerNode()}, filter, steady_clock::now() + 10s);
    return std::get<harness::JobListing>(answers.at(0)).jobs;
  }

  harness::JobsEnded endListed() {
    harness::JobFilter filter{.labels = {{"of", tag_}}};
    auto answers =
        harness::rpc::endJobs({&controllerNode()}, filter, 1s, steady_clock::now() + 10s);
    return std::get<harness::JobsEnded>(answers.at(0));
  }

  bool shimsGone() const {
    return becomesTrue([&] { return shims().empty(); }, 10s);
  }
};

// The kill comes before the command is recorded, between record and claim, while it runs, or after
// its end. At each point, sending the start again must neither repeat nor lose it.
TEST_F(DetachedFaultTest, CommandRunsOnceWheneverTheKeeperIsKilled) {
  startAgent();
  connect();
  size_t times = trials(25, 1);
  size_t underWay = 0;
  std::vector<nanoseconds> resumed;
  for (size_t trial = 0; trial < times; ++trial) {
    std::string effects = directory_ + "/effects." + std::to_string(trial);
    std::string script =
        "echo x >> " + effects + "; for i in 1 2 3 4 5; do echo $i; sleep 0.01; done; exit 3";
    nanoseconds pause = drawn(trial % 2 ? 40ms : 8ms);
    std::thread killer([&] {
      letPass(pause);
      agent().kill(Part::kKeeper);
    });
    std::optional<muster::Process> process;
    std::optional<muster::NodeError> failed;
    std::thread starter([&] {
      muster::DeadlineScope scope(60s);
      try {
        process = node().start({"/bin/sh", "-c", script}, detached());
      } catch (const muster::NodeError& error) {
        failed = error;
      }
    });
    killer.join();
    if (!process) ++underWay;
    agent().start(Part::kKeeper);
    auto before = steady_clock::now();
    starter.join();
    ASSERT_FALSE(failed) << failed->what();
    muster::Result result = process->wait(30s);
    resumed.push_back(steady_clock::now() - before);
    ASSERT_EQ(result.outcome, Outcome::exited(3)) << "trial " << trial;
    EXPECT_EQ(result.out, "1\n2\n3\n4\n5\n") << "I1, trial " << trial;
    EXPECT_EQ(timesRun(effects), 1u) << "I2, trial " << trial;
  }
  std::printf("F1 %zu kills of the keeper, %zu during the start: all ran once, end known p99 %s\n",
              times, underWay, toText(percentile(resumed, 99)).c_str());
}

// A successor takes over a running command in both directions, not only its result.
TEST_F(DetachedFaultTest, NextKeeperPassesInputSignalsAndTheEnd) {
  startAgent();
  connect();
  muster::Process cat = node().start({"/bin/cat"}, detached());
  cat.write("one\n");
  EXPECT_EQ(cat.readLine(10s), "one");
  restartKeeper();
  cat.write("two\n");
  EXPECT_EQ(cat.readLine(10s), "two");
  restartKeeper();
  cat.closeInput();
  EXPECT_EQ(cat.wait(10s).outcome, Outcome::exited(0));
  muster::Process sleeper = node().start({"/bin/sleep", "60"}, detached());
  restartKeeper();
  sleeper.signal(SIGUSR1);
  EXPECT_EQ(sleeper.wait(10s).outcome.signal(), SIGUSR1);
  muster::Process other = node().start({"/bin/sleep", "60"}, detached());
  restartKeeper();
  EXPECT_EQ(other.kill().outcome.kind(), Outcome::Kind::kCancelled);
  EXPECT_TRUE(noneLeft(2s)) << toString(taggedProcesses(tag_));
}

// The keeper that gets the acknowledgement has not heard from the shim yet, and is killed as well.
// The shim must learn of it all the same, or it would stay for ever.
TEST_F(DetachedFaultTest, AcknowledgementReachesAStoppedShim) {
  startAgent();
  connect();
  {
    muster::Process process = node().start({"/bin/true"}, detached());
    EXPECT_EQ(process.wait(10s).outcome, Outcome::exited(0));
    ASSERT_EQ(shims().size(), 1u);
    ::kill(shims()[0], SIGSTOP);
    restartKeeper();
  }
  // After these calls the keeper has adopted the command.
  for (int i = 0; i < 3; ++i) node().run({"true"});
  restartKeeper();
  for (int i = 0; i < 3; ++i) node().run({"true"});
  ASSERT_EQ(shims().size(), 1u);
  ::kill(shims()[0], SIGCONT);
  EXPECT_TRUE(shimsGone()) << shims().size() << " shims";
}

// The session closes before the new keeper has adopted the command at all.
TEST_F(DetachedFaultTest, SessionClosedRightAfterARestartAcknowledges) {
  startAgent();
  for (int trial = 0; trial < 3; ++trial) {
    connect();
    {
      muster::Process process = node().start({"/bin/true"}, detached());
      EXPECT_EQ(process.wait(10s).outcome, Outcome::exited(0));
      agent().kill(Part::kKeeper);
      EXPECT_TRUE(controllerNode().awaitDisconnected(steady_clock::now() + 10s));
    }
    agent().start(Part::kKeeper);
    disconnect();
    EXPECT_TRUE(shimsGone()) << "trial " << trial << ": " << shims().size() << " shims";
  }
}

// `muster ps` and `muster kill` must reach a command that an earlier keeper has started.
TEST_F(DetachedFaultTest, AnyKeeperListsACommandAndEndsIt) {
  startAgent();
  connect();
  auto options = detached();
  options.labels["of"] = tag_;
  muster::Process shell = node().start({"/bin/sh", "-c", "sleep 60 & echo ready; wait"}, options);
  shell.readUntil("ready", 10s);
  restartKeeper();
  node().run({"true"});
  auto found = listed(harness::JobsWanted::kAlive);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].processes, 2u);
  EXPECT_EQ(found[0].argv.at(0), "/bin/sh");
  auto ended = endListed();
  EXPECT_EQ(ended.jobs, 1u);
  EXPECT_TRUE(ended.remaining.empty());
  EXPECT_EQ(shell.wait(10s).outcome.kind(), Outcome::Kind::kCancelled);
  EXPECT_TRUE(listed(harness::JobsWanted::kAlive).empty());
  EXPECT_EQ(listed(harness::JobsWanted::kAll).size(), 1u);
}

// A command that has ended may leave processes. They are listed under it, over a restart too.
TEST_F(DetachedFaultTest, LeftRunningProcessesAreListedAndEnded) {
  startAgent();
  connect();
  auto options = detached();
  options.labels["of"] = tag_;
  {
    muster::Process brief =
        node().start({"/bin/sh", "-c", "setsid sleep 60 >/dev/null 2>&1 &"}, options);
    EXPECT_EQ(brief.wait(10s).outcome, Outcome::exited(0));
  }
  auto isLeft = [&] {
    auto found = listed(harness::JobsWanted::kAlive);
    return found.size() == 1 && found[0].acknowledged && found[0].processes == 1;
  };
  EXPECT_TRUE(becomesTrue(isLeft, 10s));
  restartKeeper();
  EXPECT_TRUE(becomesTrue(isLeft, 10s));
  EXPECT_TRUE(endListed().remaining.empty());
  EXPECT_TRUE(shimsGone()) << shims().size() << " shims";
}

// Somebody may remove the state of the agent. A shim must not stay because of that.
TEST_F(DetachedFaultTest, ShimWithoutItsDirectoryEndsAfterItsCommand) {
  startAgent();
  connect();
  muster::Process process = node().start({"/bin/true"}, detached());
  EXPECT_EQ(process.wait(10s).outcome, Outcome::exited(0));
  EXPECT_EQ(shims().size(), 1u);
  std::filesystem::remove_all(agent().stateDirectory() + "/detached");
  EXPECT_TRUE(shimsGone()) << shims().size() << " shims";
}

TEST_F(DetachedFaultTest, LongOutputIsCompleteOverManyKeepers) {
  startAgent();
  connect();
  std::string name = tag_ + ".stream";
  muster::Process stream = node().start(streamArgv(name, 6'000, 50), detached());
  for (size_t kill = 0; kill < 5; ++kill) {
    stream.readLine(10s);
    letPass(drawn(100ms));
    restartKeeper();
  }
  muster::Result result = stream.wait(60s);
  EXPECT_EQ(result.outcome, Outcome::exited(0));
  EXPECT_EQ(streamFlaw(name, 6'000, result.out, Extent::kWhole), "");
}

// The shim holds the command's output, so without it the command is lost. The keeper must say so
// and end it, also when it was down at that moment.
TEST_F(DetachedFaultTest, KilledShimIsReportedAndItsCommandEnds) {
  startAgent();
  connect();
  size_t times = trials(8, 0.5);
  std::vector<nanoseconds> gone;
  for (size_t trial = 0; trial < times; ++trial) {
    muster::Process payload = node().start(
        escapeArgv(trial % 2 ? "setsid" : "daemon", tag_ + ".s" + std::to_string(trial)),
        detached());
    payload.readUntil("ready", 10s);
    auto found = shims();
    ASSERT_EQ(found.size(), 1u);
    if (trial % 4 == 3) agent().kill(Part::kKeeper);
    auto before = steady_clock::now();
    ::kill(found[0], SIGKILL);
    if (trial % 4 == 3) agent().start(Part::kKeeper);
    EXPECT_TRUE(noneLeft(3s)) << "I4: " << toString(taggedProcesses(tag_));
    gone.push_back(steady_clock::now() - before);
    EXPECT_EQ(payload.wait(10s).outcome.lostReason(), LostReason::kSupervisorKilled);
  }
  std::printf("F2 %zu kills of the shim: payloads gone after p99 %s\n", times,
              toText(percentile(gone, 99)).c_str());
}

}  // namespace
}  // namespace robustness
