#include "tests_d/muster/robustness/component.h"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace robustness {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using ::testing::IsEmpty;

uint64_t seed() {
  static const uint64_t kSeed = [] {
    const char* given = getenv("MUSTER_FAULT_SEED");
    uint64_t value = given && *given ? std::strtoull(given, nullptr, 0) : std::random_device()();
    std::printf("fault trials: MUSTER_FAULT_SEED=%llu\n", static_cast<unsigned long long>(value));
    std::fflush(stdout);
    return value;
  }();
  return kSeed;
}

size_t trials(size_t usual, double share) {
  const char* given = getenv("MUSTER_FAULT_TRIALS");
  if (!given || !*given) return usual;
  return std::max<size_t>(1, static_cast<size_t>(std::strtod(given, nullptr) * share));
}

std::string toText(nanoseconds time) {
  return std::to_string(time / 1ms) + " ms";
}

FaultTest::FaultTest() {
  const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
  random_.seed(seed() ^ std::hash<std::string>()(info->name()));
  controllerOptions.heartbeatEvery = 200ms;
  controllerOptions.heartbeatMax = 600ms;
  begin();
}

void FaultTest::begin() {
  void_.clear();
  char path[] = "/tmp/muster-faults.XXXXXX";
  if (!mkdtemp(path)) throw std::runtime_error("no directory in /tmp");
  directory_ = path;
  tag_ = "f" + std::to_string(getpid()) + "x" + std::to_string(random_() % 100'000);
}

FaultTest::~FaultTest() {
  controller_.reset();
  agent_.reset();
  killTagged(tag_);
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

void FaultTest::untilMet(const std::function<void()>& trial) {
  constexpr uint64_t kAttemptsMax = 3;
  for (;;) {
    trial();
    if (HasFailure() || void_.empty() || ++attempt_ == kAttemptsMax) return;
    std::printf("void, again with a new agent: %s\n", void_.c_str());
    end();
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
    begin();
  }
}

void FaultTest::SetUp() {
  if (geteuid() != 0) GTEST_SKIP() << "fault trials need root";
}

void FaultTest::TearDown() {
  EXPECT_EQ(void_, "") << "the last trial was void";
  end();
}

void FaultTest::end() {
  for (Agent::Part part : {Agent::Part::kFront, Agent::Part::kKeeper}) {
    if (agent_ && agent_->pid(part) != 0) {
      EXPECT_TRUE(agent_->alive(part)) << "I9: ended by itself: " << agent_->end();
    }
  }
  disconnect();
  controller_.reset();
  EXPECT_TRUE(noneLeft(2s)) << "I4: processes left: " << toString(taggedProcesses(tag_));
  if (!agent_) return;
  bool failed = HasFailure();
  std::string logs = agent_->logs();
  agent_->signal(Agent::Part::kFront, SIGTERM);
  agent_->signal(Agent::Part::kKeeper, SIGTERM);
  EXPECT_THAT(filesBelow(agent_->spoolDirectory()), IsEmpty()) << "I4: spool files left";
  auto newGroups = [&] {
    std::vector<std::string> found = controlGroups(groupPrefix_);
    std::erase_if(found, [&](auto& group) { return groupsBefore_.contains(group); });
    return found;
  };
  becomesTrue([&] { return newGroups().empty(); }, 10s);
  EXPECT_THAT(newGroups(), IsEmpty()) << "I4: groups left";
  agent_.reset();
  EXPECT_EQ(loop_->flaw(), "") << "I10";
  std::printf("keeper's loop: %s\n", loop_->text().c_str());
  if (failed) std::printf("%s\n", logs.c_str());
}

Agent& FaultTest::startAgent(Agent::Options options) {
  options.directory = directory_;
  if (groupPrefix_.empty()) {
    groupPrefix_ = options.nodeName + "-";
    for (const std::string& group : controlGroups(groupPrefix_)) groupsBefore_.insert(group);
  }
  loop_ = std::make_unique<LoopWatch>(directory_);
  options.keeperLoop = loop_->path();
  agent_ = std::make_unique<Agent>(std::move(options));
  keeperIdleBytes_ = residentBytesOf(agent_->pid(Agent::Part::kKeeper));
  frontIdleBytes_ = residentBytesOf(agent_->pid(Agent::Part::kFront));
  return *agent_;
}

harness::ControllerNode& FaultTest::connect(const std::string& address,
                                            const std::string& networkNamespace) {
  harness::NodeDescription description;
  description.name = "n1";
  description.role = "server";
  description.route.networkNamespace = networkNamespace;
  description.route.endpoint = support::Endpoint::parse(
      address.empty() ? "unix:" + agent_->frontSocket() : "tcp:" + address);
  return connect(description);
}

harness::ControllerNode& FaultTest::connect(const harness::NodeDescription& description) {
  controller_ = std::make_unique<harness::Controller>(controllerOptions);
  closed_ = false;
  controllerNode_ = &controller_->connect(description);
  controllerNode_->awaitConnected(std::chrono::steady_clock::now() + 10s);
  return *controllerNode_;
}

void FaultTest::disconnect() {
  if (!controller_ || closed_) return;
  closed_ = true;
  for (const harness::Leftover& leftover :
       controller_->closeAll(std::chrono::steady_clock::now() + 10s)) {
    ADD_FAILURE() << "I4: the session left " << leftover.what << ": " << leftover.reason;
  }
}

LoadOptions FaultTest::loadOptions() {
  LoadOptions options;
  options.payload = programDirectory() + "/muster-test-payload";
  options.directory = directory_;
  options.tag = tag_;
  options.seed = random_();
  return options;
}

void FaultTest::losePackets(int percent) {
  // Each packet of either direction crosses the loopback's input once.
  std::string rules =
      "flush ruleset; add table inet faults; "
      "add chain inet faults input { type filter hook input priority 0; };";
  std::string some =
      percent < 100 ? " numgen random mod 100 < " + std::to_string(percent) : std::string();
  if (percent > 0) rules += " add rule inet faults input meta l4proto tcp" + some + " drop";
  std::string command = "nsenter --net=" + agent().frontNetwork() + " nft '" + rules + "'";
  if (std::system(command.c_str()) != 0) throw std::runtime_error("cannot: " + command);
}

nanoseconds FaultTest::drawn(nanoseconds most) {
  return nanoseconds(random_() % static_cast<uint64_t>(most.count() + 1));
}

void FaultTest::evaluate(const std::string& title, Load& load, Allowed allowed, size_t hits,
                         size_t hitsMin) {
  History history = load.stop();
  allowed.overrunMax = load.overrunMax();
  std::printf("%s: %s\n", title.c_str(), toString(figuresOf(history)).c_str());
  auto printMemory = [&](const char* name, Agent::Part part, size_t idleBytes) {
    std::printf("  %s: resident %zu KiB at its start, %zu KiB now, %zu KiB at most\n", name,
                idleBytes >> 10, residentBytesOf(agent_->pid(part)) >> 10,
                residentBytesMaxOf(agent_->pid(part)) >> 10);
  };
  printMemory("keeper", Agent::Part::kKeeper, keeperIdleBytes_);
  printMemory("front", Agent::Part::kFront, frontIdleBytes_);
  EXPECT_THAT(violations(history, allowed), IsEmpty());
  if (hits < hitsMin) {
    void_ = std::to_string(hits) + " faults met a call, " + std::to_string(hitsMin) + " are needed";
  } else if (history.commands.size() < hits / 2) {
    void_ = "only " + std::to_string(history.commands.size()) + " commands during " +
            std::to_string(hits) + " faults";
  }
}

bool FaultTest::noneLeft(nanoseconds within) const {
  return robustness::noneLeft(tag_, lockOf(directory_ + "/executions"), within);
}

muster::RunOptions FaultTest::tagged() const {
  muster::RunOptions options;
  options.environment[kTagVariable] = tag_;
  return options;
}

muster::Argv FaultTest::streamArgv(const std::string& name, uint64_t lines, long pauseUs) const {
  return {programDirectory() + "/muster-test-payload",
          "stream",
          name,
          directory_ + "/executions",
          std::to_string(lines),
          "0",
          "0",
          std::to_string(pauseUs)};
}

muster::Argv FaultTest::escapeArgv(const std::string& tactic, const std::string& name) const {
  return {programDirectory() + "/muster-test-payload", "escape", tactic, directory_ + "/executions",
          name};
}

}  // namespace robustness
