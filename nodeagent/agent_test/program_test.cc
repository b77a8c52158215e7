// Tries the program as a process, as its service manager and its controller see it.
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/async-unix.h>
#include <kj/debug.h>

#include "nodeagent/agent_test/program_fixture.h"
#include "nodeagent/os/read_file.h"
#include "schema/facts.capnp.h"
#include "schema/support/base/socket.h"
#include "schema/support/tls/pki.h"

namespace nodeagent {
namespace {

using testing::HasSubstr;

TEST_F(ProgramTest, SaysWhatItIs) {
  EXPECT_EQ(run({"--version"}), 0);
  EXPECT_THAT(text("out"), HasSubstr("protocol 1."));
  EXPECT_EQ(run({"--help"}), 0);
  EXPECT_THAT(text("out"), HasSubstr("78 configuration"));
}

TEST_F(ProgramTest, EachMistakeHasItsExitStatusAndOneLine) {
  EXPECT_EQ(run({"--listn=x"}), 64);
  EXPECT_EQ(run({"--listen=tcp:0.0.0.0:7411"}), 78);
  EXPECT_THAT(text("err"), HasSubstr("tcp:0.0.0.0:7411"));
  EXPECT_THAT(text("err"), HasSubstr("tls:"));
  auto lines = text("err");
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 1) << lines;
  EXPECT_EQ(run({}, {"NODEAGENT_LOG_LEVLE=debug"}), 78);
  EXPECT_THAT(text("err"), HasSubstr("NODEAGENT_LOG_LEVEL"));
}

TEST_F(ProgramTest, CheckConfigNamesThePlaceAndTriesTheCertificates) {
  std::ofstream(file("bad.yaml")) << "node: n1\nlog:\n  levle: debug\n";
  EXPECT_EQ(run({"--check-config", "--config=" + file("bad.yaml")}), 78);
  EXPECT_THAT(text("err"), HasSubstr("bad.yaml:3:3: "));
  EXPECT_THAT(text("err"), HasSubstr("level"));
  auto authority = support::Authority::make("a");
  auto node = authority.issueNode("n1");
  std::ofstream(file("ca.pem")) << authority.certificate();
  std::ofstream(file("cert.pem")) << node.certificate;
  std::ofstream(file("key.pem")) << authority.issueNode("n1").key;
  std::filesystem::permissions(file("key.pem"), std::filesystem::perms(0600));
  std::vector<std::string> tls = {
      "--check-config", "--listen=tls:127.0.0.1:0", "--tls-authority=" + file("ca.pem"),
      "--tls-certificate=" + file("cert.pem"), "--tls-key=" + file("key.pem")};
  EXPECT_EQ(run(tls), 78);
  EXPECT_THAT(text("err"), HasSubstr("does not belong to the certificate"));
  std::ofstream(file("key.pem")) << node.key;
  EXPECT_EQ(run(tls), 0) << text("err");
  // This setting of the node's own programs would make every TLS context fail.
  std::ofstream(file("openssl.cnf"))
      << "config_diagnostics = 1\nopenssl_conf = init\n[init]\nssl_conf = no_such_section\n";
  EXPECT_EQ(run(tls, {"OPENSSL_CONF=" + file("openssl.cnf")}), 0) << text("err");
}

// Jobs come first, and no job changes the agent's scores. Without CAP_SYS_RESOURCE nobody gets a
// score below 0, so the agent begins with one above it.
TEST_F(ProgramTest, OomScoresLetTheKernelChooseJobsFirst) {
  bool mayProtect = system("(echo -1 >/proc/self/oom_score_adj) 2>/dev/null") == 0;
  auto scoreOf = [](pid_t pid) {
    return std::stoi(readFile(kj::str("/proc/", pid, "/oom_score_adj")).cStr());
  };
  int own = scoreOf(getpid());
  std::ofstream("/proc/self/oom_score_adj") << own + 100;
  startAgent();
  std::ofstream("/proc/self/oom_score_adj") << own;
  int keeper = scoreOf(pid_);
  int front = scoreOf(frontPid());
  auto connection = connect();
  pid_t job = startLongJob(hello(*connection));
  int wanted = mayProtect ? 0 : keeper;
  EXPECT_TRUE(eventually([&]() { return scoreOf(job) == wanted; })) << scoreOf(job);
  EXPECT_EQ(scoreOf(pid_), keeper);
  EXPECT_EQ(scoreOf(frontPid()), front);
  EXPECT_EQ(keeper < 0, mayProtect);
  EXPECT_EQ(front, keeper);
}

TEST_F(ProgramTest, FrontThatCannotReachTheKeeperIsNotReady) {
  if (geteuid() != 0) GTEST_SKIP() << "only root changes its user";
  auto arguments = usual();
  arguments.back() = "--front-user=nobody";  // The directory is this user's alone.
  EXPECT_EQ(run(arguments), 78);
  EXPECT_THAT(text("err"), HasSubstr("cannot reach the keeper's socket " + directory_));
  EXPECT_THAT(text("err"), testing::Not(HasSubstr("keeper ready")));
}

// A thread is stuck like this in a call to a file system that hangs.
TEST_F(ProgramTest, AStuckThreadDoesNotKeepTheAgentFromEnding) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer's own thread would be held as well, and its end waits for that";
#endif
  startAgent();
  auto connection = connect();
  auto facts = granted<wire::FactsView>(hello(*connection).getWelcome().getGrants());
  EXPECT_FALSE(facts.readRequest().send().wait(io_.waitScope).hasError());
  std::vector<pid_t> stuck;
  for (auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid_) + "/task")) {
    pid_t thread = std::stoi(entry.path().filename());
    if (thread == pid_ || ptrace(PTRACE_SEIZE, thread, nullptr, nullptr) != 0) continue;
    EXPECT_EQ(ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr), 0);
    EXPECT_EQ(waitpid(thread, nullptr, __WALL), thread);
    stuck.push_back(thread);
  }
  ASSERT_FALSE(stuck.empty());
  kill(pid_, SIGTERM);
  for (pid_t thread : stuck)
    EXPECT_TRUE(eventually([&]() { return waitpid(thread, nullptr, __WALL | WNOHANG) == thread; }));
  EXPECT_EQ(wait(), 0) << text("err");
  EXPECT_THAT(text("err"), HasSubstr("leaving without it"));
}

