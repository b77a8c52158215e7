// F4: the keeper, or the shim of a detached command, dies at each of its crash sites.
//
// A crash site is a call whose effect others can see, such as a rename, link, sync, write or
// removal. The process is killed by SIGKILL right before the call, and again right after it. The
// next keeper must keep the promises of the session with whatever it finds on the disk.
#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests_d/muster/robustness/call_faults.h"
#include "tests_d/muster/robustness/component.h"
#include "tests_d/muster/robustness/stream.h"

namespace robustness {
namespace {

using namespace std::chrono_literals;
using muster::NodeError;
using muster::Outcome;
using Part = Agent::Part;
using When = CallFaults::When;

class CrashTest : public FaultTest {
 protected:
  // Makes each call that changes the node once. `name` distinguishes the rounds.
  void work(const std::string& name) {
    attempt([&] { node().file(home_ + "/plain").write("plain " + name); });
    muster::WriteOptions back{.undo = muster::UndoAt::kSessionEnd};
    attempt([&] { node().file(home_ + "/kept").write("new", back); });
    attempt([&] { node().file(home_ + "/made").write("new", back); });
    attempt([&] { node().file(home_ + "/big").write(std::string(1'200'000, 'b'), back); });
    attempt([&] { node().file(home_ + "/dir/below/x").write("new", {.parents = true}); });
    attempt([&] { node().file(home_ + "/synced").write("s " + name, {.sync = true}); });
    attempt([&] { node().file(home_ + "/plain").append("more " + name); });
    attempt([&] { node().file(home_ + "/plain").setMode(0600); });
    attempt([&] { node().file(home_ + "/plain").setOwner("1", "1"); });
    attempt([&] { node().file(home_ + "/plain").setModified({}); });
    attempt([&] { node().pushTree(source_, home_ + "/pushed"); });
    attempt([&] { node().copyTo(home_ + "/pushed/x", node(), home_ + "/copied"); });
    attempt([&] { node().file(home_ + "/tree").makeDirectory(0750, muster::UndoAt::kSessionEnd); });
    attempt([&] { node().file(home_ + "/tree/x/y").write("new", {.parents = true}); });
    attempt([&] { node().file(home_ + "/soft").linkTo("plain", muster::IfExists::kReplace); });
    attempt([&] {
      node().file(home_ + "/hard").hardLinkTo(home_ + "/plain", muster::IfExists::kReplace);
    });
    attempt([&] { node().file(home_ + "/hard").rename(home_ + "/renamed"); });
    attempt([&] { node().file(home_ + "/dir").removeTree(); });
    attempt([&] { node().file(home_ + "/pushed").removeTree(); });
    attempt([&] { node().file(home_ + "/plain").remove(); });
    attempt([&] { detach(name); });
    attempt([&] {
      muster::Result result = node().run(streamArgv(tag_ + "." + name, 9000, 0), tagged());
      if (result.outcome.kind() == Outcome::Kind::kLost) return;
      EXPECT_EQ(result.outcome, Outcome::exited(0));
      EXPECT_EQ(streamFlaw(tag_ + "." + name, 9000, result.out, Extent::kWhole), "");
    });
  }

  // Runs a detached command to its end and its acknowledgement.
  void detach(const std::string& name) {
    muster::RunOptions options = tagged();
    options.lifetime = muster::CommandLifetime::kDetached;
    options.deadline = 20s;
    muster::Result result = node().run(streamArgv(tag_ + ".d" + name, 10, 0), options);
    // The shim is the same program, so it may be the process that dies.
    bool lost = result.outcome.kind() == Outcome::Kind::kLost &&
                result.outcome.lostReason() == muster::LostReason::kSupervisorKilled;
    EXPECT_TRUE(lost || result.outcome == Outcome::exited(0)) << result.outcome;
  }

  // Makes the tree that work() pushes.
  void makeSource() {
    source_ = directory_ + "/source";
    std::filesystem::create_directories(source_ + "/below");
    for (const char* name : {"/x", "/below/y"}) std::ofstream(source_ + name) << name;
    std::filesystem::create_symlink("x", source_ + "/link");
  }

