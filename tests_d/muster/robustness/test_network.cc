// F6, F7, F8 and F10: a proxy disturbs the network between controller and agent.
//
// It resets connections at random bytes, is silent in both directions or one, delays, sends single
// bytes, half closes and cuts.
#include "tests_d/muster/robustness/component.h"

namespace robustness {
namespace {

using namespace std::chrono_literals;
using muster::ByteFault;
using muster::FaultProxy;
using muster::ProxyFaults;
using muster::ProxyFlow;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

class NetworkFaultTest : public FaultTest {
 protected:
  // Starts an agent behind a proxy, with TCP on both sides of it, so that a reset reaches both.
  FaultProxy& start(std::function<ProxyFaults(uint64_t)> script = nullptr) {
    startAgent();
    proxy_.emplace(
        muster::FaultProxyOptions{.target = "127.0.0.1:" + std::to_string(agent().frontPort()),
                                  .seed = attemptSeed(),
                                  .script = std::move(script)});
    connect(proxy_->address());
    return *proxy_;
  }

  // Is silent for `time`, with calls under way. Returns the time from then to the next answer.
  nanoseconds silence(Load& load, ProxyFlow flow, nanoseconds time) {
    proxy_->blackhole(flow);
    letPass(time);
    proxy_->heal();
    auto before = steady_clock::now();
    EXPECT_TRUE(load.awaitProgress(1, 20s)) << "nothing returned after the silence";
    return steady_clock::now() - before;
  }