TEST_F(ProgramTest, MakesItsKeyAndARequestAndReplacesNothing) {
  std::vector<std::string> arguments = {"--make-request", "--node-name=n1",
                                        "--tls-key=" + file("key.pem")};
  ASSERT_EQ(run(arguments), 0) << text("err");
  auto mode = std::filesystem::status(file("key.pem")).permissions();
  EXPECT_EQ(mode, std::filesystem::perms(0600));
  auto authority = support::Authority::make("lab");
  std::string certificate =
      authority.certify(text("out"), "n1", {"n1"}, support::Purpose::kServer, {});
  EXPECT_NO_THROW(support::Authority::load({certificate, text("key.pem")}));
  std::string key = text("key.pem");
  EXPECT_EQ(run(arguments), 73);
  EXPECT_THAT(text("err"), HasSubstr("File exists"));
  EXPECT_EQ(text("key.pem"), key);
  EXPECT_EQ(run({"--make-request", "--node-name=n1"}), 78);
  EXPECT_EQ(run({"--make-request", "--node-name=a b", "--tls-key=" + file("other")}), 78);
  EXPECT_FALSE(std::filesystem::exists(file("other")));
}

TEST_F(ProgramTest, ListensServesACommandAndEndsCleanly) {
  startAgent();
  auto connection = connect();
  auto answer = runJob(hello(*connection), {"echo", "hello"}, wire::Follow::Until::ENDED);
  EXPECT_EQ(answer.getProgress().getStatus().getOutcome().getExited(), 0);
  EXPECT_EQ(kj::str(answer.getProgress().getOutput().getData().asChars()), "hello\n");
  kill(pid_, SIGTERM);
  EXPECT_EQ(wait(), 0);
  EXPECT_FALSE(std::filesystem::exists(file("agent.sock")));
}

