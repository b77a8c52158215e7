// F11, F13, F14 and F16: the agent's system calls fail, are interrupted or carry fewer bytes than
// requested, and its wall clock jumps.
//
// call_control.h says how that is done without a change to the agent's code.
#include <cerrno>
#include <filesystem>
#include <fstream>

#include "tests_d/muster/robustness/call_faults.h"
#include "tests_d/muster/robustness/component.h"

namespace robustness {
namespace {

using namespace std::chrono_literals;
using muster::NodeError;
using muster::Outcome;
using Part = Agent::Part;

class CallTest : public FaultTest {
 protected:
  void startDisturbed() {
    frontCalls_.reset();
    front_ = directory_ + "/f";
    keeper_ = directory_ + "/k";
    std::filesystem::create_directory(front_);
    std::filesystem::create_directory(keeper_);
    frontCalls_.emplace(front_);
    keeperCalls_.emplace(keeper_);
    startAgent(
        {.audit = true, .frontCalls = frontCalls_->path(), .keeperCalls = keeperCalls_->path()});
  }
  CallControl& front() { return frontCalls_->control(); }
  CallControl& keeper() { return keeperCalls_->control(); }

  // Makes one call of each kind. A call that fails must report `errnoValue`.
  void tryAll(int errnoValue, const std::string& where) {
    auto attempt = [&](auto call) {
      try {
        muster::DeadlineScope scope(20s);
        call();
      } catch (const NodeError& error) {
        ++failures_;
        EXPECT_EQ(error.kind(), NodeError::Kind::kSystem) << where << ": " << error.what();
        EXPECT_EQ(error.errnoValue(), errnoValue) << where << ": " << error.what();
      }
    };
    attempt([&] {
      Outcome outcome = node().run({"true"}, tagged()).outcome;
      if (outcome == Outcome::exited(0)) return;
      ++failures_;
      EXPECT_EQ(outcome.kind(), Outcome::Kind::kNotStarted) << where << ": " << outcome;
      EXPECT_EQ(outcome.errnoValue(), errnoValue) << where << ": " << outcome;
    });
    muster::File file = node().file(directory_ + "/file");
    attempt([&] { file.write("new", {.undo = muster::UndoAt::kSessionEnd}); });
    attempt([&] {
      std::string content = file.read();
      EXPECT_TRUE(content == "old" || content == "new") << "I7 " << where << ": " << content;
    });
    attempt([&] {
      node().file(directory_ + "/up").write(std::string(1'200'000, 'u'), {.sync = true});
    });
  }

  void expectUsable(const std::string& where) {
    EXPECT_EQ(node().run({"true"}, tagged()).outcome, Outcome::exited(0)) << where;
    EXPECT_TRUE(agent().alive(Part::kKeeper)) << where << ": " << agent().end();
    EXPECT_TRUE(agent().alive(Part::kFront)) << where << ": " << agent().end();
  }

