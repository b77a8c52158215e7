// Hostile connections cannot make the agent's processes grow beyond a limit.
//
// The test runs the real program on a real socket.
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests_d/muster/support/wait.h"

extern char** environ;

namespace {

namespace fs = std::filesystem;

// The limits are far above the measured sizes, and far below the size of an unbounded buffer.
constexpr size_t kIdleKibMax = MUSTER_RESIDENT_FACTOR * 32 * 1024;
constexpr size_t kHostileKibMax = MUSTER_RESIDENT_FACTOR * 128 * 1024;

class HostileLoadTest : public testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/muster-hostile-XXXXXX";
    directory_ = mkdtemp(pattern);
    std::string listen = "--listen=unix:" + socket(), state = "--state-dir=" + directory_;
    std::string log = "--log-file=" + directory_ + "/log";
    std::vector<const char*> argv = {
        NODEAGENT_PROGRAM, "--node-name=n1", "--front-user=", listen.c_str(),
        state.c_str(),     log.c_str(),      nullptr};
    ASSERT_EQ(
        posix_spawn(&agent_, argv[0], nullptr, nullptr, const_cast<char**>(argv.data()), environ),
        0);
    auto listens = [this] {
      int fd = dial();
      if (fd >= 0) close(fd);
      return fd >= 0;
    };
    ASSERT_TRUE(muster_tests::becomesTrue(listens, std::chrono::seconds(30)));
  }

  void TearDown() override {
    kill(agent_, SIGTERM);
    int status = 0;
    EXPECT_EQ(waitpid(agent_, &status, 0), agent_);
    EXPECT_EQ(status, 0) << "the agent did not end cleanly";
    fs::remove_all(directory_);
  }

  std::string socket() const { return directory_ + "/agent.sock"; }

  int dial() const {
    int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    strncpy(address.sun_path, socket().c_str(), sizeof address.sun_path - 1);
    if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
    close(fd);
    return -1;
  }

  // Makes `connections` connections and sends `bytes` on each up to `times` times, while they are
  // accepted. Fifty connections at a time are open.
  void load(size_t connections, const std::string& bytes, size_t times) {
    std::vector<int> held;
    for (size_t i = 0; i < connections; ++i) {
      int fd = dial();
      if (fd < 0) continue;
      for (size_t j = 0; j < times; ++j)
        if (send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) break;
      held.push_back(fd);
      if (held.size() < 50) continue;
      for (int each : held) close(each);
      held.clear();
    }
    for (int each : held) close(each);
  }

  // Returns the resident memory of the larger one of keeper and front.
  size_t residentKib() const {
    size_t most = 0;
    for (auto& entry : fs::directory_iterator("/proc")) {
      std::string pid = entry.path().filename();
      if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
      std::ifstream file(entry.path() / "status");
      size_t kib = 0;
      long parent = 0;
      for (std::string key; file >> key; file.ignore(4096, '\n')) {
        if (key == "PPid:") file >> parent;
        if (key == "VmRSS:") file >> kib;
      }
      if (parent == agent_ || pid == std::to_string(agent_)) most = std::max(most, kib);
    }
    return most;
  }

  std::string directory_;
  pid_t agent_ = 0;
};

TEST_F(HostileLoadTest, LeavesTheAgentSmall) {
  size_t idle = residentKib();
  EXPECT_LT(idle, kIdleKibMax);
  const uint32_t claim[2] = {0, 8191};
  std::string stalled(reinterpret_cast<const char*>(claim), sizeof claim);
  load(200, stalled + std::string(60'000, 'x'), 1);
  size_t afterStalls = residentKib();
  load(1000, std::string(8, '\xff'), 1);
  size_t afterOverflows = residentKib();
  // A null message of one word gets an answer, or the end of the connection.
  const uint32_t empty[4] = {0, 1, 0, 0};
  load(50, std::string(reinterpret_cast<const char*>(empty), sizeof empty), 5000);
  size_t afterFloods = residentKib();
  std::printf("resident KiB: idle %zu, after stalled frames %zu, overflows %zu, floods %zu\n", idle,
              afterStalls, afterOverflows, afterFloods);
  EXPECT_LT(std::max({afterStalls, afterOverflows, afterFloods}), kHostileKibMax);
}

}  // namespace
