#include "harness/provision/ssh/ssh_connection.h"

#include <atomic>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/provision/ssh/parallel.h"

namespace harness {
namespace {

using ::testing::ElementsAre;

TEST(SshConnectionTest, AnswerHasTheLinesOfAScript) {
  HostAnswer answer("user 0\nleft a b\nempty\nleft c\n");
  EXPECT_EQ(answer.value("user"), "0");
  EXPECT_THAT(answer.values("left"), ElementsAre("a b", "c"));
  EXPECT_EQ(answer.value("empty"), "");
  EXPECT_EQ(answer.value("none"), "");
}

TEST(SshConnectionTest, ConfigurationSaysWhereAHostIs) {
  ConfiguredHost plain = parseConfiguredHost("hostname 10.0.0.5\nstricthostkeychecking true\n");
  EXPECT_EQ(plain.hostName, "10.0.0.5");
  EXPECT_FALSE(plain.isProxied);
  EXPECT_FALSE(plain.acceptsNewKeys);
  ConfiguredHost behind =
      parseConfiguredHost("hostname n1\nproxyjump gate\nstricthostkeychecking accept-new\n");
  EXPECT_TRUE(behind.isProxied);
  EXPECT_TRUE(behind.acceptsNewKeys);
}

TEST(ParallelTest, AllAreDoneAndFailuresAreKeptByTheirNumbers) {
  std::atomic<int> running = 0, most = 0, done = 0;
  auto failures = forEachAtOnce(100, 8, [&](size_t index) {
    int now = ++running;
    for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
    }
    ++done;
    --running;
    if (index == 42) throw std::runtime_error("no");
  });
  EXPECT_EQ(done, 100);
  EXPECT_LE(most, 8);
  EXPECT_TRUE(failures[42]);
  EXPECT_FALSE(failures[41]);
}

}  // namespace
}  // namespace harness
