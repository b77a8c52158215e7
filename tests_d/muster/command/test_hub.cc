// The hub of a local cluster keeps the limits of its caller to itself, and lives within them.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests_d/muster/command/command.h"
#include "tests_d/muster/support/wait.h"

namespace command {
namespace {

constexpr char kOne[] = "  server1: {role: server}\n";

class HubTest : public OwnClusterTest {
 protected:
  // Makes the cluster as a caller does whose shell has these limits.
  Ended upWith(const std::string& limits) {
    std::string muster = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "muster";
    return runProgram("/bin/sh", {"-c", limits + "; exec " + muster + " up " + file(kOne)});
  }
};

TEST_F(HubTest, NodesDoNotInheritTheLimitsOfTheCaller) {
  ASSERT_THAT(upWith("ulimit -S -n 300; ulimit -S -f 1000000; ulimit -S -s 1024; ulimit -S -t 600"),
              exits(0));
  EXPECT_THAT(onCluster("exec", {"server1", "--", "sh", "-c",
                                 "ulimit -S -n; ulimit -S -f; ulimit -S -s; ulimit -S -t"}),
              prints("1024\nunlimited\n8192\nunlimited\n"));
}

// Returns the processor time that a process has used, in ticks.
long ticksOf(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text{std::istreambuf_iterator<char>(file), {}};
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::vector<std::string> all{std::istream_iterator<std::string>(fields), {}};
  return std::stol(all.at(11)) + std::stol(all.at(12));
}

int connectTo(const std::string& path) {
  int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  timeval patience{5, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  return fd;
}

// A client that cannot be accepted stays in the queue, so a loop that only waits for clients would
// turn without a pause.
TEST_F(HubTest, ClientsBeyondItsDescriptorsWaitWithoutABusyLoop) {
  ASSERT_THAT(upWith("ulimit -n 100"), exits(0));
  pid_t hub = hubOf(cluster_);
  std::vector<int> clients;
  for (int i = 0; i < 100; ++i)
    clients.push_back(connectTo("/run/muster/" + cluster_ + "/control.sock"));
  muster_tests::letPass(std::chrono::milliseconds(200));
  long before = ticksOf(hub);
  muster_tests::letPass(std::chrono::seconds(1));
  long busy = ticksOf(hub) - before;
  for (int fd : clients) ::close(fd);
  EXPECT_LT(busy, ::sysconf(_SC_CLK_TCK) / 4);
  EXPECT_THAT(onCluster("nodes", {}), exits(0));
}

}  // namespace
}  // namespace command