  std::optional<FaultProxy> proxy_;
};

// A reset may cut a message at any byte, in either direction. Repeating the call must hide it.
TEST_F(NetworkFaultTest, ResetsAtRandomBytesLoseNothing) {
  untilMet([&] {
    // No connection ends in its first bytes, because hello alone takes some hundred.
    start([](uint64_t connection) -> ProxyFaults {
      ByteFault reset{ByteFault::Kind::kReset, 200, 30'000};
      if (connection % 2) return {.toTarget = {.at = {reset}}};
      return {.toClient = {.at = {reset}}};
    });
    // The files are small here. A call of more bytes than a connection carries never gets through,
    // and two such calls in opposite directions keep each other from it.
    LoadOptions small = loadOptions();
    small.fileBytesMax = 4000;
    Load load(controllerNode(), small);
    size_t times = trials(60, 0.5);
    EXPECT_TRUE(
        proxy_->await([&](auto& counters) { return counters.faults >= times; }, 30s + times * 1s));
    proxy_->heal();
    size_t resets = proxy_->counters().faults;
    ASSERT_TRUE(load.awaitProgress(3, 20s));
    evaluate("F6 " + std::to_string(resets) + " resets", load, {}, resets, times);
  });
}

// Resets also come while nothing is sent, and hit several calls at once.
TEST_F(NetworkFaultTest, ResetsAtAnyMomentLoseNothing) {
  untilMet([&] {
    start();
    Load load(controllerNode(), loadOptions());
    size_t times = trials(40, 0.5), hits = 0;
    std::vector<nanoseconds> resumed;
    for (size_t trial = 0; trial < times; ++trial) {
      letPass(drawn(40ms));
      if (load.inFlight() > 0 && proxy_->counters().open > 0) ++hits;
      trial % 4 ? proxy_->resetAll() : proxy_->cutAll();
      auto before = steady_clock::now();
      ASSERT_TRUE(load.awaitProgress(1, 20s)) << "after reset " << trial;
      resumed.push_back(steady_clock::now() - before);
    }
    evaluate("F6 " + std::to_string(times) + " resets and cuts now", load, {}, hits, times / 2);
    std::printf("F6 first answer after a reset: p50 %s, p99 %s\n",
                toText(percentile(resumed, 50)).c_str(), toText(percentile(resumed, 99)).c_str());
  });
}

// Bytes that were held back in a silence arrive after it, when a new connection may exist already.
TEST_F(NetworkFaultTest, CallsSurviveSilenceInEitherDirection) {
  untilMet([&] {
    start();
    Load load(controllerNode(), loadOptions());
    size_t rounds = trials(1, 0.01), hits = 0;
    std::vector<nanoseconds> resumed;
    for (size_t round = 0; round < rounds; ++round) {
      for (ProxyFlow flow : {ProxyFlow::kBoth, ProxyFlow::kToTarget, ProxyFlow::kToClient}) {
        ASSERT_TRUE(load.awaitProgress(3, 20s));
        if (load.inFlight() > 0) ++hits;
        resumed.push_back(silence(load, flow, 900ms + drawn(1200ms)));
      }
    }
    evaluate("F7, F8 " + std::to_string(3 * rounds) + " silences", load, {}, hits, 2 * rounds);
    std::printf("F7, F8 first answer after healing: p50 %s, worst %s\n",
                toText(percentile(resumed, 50)).c_str(), toText(percentile(resumed, 100)).c_str());
  });
}

TEST_F(NetworkFaultTest, SilenceOfEitherDirectionIsNoticed) {
  start();
  for (ProxyFlow flow : {ProxyFlow::kBoth, ProxyFlow::kToTarget, ProxyFlow::kToClient}) {
    node().awaitConnected(10s);
    auto before = steady_clock::now();
    proxy_->blackhole(flow);
    EXPECT_NO_THROW(node().awaitDisconnected(5s));
    std::printf("F7, F8 noticed after %s\n", toText(steady_clock::now() - before).c_str());
    proxy_->heal();
  }
  node().awaitConnected(10s);
}

// Invariant I5 holds although no answer and no error can come.
TEST_F(NetworkFaultTest, CallIntoSilenceEndsAtItsDeadline) {
  StallMeter stall;
  start();
  proxy_->blackhole(ProxyFlow::kBoth);
  // The first call is made before the silence is noticed, the others afterwards.
  for (nanoseconds within : {nanoseconds(50ms), nanoseconds(400ms), nanoseconds(1500ms)}) {
    auto before = steady_clock::now();
    muster::DeadlineScope scope(within);
    EXPECT_THROW(node().file("/etc/hostname").read(), muster::NodeError);
    nanoseconds late = steady_clock::now() - before - within;
    EXPECT_LE(late, 250ms + stall.worst()) << "I5, with " << toText(within);
    EXPECT_GE(late, -50ms) << "gave up too early";
  }
  proxy_->heal();
  muster::Result result = node().run({"true"}, tagged());
  EXPECT_TRUE(result.succeeded()) << result.outcome;
}

// The harness asks for a command's outcome until its deadline, its grace and a margin have passed.
TEST_F(NetworkFaultTest, CommandIntoSilenceIsGivenUpAfterGraceAndMargin) {
  StallMeter stall;
  start();
  proxy_->blackhole(ProxyFlow::kBoth);
  muster::RunOptions options = tagged();
  options.deadline = 100ms;
  options.grace = 100ms;
  auto before = steady_clock::now();
  EXPECT_THROW(node().run({"true"}, options), muster::NodeError);
  nanoseconds took = steady_clock::now() - before;
  EXPECT_LE(took, 200ms + 5s + 250ms + stall.worst()) << "I5";
  std::printf("F7 a command of 100 ms into silence was given up after %s\n", toText(took).c_str());
  proxy_->heal();
  node().awaitConnected(20s);
}

// Delay, a low rate and tiny pieces are no faults: no connection may be given up for them.
TEST_F(NetworkFaultTest, BadLinesOnlySlowCallsDown) {
  untilMet([&] {
    const ProxyFaults badLines[] = {
        {.toTarget = {.delay = 5ms, .jitter = 20ms}, .toClient = {.delay = 5ms, .jitter = 20ms}},
        {.toTarget = {.pieceBytesMax = 1}, .toClient = {.pieceBytesMax = 3}},
        {.toClient = {.bytesPerSecond = 200'000}},
        {.toTarget = {.delay = 100ms}, .toClient = {.delay = 100ms}}};
    start();
    Load load(controllerNode(), loadOptions());
    size_t hits = 0;
    for (const ProxyFaults& faults : badLines) {
      proxy_->setFaults(faults);
      if (load.awaitProgress(trials(4, 0.05), 60s)) ++hits;
    }
    proxy_->heal();
    uint32_t reconnects = node().state().reconnects;
    evaluate("F10 bad lines", load, {}, hits, std::size(badLines));
    EXPECT_EQ(reconnects, 0u) << "a slow line is no reason to reconnect";
  });
}

// RPC needs both directions, so a half closed connection must be replaced, not waited for.
TEST_F(NetworkFaultTest, HalfCloseEndsTheConnection) {
  untilMet([&] {
    start();
    Load load(controllerNode(), loadOptions());
    size_t times = trials(8, 0.02), hits = 0;
    for (size_t trial = 0; trial < times; ++trial) {
      ASSERT_TRUE(load.awaitProgress(2, 20s)) << "after half close " << trial;
      if (load.inFlight() > 0) ++hits;
      proxy_->halfCloseAll(trial % 2 ? ProxyFlow::kToTarget : ProxyFlow::kToClient);
    }
    ASSERT_TRUE(load.awaitProgress(2, 20s));
    evaluate("F10 " + std::to_string(times) + " half closes", load, {}, hits, times / 2);
  });
}

TEST_F(NetworkFaultTest, RefusedConnectionsAreTriedAgain) {
  untilMet([&] {
    start();
    Load load(controllerNode(), loadOptions());
    ASSERT_TRUE(load.awaitProgress(2, 20s));
    proxy_->stopListening();
    proxy_->resetAll();
    EXPECT_NO_THROW(node().awaitDisconnected(5s));
    size_t hits = load.inFlight() > 0 ? 1 : 0;
    letPass(1s);
    proxy_->listenAgain();
    ASSERT_TRUE(load.awaitProgress(2, 20s));
    evaluate("F10 refused for a second", load, {}, hits, 1);
  });
}

}  // namespace
}  // namespace robustness