  // Makes a call that a killed keeper may disturb in two ways: it is reported as lost, or, sent
  // again, it conflicts with its own first execution.
  template <typename Call>
  void attempt(Call call) {
    try {
      muster::DeadlineScope scope(20s);
      call();
    } catch (const NodeError& error) {
      bool honest = error.kind() == NodeError::Kind::kLost ||
                    error.kind() == NodeError::Kind::kNotFound ||
                    error.kind() == NodeError::Kind::kConflict;
      EXPECT_TRUE(honest) << "I3: " << error.what();
    }
  }

  // Runs `task` while a second thread starts the keeper again whenever it dies.
  void watched(const std::function<void()>& task) {
    std::atomic<bool> done{false};
    std::thread worker([&] {
      try {
        task();
      } catch (const std::exception& error) {
        ADD_FAILURE() << error.what();
      }
      done = true;
    });
    auto look = [&] {
      if (!agent().alive(Part::kKeeper)) agent().start(Part::kKeeper);
      return done.load();
    };
    EXPECT_TRUE(becomesTrue(look, 120s)) << "I5";
    worker.join();
  }

  // Runs one session with all the work, during which the keeper dies once, or at its next start.
  // Then expects that the leftovers are those that the session was promised.
  void crash(const CallFaults::Site& site, When when, size_t number) {
    pid_t before = agent().pid(Part::kKeeper);
    calls_->killAt(site, 1, when);
    auto session = [&] {
      connect();
      work(std::to_string(number));
      disconnect();
    };
    watched(session);
    if (agent().pid(Part::kKeeper) == before) {
      agent().kill(Part::kKeeper);
      watched(session);
    }
    met_ += calls_->control().killCountdown <= 0 ? 1 : 0;
    calls_->control().killCaller = 0;
    std::string where = site.name + "@" + std::to_string(site.caller) +
                        (when == When::kBefore ? " before" : " after");
    watched([&] {
      connect();
      expectAsPromised(where);
      disconnect();
    });
  }

  void expectAsPromised(const std::string& where) {
    // The keeper may have died while it ended the session. Its successor ends the rest soon.
    EXPECT_TRUE(becomesTrue(
        [&] {
          return node().file(home_ + "/kept").read() == "old" &&
                 !node().file(home_ + "/made").exists() && !node().file(home_ + "/big").exists();
        },
        5s))
        << "I4, I7 " << where << ": " << node().file(home_ + "/kept").read();
    std::string left;
    auto clean = [&] {
      left.clear();
      for (const std::string& file : filesBelow(directory_)) {
        bool ours = file.find(".muster-") != std::string::npos;
        if (ours || file.rfind("state/restores/", 0) == 0) left += " " + file;
      }
      return left.empty();
    };
    EXPECT_TRUE(becomesTrue(clean, 3s)) << "I4 " << where << ": left" << left;
    EXPECT_TRUE(noneLeft(3s)) << "I4 " << where << ": " << toString(taggedProcesses(tag_));
  }

  std::string home_, source_;
  std::optional<CallFaults> calls_;
  size_t met_ = 0;
};

TEST_F(CrashTest, KeeperKilledAtEachCallKeepsItsPromises) {
  calls_.emplace(directory_);
  controllerOptions.backoffMin = 5ms;
  controllerOptions.backoffMax = 50ms;
  home_ = directory_ + "/home";
  makeSource();
  startAgent({.audit = true, .keeperCalls = calls_->path()});
  connect();
  node().file(home_ + "/kept").write("old", {.parents = true});
  work("first");
  disconnect();
  auto sites = calls_->sites();
  size_t kills = 0;
  for (size_t round = 0; round < trials(1, 0.02) && !HasFailure(); ++round) {
    for (const CallFaults::Site& site : sites) {
      for (When when : {When::kBefore, When::kAfter}) crash(site, when, kills++);
      if (HasFailure()) break;
    }
  }
  std::printf("F4 %zu crash sites, %zu kills right before or after their call, %zu of them met\n",
              sites.size(), kills, met_);
  EXPECT_GE(met_, kills * 9 / 10) << "void";
}

}  // namespace
}  // namespace robustness
