// F6 for files: connections are reset while a large file goes to the node and comes back.
//
// Several chunks of it are under way at a time.
#include <atomic>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests_d/muster/robustness/component.h"

namespace robustness {
namespace {

using namespace std::chrono_literals;
using muster::FaultProxy;

constexpr size_t kFileBytes = 24 << 20;

class TransferFaultTest : public FaultTest {
 protected:
  void start() {
    startAgent();
    proxy_.emplace(muster::FaultProxyOptions{
        .target = "127.0.0.1:" + std::to_string(agent().frontPort()), .seed = attemptSeed()});
    connect(proxy_->address());
    controllerNode().awaitConnected(muster::SteadyTime::clock::now() + 20s);
    source_ = directory_ + "/source";
    std::string bytes(kFileBytes, '\0');
    for (size_t i = 0; i + 8 <= bytes.size(); i += 8) {
      uint64_t number = random_();
      bytes.replace(i, 8, reinterpret_cast<const char*>(&number), 8);
    }
    std::ofstream(source_, std::ios::binary) << bytes;
  }

  static std::string contentOf(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
  }

  // Runs `transfer` while connections are reset. Returns how many resets met an open connection.
  size_t resetsDuring(const std::function<void()>& transfer) {
    std::atomic<bool> over{false};
    size_t hits = 0;
    std::thread resetter([&] {
      for (int i = 0; i < 12 && !over; ++i) {
        letPass(10ms + drawn(60ms));
        if (proxy_->counters().open == 0 || over) continue;
        ++hits;
        proxy_->resetAll();
      }
    });
    try {
      transfer();
    } catch (...) {
      over = true;
      resetter.join();
      throw;
    }
    over = true;
    resetter.join();
    return hits;
  }

  muster::SteadyTime soon() const { return muster::SteadyTime::clock::now() + 60s; }

  std::optional<FaultProxy> proxy_;
  std::string source_;
};

TEST_F(TransferFaultTest, TransferContinuesWhereAResetBrokeIt) {
  size_t hits = 0;
  for (size_t trial = 0; trial < trials(2, 0.02) || hits == 0; ++trial) {
    ASSERT_LT(trial, 1000u) << "no reset ever met a transfer";
    if (trial == 0) start();
    std::string there = directory_ + "/there", back = directory_ + "/back";
    hits += resetsDuring([&] { node().push(source_, there); });
    EXPECT_EQ(contentOf(there), contentOf(source_));
    hits += resetsDuring([&] { node().pull(there, back); });
    EXPECT_EQ(contentOf(back), contentOf(source_));
  }
  std::printf("F6 %zu resets during transfers\n", hits);
}

}  // namespace
}  // namespace robustness
