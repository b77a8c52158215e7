// Measures how soon a dead peer is noticed, and how soon traffic goes on afterwards.
//
// The heartbeats are the default ones. The figures are printed, and only absurd ones fail.
#include <future>

#include "tests_d/muster/robustness/component.h"

namespace robustness {
namespace {

using namespace std::chrono_literals;
using muster::FaultProxy;
using muster::ProxyFlow;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;
using Part = Agent::Part;

// One controller with a connection behind a proxy of its own, or within the agent's network.
struct Link {
  enum class Way { kProxy, kAgentNetwork };

  Link(const Agent& agent, uint64_t seed, Way way)
      : proxy({.target = "127.0.0.1:" + std::to_string(agent.frontPort()), .seed = seed}) {
    harness::NodeDescription description;
    description.name = "n1";
    bool direct = way == Way::kAgentNetwork;
    uint16_t port = direct ? agent.frontPort() : proxy.port();
    description.route.endpoint = support::Endpoint::parse("tcp:127.0.0.1:" + std::to_string(port));
    if (direct) description.route.networkNamespace = agent.frontNetwork();
    connected = &controller.connect(description);
    connected->awaitConnected(steady_clock::now() + 10s);
  }
  muster::Node node() { return harness::ApiAccess::node(*connected); }

  FaultProxy proxy;
  harness::Controller controller;  // Its options are the default ones.
  harness::ControllerNode* connected = nullptr;
};

struct Times {
  std::vector<nanoseconds> noticed;
  std::vector<nanoseconds> resumed;
};

class DetectionTest : public FaultTest {
 protected:
  static std::string spread(const std::vector<nanoseconds>& times) {
    return "p50 " + toText(percentile(times, 50)) + ", p99 " + toText(percentile(times, 99)) +
           ", max " + toText(percentile(times, 100));
  }
  static void print(const std::string& title, const Times& times) {
    std::printf("%s, %zu times: noticed after %s; answers again after %s\n", title.c_str(),
                times.resumed.size(), times.noticed.empty() ? "-" : spread(times.noticed).c_str(),
                spread(times.resumed).c_str());
  }

  void startLinks(size_t count, Link::Way way = Link::Way::kProxy) {
    startAgent({.ownNetwork = way == Link::Way::kAgentNetwork});
    for (size_t i = 0; i < count; ++i)
      links_.push_back(std::make_unique<Link>(agent(), seed() + i, way));
  }

  // Calls `perLink` for all links at once, and appends the time that each call takes to `times`.
  template <typename F>
  void onAll(std::vector<nanoseconds>& times, F perLink) {
    std::vector<std::future<nanoseconds>> running;
    for (size_t i = 0; i < links_.size(); ++i) {
      running.push_back(std::async(std::launch::async, [&, i] {
        auto before = steady_clock::now();
        perLink(*links_[i], i);
        return steady_clock::now() - before;
      }));
    }
    for (auto& one : running) times.push_back(one.get());
  }

  // Waits for a random part of a heartbeat interval, so that faults come at any point of it.
  void spreadOut() { letPass(drawn(1000ms)); }

  void measure(Times& times, const std::function<void(Link&, size_t)>& break_,
               const std::function<void(Link&, size_t)>& heal) {
    spreadOut();
    onAll(times.noticed, [&](Link& link, size_t i) {
      break_(link, i);
      link.node().awaitDisconnected(20s);
    });
    letPass(drawn(2000ms));
    onAll(times.resumed, [&](Link& link, size_t i) {
      heal(link, i);
      muster::DeadlineScope scope(20s);
      EXPECT_TRUE(link.node().run({"true"}).succeeded());
    });
  }

  void TearDown() override {
    for (auto& link : links_) link->controller.closeAll(steady_clock::now() + 10s);
    links_.clear();
    FaultTest::TearDown();
  }

  std::vector<std::unique_ptr<Link>> links_;
};

// The proxy swallows bytes, so only heartbeats can tell.
TEST_F(DetectionTest, SilenceIsNoticedAndAnswersResume) {
  startLinks(6);
  Times times;
  const ProxyFlow flows[] = {ProxyFlow::kBoth, ProxyFlow::kToTarget, ProxyFlow::kToClient};
  for (size_t round = 0; round < trials(1, 0.01); ++round) {
    measure(
        times, [&](Link& link, size_t i) { link.proxy.blackhole(flows[i % 3]); },
        [](Link& link, size_t) { link.proxy.heal(); });
  }
  print("F7, F8 silence", times);
}

// Packets are lost below TCP. New connections fail meanwhile, and the kernel repeats lost packets
// at growing intervals.
TEST_F(DetectionTest, LossOfAllPacketsIsNoticedAndAnswersResume) {
  startLinks(6, Link::Way::kAgentNetwork);
  Times times;
  for (size_t round = 0; round < trials(1, 0.01); ++round) {
    measure(
        times,
        [&](Link&, size_t i) {
          if (i == 0) losePackets(100);
        },
        [&](Link&, size_t i) {
          if (i == 0) losePackets(0);
        });
  }
  print("F7 all packets lost", times);
}

// The kernel still accepts connections for a stopped process, so only heartbeats can tell.
TEST_F(DetectionTest, StoppedAgentIsNoticedAndAnswersResume) {
  startLinks(6);
  for (Part part : {Part::kFront, Part::kKeeper}) {
    Times times;
    for (size_t round = 0; round < trials(1, 0.005); ++round) {
      measure(
          times,
          [&](Link&, size_t i) {
            if (i == 0) agent().signal(part, SIGSTOP);
          },
          [&](Link&, size_t i) {
            if (i == 0) agent().signal(part, SIGCONT);
          });
    }
    print(part == Part::kFront ? "F5 front stopped" : "F5 keeper stopped", times);
  }
}

// Controllers must not wait for long after an agent's restart, also if they were refused meanwhile.
TEST_F(DetectionTest, RestartedFrontAnswersSoon) {
  startLinks(6);
  Times times;
  for (size_t round = 0; round < trials(4, 0.05); ++round) {
    spreadOut();
    agent().kill(Part::kFront);
    agent().start(Part::kFront);
    onAll(times.resumed, [](Link& link, size_t) {
      muster::DeadlineScope scope(20s);
      EXPECT_TRUE(link.node().run({"true"}).succeeded());
    });
  }
  print("F1 front killed and started", times);
}

}  // namespace
}  // namespace robustness
