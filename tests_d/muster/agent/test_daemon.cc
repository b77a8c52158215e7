// Daemons that tests start: ready, killed, started again, crashed, over a power cut.
#include <optional>

#include <muster/muster.h>

namespace {

using namespace muster;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// Listens on a port, and ends well at TERM.
Argv listener(int port, const std::string& first = "") {
  return {"perl", "-e",
          "use IO::Socket::INET; $SIG{TERM} = sub { exit 0 }; " + first +
              "$s = IO::Socket::INET->new(LocalPort => " + std::to_string(port) +
              ", Listen => 1, ReuseAddr => 1) or die \"bind: $!\\n\"; $| = 1; "
              "print \"serving\\n\"; while (1) { close($s->accept()) }"};
}

class DaemonTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 2}}}; }

 protected:
  static bool answers(Node& node, int port) {
    return node
        .run({"perl", "-MIO::Socket::INET", "-e",
              "exit !IO::Socket::INET->new(\"127.0.0.1:" + std::to_string(port) + "\")"})
        .succeeded();
  }

  Node& node_ = servers()[0];
};

TEST_F(DaemonTest, IsReadyWhenItListens) {
  Daemon server(node_, listener(7101, "sleep 1; "), {.ready = Daemon::listensOn(7101)});
  EXPECT_TRUE(answers(node_, 7101));
  EXPECT_THAT(server.stop(), AllOf(Succeeded(), StdoutHas("serving")));
  EXPECT_FALSE(server.running());
  EXPECT_FALSE(answers(node_, 7101));
}

TEST_F(DaemonTest, PortOfAnotherIsNotTakenForItsOwn) {
  Daemon first(node_, listener(7102), {.ready = Daemon::listensOn(7102)});
  EXPECT_THAT([&] { Daemon(node_, listener(7102), {.ready = Daemon::listensOn(7102)}); },
              FailsWith(NodeError::Kind::kConflict, HasSubstr("before it was started")));
  EXPECT_THAT(
      [&] { Daemon(node_, listener(7102), {.ready = Daemon::prints("serving")}); },
      FailsWith(NodeError::Kind::kCommandFailed, HasSubstr("bind: Address already in use")));
}

TEST_F(DaemonTest, IsKilledAndStartedAgain) {
  Daemon server(node_, listener(7103), {.ready = Daemon::listensOn(7103)});
  int pid = server.pid();
  EXPECT_THAT(node_, Runs({"kill", "-0", std::to_string(pid)}));
  EXPECT_THAT(server.kill(), Signalled(SIGKILL));
  EXPECT_FALSE(answers(node_, 7103));
  server.restart();
  EXPECT_NE(server.pid(), pid);
  EXPECT_TRUE(answers(node_, 7103));
  server.restart();
  EXPECT_TRUE(answers(node_, 7103));
}

TEST_F(DaemonTest, StopWaitsAndThenKills) {
  Argv stubborn = {"sh", "-c", "trap '' TERM; echo up; while :; do sleep 1; done"};
  Daemon server(node_, stubborn, {.ready = Daemon::prints("up"), .stopWithin = 200ms});
  EXPECT_THAT([&] { server.kill(SIGTERM); },
              FailsWith(NodeError::Kind::kTimeout, HasSubstr("still running")));
  EXPECT_TRUE(server.running());
  EXPECT_EQ(server.stop().outcome.signal(), SIGKILL);
}

TEST_F(DaemonTest, FileOfAnEarlierStartDoesNotCount) {
  node_.file("/run/late.pid").write("1\n");
  Argv late = {"sh", "-c", "sleep 0.5; echo $$ > /run/late.pid; exec sleep 100"};
  Daemon server(node_, late, {.ready = Daemon::makesFile("/run/late.pid")});
  awaitThat([&] { return node_.file("/run/late.pid").read(); }, std::to_string(server.pid()) + "\n",
            5s);
}

TEST_F(DaemonTest, OneThatForksIsToldToStay) {
  Argv forking = {"sh", "-c", "sleep 50 >/dev/null 2>&1 &"};
  EXPECT_THAT([&] { Daemon(node_, forking, {.ready = Daemon::makesFile("/run/none")}); },
              FailsWith(NodeError::Kind::kCommandFailed,
                        HasSubstr("left 1 processes running; a daemon stays in the foreground")));
  EXPECT_THAT(node_, Eventually(Runs({"pgrep", "-x", "-f", "sleep 50"}, ExitedWith(1)), 5s));
}

TEST_F(DaemonTest, IsStartedAgainAfterAPowerCut) {
  Daemon meant(node_, listener(7104),
               {.ready = Daemon::listensOn(7104), .afterPowerOn = AfterPowerOn::kStartsAgain});
  Daemon other(node_, listener(7105), {.ready = Daemon::listensOn(7105)});
  cluster().powerOff(node_);
  cluster().powerOn(node_);
  EXPECT_TRUE(answers(node_, 7104));
  EXPECT_FALSE(other.running());
  EXPECT_THAT(other.wait(5s), Lost());
  other.restart();
  EXPECT_TRUE(answers(node_, 7105));
}

// Where the kernel of this machine puts cores is not ours to say; that there is none is.
TEST_F(DaemonTest, CrashLeavesACoreOrTheReason) {
  node_.file("/root/work").makeDirectory();
  // It is one process: of two that dump their cores to one name at once, one dumps none.
  Daemon server(node_, {"sh", "-c", "echo up; exec sleep 1000"},
                {.ready = Daemon::prints("up"),
                 .run = {.directory = "/root/work"},
                 .cores = CoreFiles::kUnlimited});
  EXPECT_THAT([&] { server.core(); }, FailsWith(NodeError::Kind::kNotFound, HasSubstr("it runs")));
  ASSERT_THAT(server.kill(SIGSEGV), Signalled(SIGSEGV));
  std::string pattern = node_.file("/proc/sys/kernel/core_pattern").read();
  if (pattern.starts_with("core")) {
    File core = server.core();
    EXPECT_THAT(core.path(), testing::StartsWith("/root/work/core"));
    EXPECT_EQ(core.readPart(1, 3), "ELF");
  } else if (pattern.starts_with("|")) {
    EXPECT_THAT([&] { server.core(); },
                FailsWith(NodeError::Kind::kNotFound, HasSubstr("gives cores to a program")));
  }
  server.restart();
  EXPECT_THAT(server.kill(), Signalled(SIGKILL));
  EXPECT_THAT([&] { server.core(); },
              FailsWith(NodeError::Kind::kNotFound, HasSubstr("no core was dumped")));
}

TEST_F(DaemonTest, OutlivesTheScopeOfItsStart) {
  std::optional<Daemon> server;
  {
    DeadlineScope scope(3s);
    server.emplace(node_, listener(7106), DaemonOptions{.ready = Daemon::listensOn(7106)});
  }
  awaitUntil([&] { return server->process().output().find("serving") != std::string::npos; }, 5s);
  EXPECT_TRUE(server->running());
}

}  // namespace
