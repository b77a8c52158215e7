// Tries the parsers of a snapshot by texts, and the whole by what this process does.
#include "nodeagent/facts/snapshot.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include <gmock/gmock.h>

#include "nodeagent/os/wait_testing.h"

namespace nodeagent {
namespace {

using facts::SnapshotItem;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using Kind = wire::SnapshotItem::Kind;

constexpr char kTable[] =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
    "   0: 0100007F:1CF3 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0\n"
    "   1: 0100007F:1CF3 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0\n";

TEST(SnapshotTest, ListenersAreThoseWithoutAPeer) {
  EXPECT_THAT(facts::listenersIn("tcp", kTable), ElementsAre("tcp 127.0.0.1:7411"));
  EXPECT_THAT(facts::listenersIn("udp", kTable), IsEmpty());
  EXPECT_THAT(
      facts::listenersIn(
          "tcp6", "0: 00000000000000000000000001000000:0016 0000:0000 0A 0:0 0:0 0 0\nbroken\n"),
      ElementsAre("tcp6 [::1]:22"));
}

TEST(SnapshotTest, RulesStandBehindTheirTable) {
  EXPECT_THAT(facts::rulesIn("table inet a {\n\tchain in {\n\t\ttcp dport 22 drop\n\t}\n}\n"
                             "table ip b {\n}\n"),
              ElementsAre("table inet a", "table inet a: chain in {",
                          "table inet a: tcp dport 22 drop", "table ip b"));
}

std::vector<std::string> all(Kind kind) {
  std::vector<std::string> found;
  for (const SnapshotItem& item : facts::takeSnapshot()) {
    if (item.kind == kind) found.push_back(item.what);
  }
  return found;
}

TEST(SnapshotTest, ProcessesAndPortsOfThisMachineAreFound) {
  int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(bind(socket, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(socket, 1), 0);
  ASSERT_EQ(getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size), 0);
  std::string listener = "tcp 127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  pid_t child = fork();
  if (child == 0) {
    execl("/bin/tail", "tail", "-f", "/dev/null", nullptr);
    _exit(127);
  }
  std::string process = "tail (pid " + std::to_string(child) + ")";
  // Until it has executed, the child has the name of this process, which is left out.
  EXPECT_TRUE(becomesTrue([&] {
    auto processes = all(Kind::PROCESS);
    return std::find(processes.begin(), processes.end(), process) != processes.end();
  }));
  EXPECT_THAT(all(Kind::LISTENER), Contains(listener));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  close(socket);
  EXPECT_THAT(all(Kind::LISTENER), Not(Contains(listener)));
  EXPECT_THAT(all(Kind::PROCESS), Not(Contains(process)));
  EXPECT_THAT(all(Kind::PROCESS), Not(Contains(testing::StartsWith("kthreadd "))));
  EXPECT_THAT(all(Kind::MOUNT), Contains(testing::EndsWith(" on /proc")));
  EXPECT_THAT(all(Kind::ADDRESS), Contains("lo 127.0.0.1"));
}

// Process 1 of a PID namespace. It makes a process 2 with a child, and writes the lines of a
// snapshot to `output`.
[[noreturn]] void tellProcessesOfNamespace(int output) {
  ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  if (::mount("proc", "/proc", "proc", 0, nullptr) != 0) ::_exit(1);
  int begun[2];
  if (::pipe(begun) != 0) ::_exit(2);
  if (::fork() == 0) {
    ::prctl(PR_SET_NAME, "second");
    if (::fork() == 0) {
      ::prctl(PR_SET_NAME, "childOfSecond");
      (void)!::write(begun[1], "b", 1);
    }
    for (;;) ::pause();
  }
  char byte = 0;
  if (::read(begun[0], &byte, 1) != 1) ::_exit(3);
  std::string text;
  for (const std::string& each : all(Kind::PROCESS)) text += each + "\n";
  ::_exit(::write(output, text.data(), text.size()) < 0 ? 4 : 0);
}

// The kernel's threads have pids of the first namespace only, so that pid 2 is a process as any.
TEST(SnapshotTest, ProcessTwoOfANamespaceAndItsChildrenAreFound) {
  if (::geteuid() != 0) GTEST_SKIP() << "a PID namespace needs root";
  int output[2];
  ASSERT_EQ(::pipe(output), 0);
  // The call is raw, because the child of libc's clone() would share our stack.
  auto pid =
      static_cast<pid_t>(::syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0));
  ASSERT_GE(pid, 0);
  if (pid == 0) tellProcessesOfNamespace(output[1]);
  ::close(output[1]);
  std::string text;
  char part[4096];
  for (ssize_t count; (count = ::read(output[0], part, sizeof part)) > 0;) {
    text.append(part, static_cast<size_t>(count));
  }
  int status = -1;
  ::waitpid(pid, &status, 0);
  ::close(output[0]);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(text, "second (pid 2)\nchildOfSecond (pid 3)\n");
}

}  // namespace
}  // namespace nodeagent