// A controller that is killed closes no session, so its jobs must end without it.
TEST_F(ProgramTest, JobsOfAControllerThatIsGoneEndWithItsLease) {
  startAgent();
  auto connection = connect();
  pid_t job = startLongJob(hello(*connection, wire::Attach::CREATE_OR_ATTACH, 1'000'000'000));
  ASSERT_GT(job, 0);
  ASSERT_EQ(kill(job, 0), 0);
  connection = nullptr;
  EXPECT_TRUE(eventually([&]() { return kill(job, 0) != 0; }));
  auto again = connect();
  EXPECT_EQ(hello(*again, wire::Attach::ATTACH_ONLY).getError().getKind(),
            wire::Error::Kind::EXPIRED);
}

TEST_F(ProgramTest, TheAgentEndsItsJobsWhenItIsStopped) {
  startAgent();
  auto connection = connect();
  pid_t job = startLongJob(hello(*connection));
  ASSERT_GT(job, 0);
  kill(pid_, SIGTERM);
  EXPECT_EQ(wait(), 0);
  EXPECT_NE(kill(job, 0), 0);
}

TEST_F(ProgramTest, KilledFrontIsReplacedAndTheSessionGoesOn) {
  startAgent();
  auto first = connect();
  hello(*first);
  pid_t front = frontPid();
  ASSERT_GT(front, 0);
  kill(front, SIGKILL);
  ASSERT_TRUE(eventually([&]() {
    pid_t now = frontPid();
    return now > 0 && now != front &&
           text("err").rfind("front listens") > text("err").find("the front ended");
  }));
  auto second = connect();
  EXPECT_TRUE(hello(*second, wire::Attach::ATTACH_ONLY).getWelcome().getAttached());
}

TEST_F(ProgramTest, FrontGivesUpRootAndStillReachesTheKeeper) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give it up";
  std::filesystem::permissions(directory_, std::filesystem::perms(0711));
  auto arguments = usual();
  arguments.back() = "--front-user=nobody";
  start(arguments);
  ASSERT_TRUE(eventually([&]() { return text("err").find("keeper ready") != std::string::npos; }))
      << text("err");
  auto status = readFile(kj::str("/proc/", frontPid(), "/status"));
  EXPECT_THAT(status.cStr(), HasSubstr("Uid:\t65534\t65534\t65534"));
  EXPECT_THAT(status.cStr(), HasSubstr("NoNewPrivs:\t1"));
  auto connection = connect();
  EXPECT_STREQ(hello(*connection).getWelcome().getIdentity().cStr(), "uid:0");
  kill(pid_, SIGTERM);
  EXPECT_EQ(wait(), 0);
  EXPECT_FALSE(std::filesystem::exists(file("agent.sock")));
}

TEST_F(ProgramTest, FrontDoesNotOutliveTheKeeper) {
  startAgent();
  pid_t front = frontPid();
  ASSERT_GT(front, 0);
  kill(pid_, SIGKILL);
  EXPECT_EQ(wait(), -SIGKILL);
  EXPECT_TRUE(eventually([&]() {
    return readProcess(front) == nullptr || KJ_ASSERT_NONNULL(readProcess(front)).state == 'Z';
  }));
}

TEST_F(ProgramTest, SecondAgentInTheSamePlaceIsRefused) {
  startAgent();
  pid_t first = std::exchange(pid_, 0);
  EXPECT_EQ(run(usual()), 73) << text("err");
  EXPECT_THAT(text("err"), HasSubstr("another agent"));
  pid_ = first;
}

TEST_F(ProgramTest, PortInUseIsReportedByTheFrontsExitStatus) {
  std::string why;
  auto taken = support::Endpoint::fromText("tcp:127.0.0.1:0", &why).value();
  auto socket = support::openSocket(taken);
  KJ_SYSCALL(bind(socket, taken.socketAddress(), taken.addressBytes));
  KJ_SYSCALL(listen(socket, 1));
  KJ_SYSCALL(getsockname(socket, reinterpret_cast<sockaddr*>(&taken.address), &taken.addressBytes));
  EXPECT_EQ(run({"--state-dir=" + directory_, "--listen=" + taken.text()}), 73) << text("err");
  EXPECT_THAT(text("err"), HasSubstr("in use"));
}

TEST_F(ProgramTest, ServiceManagerHearsOfReadinessAndStop) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  strncpy(address.sun_path, file("notify").c_str(), sizeof address.sun_path - 1);
  kj::AutoCloseFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  KJ_SYSCALL(bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address));
  std::string heard;
  auto hears = [&](const std::string& word) {
    return eventually([&]() {
      char buffer[512];
      ssize_t count = recv(socket, buffer, sizeof buffer, 0);
      if (count > 0) heard.append(buffer, count).append("\n");
      return heard.find(word) != std::string::npos;
    });
  };
  start(usual(), {"NOTIFY_SOCKET=" + file("notify"), "WATCHDOG_USEC=100000"});
  EXPECT_TRUE(hears("READY=1"));
  EXPECT_THAT(heard, HasSubstr("listening on unix:"));
  EXPECT_TRUE(hears("WATCHDOG=1"));
  kill(pid_, SIGHUP);
  EXPECT_TRUE(hears("RELOADING=1"));
  kill(pid_, SIGTERM);
  EXPECT_TRUE(hears("STOPPING=1"));
  EXPECT_EQ(wait(), 0);
}

