// F24: all faults come at once, in an order that the seed draws, for MUSTER_FAULT_SECONDS seconds.
#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "tests_d/muster/robustness/call_faults.h"
#include "tests_d/muster/robustness/component.h"

namespace robustness {
namespace {

using namespace std::chrono_literals;
using muster::FaultProxy;
using muster::Outcome;
using muster::ProxyFlow;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;
using Part = Agent::Part;

class AllFaultsTest : public FaultTest {
 protected:
  struct Fault {
    const char* name;
    std::function<void()> act;
  };

  void restart(Part part) {
    agent().kill(part);
    agent().start(part);
  }
  void stop(Part part) {
    agent().signal(part, SIGSTOP);
    letPass(drawn(900ms));
    agent().signal(part, SIGCONT);
  }
  void silence(ProxyFlow flow) {
    proxy_->blackhole(flow);
    letPass(drawn(900ms));
    proxy_->heal();
  }
  void badLine() {
    proxy_->setFaults({.toTarget = {.delay = drawn(30ms), .pieceBytesMax = 1},
                       .toClient = {.jitter = drawn(30ms), .pieceBytesMax = 900}});
    letPass(drawn(500ms));
    proxy_->heal();
  }
  void clock() {
    constexpr int64_t kYearNs = int64_t{31'557'600} * 1'000'000'000;
    keeper_->control().realtimeOffsetNs = (static_cast<int64_t>(drawn(60)) - 30) * kYearNs;
  }

  std::vector<Fault> faults() {
    return {{"front killed", [this] { restart(Part::kFront); }},
            {"front killed again", [this] { restart(Part::kFront); }},
            {"keeper killed", [this] { restart(Part::kKeeper); }},
            {"both killed",
             [this] {
               agent().kill(Part::kFront);
               restart(Part::kKeeper);
               agent().start(Part::kFront);
             }},
            {"front stopped", [this] { stop(Part::kFront); }},
            {"keeper stopped", [this] { stop(Part::kKeeper); }},
            {"reset", [this] { proxy_->resetAll(); }},
            {"cut", [this] { proxy_->cutAll(); }},
            {"half closed", [this] { proxy_->halfCloseAll(ProxyFlow::kToClient); }},
            {"silence", [this] { silence(ProxyFlow::kBoth); }},
            {"one-way silence", [this] { silence(ProxyFlow::kToTarget); }},
            {"bad line", [this] { badLine(); }},
            {"short transfers",
             [this] { keeper_->control().shortEvery = static_cast<uint32_t>(drawn(6)); }},
            {"clock", [this] { clock(); }}};
  }

  std::optional<CallFaults> keeper_;
  std::optional<FaultProxy> proxy_;
};

TEST_F(AllFaultsTest, AnyOrderBreaksNoPromise) {
  const char* given = getenv("MUSTER_FAULT_SECONDS");
  nanoseconds lasting = std::chrono::seconds(given && *given ? std::strtol(given, nullptr, 10) : 6);
  untilMet([&] {
    keeper_.reset();
    keeper_.emplace(directory_);
    startAgent({.keeperCalls = keeper_->path()});
    proxy_.emplace(muster::FaultProxyOptions{
        .target = "127.0.0.1:" + std::to_string(agent().frontPort()), .seed = attemptSeed()});
    Load load(connect(proxy_->address()), loadOptions());
    std::vector<Fault> possible = faults();
    std::map<std::string, size_t> done;
    size_t hits = 0, times = 0;
    for (auto end = steady_clock::now() + lasting; steady_clock::now() < end; ++times) {
      letPass(drawn(150ms));
      if (load.inFlight() > 0) ++hits;
      Fault& fault = possible[drawn(possible.size())];
      fault.act();
      ++done[fault.name];
      // Now and then the next fault comes before this one is over.
      if (drawn(3) == 0) continue;
      ASSERT_TRUE(load.awaitProgress(1, 30s)) << "after " << fault.name;
    }
    ASSERT_TRUE(load.awaitProgress(3, 30s));
    Allowed allowed{.outcomes = {Outcome::Kind::kLost}, .errors = {muster::NodeError::Kind::kLost}};
    evaluate("F24 " + std::to_string(times) + " faults in " + toText(lasting), load, allowed, hits,
             times / 2);
    for (const auto& [name, count] : done) std::printf("  %s %zu", name.c_str(), count);
    std::printf("\n");
  });
}

}  // namespace
}  // namespace robustness
