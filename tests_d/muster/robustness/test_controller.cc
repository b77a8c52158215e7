// F3 and a half of F5: the controller is killed with SIGKILL, or stopped for longer than its lease.
//
// Only the node can clean up after such a controller.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "tests_d/muster/robustness/component.h"

namespace robustness {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

constexpr auto kLease = 1s;

// A controller in a process of its own (programs/controller_main.cc).
class Controller {
 public:
  Controller(const Agent& agent, const std::string& directory, std::string tag,
             const std::string& tactic)
      : tag_(std::move(tag)) {
    std::vector<std::string> words = {programDirectory() + "/muster-test-controller",
                                      agent.frontSocket(),
                                      tag_,
                                      std::to_string(kLease / 1ms),
                                      programDirectory() + "/muster-test-payload",
                                      tactic,
                                      directory + "/executions"};
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    pid_ = fork();
    if (pid_ == 0) {
      dup2(in[0], 0);
      dup2(out[1], 1);
      execv(argv[0], argv.data());
      _exit(127);
    }
    close(in[0]);
    close(out[1]);
    input_ = in[1];
    output_ = out[0];
    fcntl(output_, F_SETFL, O_NONBLOCK);
  }
  ~Controller() {
    end();
    close(output_);
  }
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  // Waits until its output contains `text`. False if `within` passed first.
  bool says(const std::string& text, nanoseconds within) {
    return becomesTrue([&] { return heard().find(text) != std::string::npos; }, within);
  }
  const std::string& heard() {
    char buffer[512];
    ssize_t count;
    while ((count = read(output_, buffer, sizeof(buffer))) > 0) {
      heard_.append(buffer, static_cast<size_t>(count));
    }
    return heard_;
  }

  void signal(int number) { kill(pid_, number); }
  void closeInput() {
    if (input_ >= 0) close(std::exchange(input_, -1));
  }
  void end() {
    closeInput();
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(std::exchange(pid_, 0), nullptr, 0);
  }
  const std::string& tag() const { return tag_; }

 private:
  std::string tag_;
  pid_t pid_ = 0;
  int input_ = -1;
  int output_ = -1;
  std::string heard_;
};

class ControllerFaultTest : public FaultTest {
 protected:
  // Starts `count` controllers, whose payloads follow different tactics.
  std::vector<std::unique_ptr<Controller>> start(size_t count) {
    const std::vector<std::string> tactics = {"plain", "daemon", "ignores-everything", "deep-tree"};
    std::vector<std::unique_ptr<Controller>> started;
    for (size_t i = 0; i < count; ++i) {
      started.push_back(std::make_unique<Controller>(
          agent(), directory_, tag_ + "c" + std::to_string(next_++), tactics[i % tactics.size()]));
    }
    return started;
  }

  // Tells whether payloads run. The controllers carry the tag too and do not count.
  bool running() {
    auto all = taggedProcesses(tag_);
    return locked(lockOf(directory_ + "/executions")) ||
           std::any_of(all.begin(), all.end(), [](const TaggedProcess& process) {
             return process.command == "muster-test-pay";  // The kernel keeps 15 bytes.
           });
  }
  bool payloadsGone() {
    return becomesTrue([this] { return !running(); }, kLease + 4s);
  }

  size_t next_ = 0;
};

// The lease is the node's only hint that a controller is dead: everything of its session must end
// with it.
TEST_F(ControllerFaultTest, KilledControllerLeavesNothingAfterItsLease) {
  startAgent();
  constexpr size_t kTogether = 8;
  size_t rounds = trials(2, 0.25 / kTogether), hits = 0;
  std::vector<nanoseconds> gone;
  for (size_t round = 0; round < rounds; ++round) {
    auto controllers = start(kTogether);
    // Half of the controllers are killed at a random moment of their start, the others when their
    // payloads run.
    for (size_t i = kTogether / 2; i < kTogether; ++i) {
      ASSERT_TRUE(controllers[i]->says("started", 20s)) << controllers[i]->heard();
    }
    letPass(drawn(30ms));
    if (running()) hits += kTogether;
    controllers.clear();
    auto before = steady_clock::now();
    EXPECT_TRUE(payloadsGone()) << "I4: " << toString(taggedProcesses(tag_));
    gone.push_back(steady_clock::now() - before);
  }
  EXPECT_EQ(hits, rounds * kTogether) << "void: nothing ran when the controllers were killed";
  std::printf("F3 %zu kills of controllers, lease 1 s: payloads gone after p99 %s\n", hits,
              toText(percentile(gone, 99)).c_str());
}

// A controller that wakes after its lease must learn that its session is over, and not wait.
TEST_F(ControllerFaultTest, ControllerStoppedPastItsLeaseIsToldOfTheEnd) {
  startAgent();
  auto controllers = start(2);
  for (auto& controller : controllers) {
    ASSERT_TRUE(controller->says("started", 20s)) << controller->heard();
  }
  ASSERT_TRUE(running());
  for (auto& controller : controllers) controller->signal(SIGSTOP);
  EXPECT_TRUE(payloadsGone()) << "I4: " << toString(taggedProcesses(tag_));
  for (auto& controller : controllers) {
    controller->signal(SIGCONT);
    controller->closeInput();
    // It says "killed with its session", or "lost: the session ran out on the node".
    EXPECT_TRUE(controller->says("session", 20s)) << controller->heard();
  }
}

// A short stop, such as one in a debugger, must cost nothing.
TEST_F(ControllerFaultTest, ControllerStoppedWithinItsLeaseGoesOn) {
  startAgent();
  auto controllers = start(1);
  ASSERT_TRUE(controllers[0]->says("started", 20s)) << controllers[0]->heard();
  size_t before = taggedProcesses(tag_).size();
  ASSERT_TRUE(running()) << "void";
  controllers[0]->signal(SIGSTOP);
  letPass(kLease / 2);
  controllers[0]->signal(SIGCONT);
  letPass(kLease);
  EXPECT_EQ(taggedProcesses(tag_).size(), before) << "its payloads live";
}

// F12: a suspended machine looks from inside as if all its processes had been stopped while the
// boot clock went on.
TEST_F(ControllerFaultTest, SuspensionOfBothSidesIsResumedOrReported) {
  startAgent();
  for (nanoseconds lasting : {nanoseconds(kLease / 2), nanoseconds(kLease * 3)}) {
    auto controllers = start(2);
    for (auto& controller : controllers) {
      ASSERT_TRUE(controller->says("started", 20s)) << controller->heard();
    }
    ASSERT_TRUE(running()) << "void";
    auto signalAll = [&](int number) {
      for (auto& controller : controllers) controller->signal(number);
      for (auto part : {Agent::Part::kFront, Agent::Part::kKeeper}) agent().signal(part, number);
    };
    signalAll(SIGSTOP);
    letPass(lasting);
    signalAll(SIGCONT);
    if (lasting < kLease) {
      letPass(kLease);
      EXPECT_TRUE(running()) << "the lease had not run out";
    } else {
      // A heartbeat may renew the lease before the keeper sees that it has run out. Then all goes
      // on.
      bool gone = payloadsGone();
      for (auto& controller : controllers) {
        controller->closeInput();
        EXPECT_TRUE(controller->says(gone ? "session" : "deadline", 20s)) << controller->heard();
      }
      std::printf("F12 suspended for three leases: the session %s\n", gone ? "ended" : "went on");
    }
    controllers.clear();
    EXPECT_TRUE(payloadsGone()) << "I4: " << toString(taggedProcesses(tag_));
  }
}

}  // namespace
}  // namespace robustness