TEST_F(ProgramTest, BadReloadLeavesEverythingAsItWas) {
  std::ofstream(file("agent.yaml")) << "node: n1\n";
  auto arguments = usual();
  arguments.push_back("--config=" + file("agent.yaml"));
  start(arguments);
  ASSERT_TRUE(eventually([&]() { return text("err").find("keeper ready") != std::string::npos; }))
      << text("err");
  pid_t front = frontPid();
  std::ofstream(file("agent.yaml")) << "nod: n1\n";
  kill(pid_, SIGHUP);
  ASSERT_TRUE(eventually([&]() { return text("err").find("not reloaded") != std::string::npos; }));
  EXPECT_THAT(text("err"), HasSubstr("agent.yaml:1:1"));
  EXPECT_EQ(frontPid(), front);
  auto connection = connect();
  EXPECT_FALSE(hello(*connection).hasError());
}

TEST_F(ProgramTest, StaysSmallAndStartsFast) {
  auto& timer = io_.provider->getTimer();
  auto begin = timer.now();
  start(usual());
  ASSERT_TRUE(eventually([&]() { return access(file("agent.sock").c_str(), F_OK) == 0; }));
  RecordProperty("startupMs", static_cast<int>((timer.now() - begin) / kj::MILLISECONDS));
  EXPECT_LT((timer.now() - begin) / kj::MILLISECONDS, 1000);
  ASSERT_TRUE(eventually([&]() { return frontPid() > 0; }));
  // Counts what both processes have of their own, after they have freed what only their start
  // needed. Of the program's file the kernel maps as much as its cache happens to hold in one
  // piece, which was 4 to 10 MiB for the same file.
  auto residentKib = [&]() {
    long sum = 0;
    for (pid_t process : {pid_, frontPid()}) {
      std::istringstream status(readFile(kj::str("/proc/", process, "/status")).cStr());
      for (std::string word; status >> word;) {
        long size = 0;
        if ((word == "RssAnon:" || word == "RssShmem:") && status >> size) sum += size;
      }
    }
    return sum;
  };
  EXPECT_TRUE(eventually([&]() { return residentKib() <= NODEAGENT_RESIDENT_KIB_MAX; }))
      << residentKib();
  RecordProperty("residentKiB", static_cast<int>(residentKib()));
}

}  // namespace
}  // namespace nodeagent