  std::string front_, keeper_;
  std::optional<CallFaults> frontCalls_, keeperCalls_;
  size_t failures_ = 0;
};

// Short and interrupted reads and writes are rare on an idle machine and common on a busy one, so
// mistakes in their handling show only there.
TEST_F(CallTest, ShortTransfersAndInterruptionsChangeNothing) {
  untilMet([&] {
    startDisturbed();
    muster::FaultProxy proxy(
        {.target = "127.0.0.1:" + std::to_string(agent().frontPort()),
         .seed = attemptSeed(),
         .faults = {.toTarget = {.pieceBytesMax = 700}, .toClient = {.pieceBytesMax = 700}}});
    Load load(connect(proxy.address()), loadOptions());
    front().shortEvery = 3;
    keeper().shortEvery = 3;
    for (size_t i = 0; i < trials(100, 0.5); ++i) {
      // Stopping a process and continuing it interrupts the call in which it waits.
      Part part = i % 2 ? Part::kFront : Part::kKeeper;
      agent().signal(part, SIGSTOP);
      agent().signal(part, SIGCONT);
      letPass(drawn(20ms));
    }
    ASSERT_TRUE(load.awaitProgress(3, 20s));
    size_t times = front().shortened + keeper().shortened;
    uint32_t reconnects = node().state().reconnects;
    evaluate("F16 " + std::to_string(times) + " short or interrupted calls", load, {}, times > 1000,
             1);
    EXPECT_EQ(reconnects, 0u);
    disconnect();
  });
}

// Whichever call meets EMFILE, the caller hears that errno, and the next call works.
TEST_F(CallTest, KeeperOutOfDescriptorsReportsItAndGoesOn) {
  startDisturbed();
  connect();
  size_t times = trials(80, 0.2);
  for (size_t k = 0; k < times && !HasFailure(); ++k) {
    std::string where = "EMFILE at call " + std::to_string(k);
    node().file(directory_ + "/file").write("old");
    keeper().descriptorsSkip = static_cast<int64_t>(k % 20);
    keeper().descriptorsFail = 2;
    tryAll(EMFILE, where);
    keeper().descriptorsFail = 0;
    expectUsable(where);
  }
  std::printf("F14 keeper without a descriptor %zu times: %zu calls failed\n", times, failures_);
  EXPECT_GT(failures_, 0u) << "void";
}

// The front needs descriptors for each new connection. Those that it has must not suffer.
TEST_F(CallTest, FrontOutOfDescriptorsGoesOn) {
  untilMet([&] {
    startDisturbed();
    Load load(connect(), loadOptions());
    size_t times = trials(12, 0.1), hits = 0;
    for (size_t k = 0; k < times; ++k) {
      front().descriptorsSkip = static_cast<int64_t>(k % 4);
      front().descriptorsFail = 3;
      // A second controller makes the front open descriptors.
      harness::Controller other(controllerOptions);
      harness::NodeDescription description;
      description.name = "n1";
      description.route.endpoint = support::Endpoint::parse("unix:" + agent().frontSocket());
      EXPECT_NO_THROW(
          other.connect(description).awaitConnected(std::chrono::steady_clock::now() + 10s));
      if (front().descriptorsFail < 3) ++hits;
      front().descriptorsFail = 0;
      other.closeAll(std::chrono::steady_clock::now() + 5s);
    }
    ASSERT_TRUE(load.awaitProgress(2, 20s));
    evaluate("F14 front without descriptors " + std::to_string(times) + " times", load, {}, hits,
             times / 2);
    disconnect();
  });
}

// A write that fails halfway must neither damage the file nor leave a temporary one.
TEST_F(CallTest, DiskErrorsAreTypedAndLeaveNothing) {
  startDisturbed();
  connect();
  size_t times = trials(60, 0.2), failed = 0;
  const int errors[] = {ENOSPC, EIO, EROFS, EDQUOT};
  for (size_t k = 0; k < times && !HasFailure(); ++k) {
    int error = errors[drawn(std::size(errors))];
    std::string where = "errno " + std::to_string(error) + " at change " + std::to_string(k);
    node().file(directory_ + "/file").write("old");
    keeper().fileErrno = error;
    keeper().filesSkip = static_cast<int64_t>(k % 40);
    keeper().filesFail = 1;
    tryAll(error, where);
    keeper().filesFail = 0;
    expectUsable(where);
    disconnect();
    connect();
    EXPECT_EQ(node().file(directory_ + "/file").read(), "old") << "I7 " << where;
  }
  failed = keeper().filesFailed;
  std::printf("F13 %zu disk errors: %zu calls failed\n", failed, failures_);
  EXPECT_GT(failures_, 0u) << "void";
  for (const std::string& file : filesBelow(directory_)) {
    EXPECT_EQ(file.find(".muster-"), std::string::npos) << "I4: " << file;
  }
}

// Deadlines, leases and heartbeats follow the steady clock, so a set wall clock disturbs no call.
TEST_F(CallTest, WallClockJumpsHaveNoEffect) {
  controllerOptions.lease = 3s;
  untilMet([&] {
    startDisturbed();
    Load load(connect(), loadOptions());
    constexpr int64_t kYear = int64_t{31'557'600} * 1'000'000'000;
    const int64_t jumps[] = {1'000'000'000,
                             -1'000'000'000,
                             3'600'000'000'000,
                             -3'600'000'000'000,
                             10 * kYear,
                             -10 * kYear,
                             12 * kYear,
                             80 * kYear,
                             -56 * kYear,
                             -6 * kYear,
                             0};
    size_t times = trials(22, 0.1), hits = 0;
    for (size_t trial = 0; trial < times; ++trial) {
      if (load.inFlight() > 0) ++hits;
      keeper().realtimeOffsetNs = jumps[trial % std::size(jumps)];
      front().realtimeOffsetNs = jumps[(trial / 2) % std::size(jumps)];
      ASSERT_TRUE(load.awaitProgress(1, 20s)) << "after jump " << trial;
      letPass(drawn(100ms));
    }
    uint32_t reconnects = node().state().reconnects;
    evaluate("F11 " + std::to_string(times) + " jumps of the wall clock", load, {}, hits,
             times / 2);
    EXPECT_EQ(reconnects, 0u);
    disconnect();
  });
}

// Some changes are recorded before they are made. The keeper must refuse them when it cannot write
// the record.
TEST_F(CallTest, FullStateDiskRefusesChangesThatNeedARecord) {
  startAgent({.stateBytesMax = 1 << 20, .audit = true});
  connect();
  muster::File file = node().file(directory_ + "/file");
  for (size_t round = 0; round < trials(2, 0.02); ++round) {
    file.write("old");
    std::string filler = "/proc/" + std::to_string(agent().pid(Part::kKeeper)) + "/root" +
                         agent().stateDirectory() + "/filler";
    {
      std::ofstream out(filler, std::ios::binary);
      for (size_t i = 0; i < (2 << 20) / 512 && out; ++i)
        out << std::string(512, 'f') << std::flush;
      EXPECT_FALSE(out) << "void: the disk is not full";
    }
    bool refused = false;
    try {
      for (int i = 0; i < 200; ++i) file.write("new", {.undo = muster::UndoAt::kSessionEnd});
    } catch (const NodeError& error) {
      refused = true;
      EXPECT_EQ(error.errnoValue(), ENOSPC) << error.what();
    }
    EXPECT_TRUE(refused) << "nothing could be noted, but it was done";
    std::filesystem::remove(filler);
    EXPECT_EQ(node().run({"true"}, tagged()).outcome, Outcome::exited(0));
    disconnect();
    connect();
    file = node().file(directory_ + "/file");
    EXPECT_EQ(file.read(), "old") << "I7";
  }
}

}  // namespace
}  // namespace robustness
