// A new node gets its certificate by a token, with the real programs.
//
// The tests go as far as the first command over the connection that the certificate makes possible,
// and through every case in which the node must not get one.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include "tests_d/muster/command/command.h"
#include "tests_d/muster/support/wait.h"

namespace command {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Words = std::vector<std::string>;

std::string contentOf(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

class EnrolmentTest : public OwnClusterTest {
 protected:
  void SetUp() override {
    OwnClusterTest::SetUp();
    if (IsSkipped()) return;
    int pid = ::getpid();
    // Each process uses a loopback address of its own, so ports never collide.
    address_ =
        "127.79." + std::to_string(pid / 250 % 250 + 1) + "." + std::to_string(pid % 250 + 1);
    pki_ = directory_ + "/pki";
    EXPECT_THAT(muster({"pki", "init", pki_, "--cluster=lab"}), exits(0));
  }
  void TearDown() override {
    for (pid_t pid : started_) stop(pid, SIGKILL);
    OwnClusterTest::TearDown();
  }

  static void stop(pid_t pid, int signal) {
    ::kill(pid, signal);
    ::waitpid(pid, nullptr, 0);
  }
  pid_t start(const std::string& program, const Words& words) {
    started_.push_back(startProgram(program, words));
    return started_.back();
  }
  void forget(pid_t pid) { std::erase(started_, pid); }
  pid_t serve(const std::string& pki, Words more = {}) {
    Words words = {"pki", "serve", "--dir=" + pki, "--listen=" + address_ + ":7412",
                   "--duration=60s"};
    words.insert(words.end(), more.begin(), more.end());
    return start("muster", words);
  }

  // Makes a token and returns the path of the file with it.
  std::string token(const std::string& node, const std::string& pki = "") {
    Ended made = muster({"pki", "token", node, "--dir=" + (pki.empty() ? pki_ : pki)});
    EXPECT_THAT(made, exits(0));
    std::string path = directory_ + "/" + node + ".token";
    fs::remove(path);
    ::close(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600));
    std::ofstream(path) << made.out;
    return path;
  }
  static std::string secretOf(const std::string& tokenFile) {
    std::istringstream text(contentOf(tokenFile));
    std::string part;
    for (int i = 0; i < 5; ++i) std::getline(text, part, ':');
    return part;
  }

  // Returns the options of this node's agent, whose files are in a directory of their own.
  Words options(const std::string& node, const std::string& where = "") {
    std::string place = directory_ + "/" + (where.empty() ? node : where);
    fs::create_directory(place);
    return {"--node-name=" + node, "--tls-authority=" + place + "/ca.pem",
            "--tls-certificate=" + place + "/node.pem", "--tls-key=" + place + "/node.key",
            "--state-dir=" + place + "/state"};
  }
  Words enrolWords(const Words& node, const std::string& tokenFile, const std::string& limit) {
    Words words = {"--enrol=" + address_ + ":7412", "--token-file=" + tokenFile,
                   "--enrol-limit=" + limit};
    words.insert(words.end(), node.begin(), node.end());
    return words;
  }
  Ended enrol(const Words& node, const std::string& tokenFile, const std::string& limit = "20s") {
    return runProgram("nodeagent", enrolWords(node, tokenFile, limit));
  }
  static void writeKey(const std::string& key, const std::string& path) {
    ::close(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600));
    std::ofstream(path) << key;
  }
  // Makes a client, and returns a cluster file by which it reaches the node n1.
  std::string clusterFileOf(const std::string& role) {
    EXPECT_THAT(muster({"pki", "client", "me", "--role=" + role, "--dir=" + pki_}), exits(0));
    std::string path = directory_ + "/" + role + ".yaml", me = "pki/clients/" + role + "-me.";
    std::ofstream(path) << "provisioner: static\ntls: {authority: pki/authority.pem, certificate: "
                        << me << "pem, key: " << me << "key}\nnodes:\n  n1: {role: server, "
                        << "address: \"tls:" << address_ << ":7411\"}\n";
    return path;
  }

  // Runs the command until it succeeds, since the agent may not listen yet.
  Ended awaitSuccess(const Words& words) {
    Ended ran;
    muster_tests::becomesTrue(
        [&] {
          ran = muster(words);
          return ran.status == 0;
        },
        std::chrono::seconds(20), std::chrono::milliseconds(100));
    return ran;
  }
  static int statusOf(pid_t pid) {
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  std::string address_, pki_;
  std::vector<pid_t> started_;
};

TEST_F(EnrolmentTest, EnrolledNodeServesAController) {
  std::string tokenFile = token("n1");
  pid_t server = serve(pki_, {"--count=1"});
  Words node = options("n1");
  ASSERT_THAT(enrol(node, tokenFile), AllOf(exits(0), prints("enrolled as n1")));
  forget(server);
  EXPECT_EQ(statusOf(server), 0);
  EXPECT_FALSE(fs::exists(directory_ + "/n1/node.key.enrolling"));
  EXPECT_EQ(fs::status(directory_ + "/n1/node.key").permissions(), fs::perms(0600));

  // The pending key stays when an agent is killed before its last step.
  std::string pending = directory_ + "/n1/node.key.enrolling";
  writeKey(contentOf(directory_ + "/n1/node.key"), pending);
  node.push_back("--listen=tls:" + address_ + ":7411");
  node.push_back("--audit-log=" + directory_ + "/n1/audit.log");
  node.push_back("--log-file=" + directory_ + "/n1/agent.log");
  start("nodeagent", node);
  EXPECT_THAT(
      awaitSuccess({"exec", "--cluster=" + clusterFileOf("operator"), "n1", "--", "echo", "hello"}),
      AllOf(exits(0), prints("hello")));
  EXPECT_FALSE(fs::exists(pending));
  // The secret stands only in the file of the token.
  std::string secret = secretOf(tokenFile);
  ASSERT_EQ(secret.size(), 64u);
  for (const auto& entry : fs::recursive_directory_iterator(directory_)) {
    if (!entry.is_regular_file() || entry.path() == tokenFile) continue;
    EXPECT_THAT(contentOf(entry.path()), Not(HasSubstr(secret))) << entry.path();
  }
}

// An observer sees what any user of the node sees, and changes nothing.
TEST_F(EnrolmentTest, ObserverReadsFilesAndActsOnNothing) {
  std::string tokenFile = token("n1");
  serve(pki_);
  Words node = options("n1");
  ASSERT_THAT(enrol(node, tokenFile), exits(0));
  node.push_back("--listen=tls:" + address_ + ":7411");
  start("nodeagent", node);
  std::string cluster = "--cluster=" + clusterFileOf("observer");
  std::string file = directory_ + "/seen";
  std::ofstream("/var/tmp/" + cluster_) << "seen";
  EXPECT_THAT(awaitSuccess({"cp", cluster, "n1:/var/tmp/" + cluster_, file}), exits(0));
  EXPECT_EQ(contentOf(file), "seen");
  fs::permissions("/var/tmp/" + cluster_, fs::perms(0600));
  EXPECT_THAT(muster({"cp", cluster, "n1:/var/tmp/" + cluster_, file}), complains("denied"));
  fs::remove("/var/tmp/" + cluster_);
  EXPECT_THAT(muster({"cp", cluster, file, "n1:" + directory_ + "/new"}),
              complains("the agent grants no Files to \"observer:me\""));
  EXPECT_THAT(muster({"exec", cluster, "n1", "--", "true"}),
              complains("the agent grants no Jobs to \"observer:me\""));
}

TEST_F(EnrolmentTest, TokenIsReadFromStandardInput) {
  std::string tokenFile = token("n1");
  serve(pki_);
  EXPECT_THAT(runProgram("nodeagent", enrolWords(options("n1"), "-", "20s"), contentOf(tokenFile)),
              exits(0));
}

// A stolen token is worth nothing once it was used, also if both nodes use it at the same time.
TEST_F(EnrolmentTest, OneOfTwoNodesWins) {
  serve(pki_);
  for (int round = 0; round < 15; ++round) {
    std::string name = "n" + std::to_string(round);
    std::string tokenFile = token(name);
    pid_t first = start("nodeagent", enrolWords(options(name), tokenFile, "20s"));
    pid_t second = start("nodeagent", enrolWords(options(name, "other-" + name), tokenFile, "20s"));
    forget(first);
    forget(second);
    std::multiset<int> ended = {statusOf(first), statusOf(second)};
    EXPECT_EQ(ended, (std::multiset<int>{0, 77})) << name;
    EXPECT_NE(fs::exists(directory_ + "/" + name + "/node.pem"),
              fs::exists(directory_ + "/other-" + name + "/node.pem"));
  }
}

// The server dies as soon as the token's file changes, mostly before its reply is sent.
TEST_F(EnrolmentTest, ServerKilledBeforeItsReplyGivesTheSameCertificateLater) {
  int interrupted = 0;
  for (int round = 0; round < 10; ++round) {
    std::string name = "n" + std::to_string(round);
    std::string tokenFile = token(name);
    std::istringstream parts(contentOf(tokenFile));
    std::string id;
    for (int i = 0; i < 4; ++i) std::getline(parts, id, ':');
    pid_t server = serve(pki_);
    pid_t node = start("nodeagent", enrolWords(options(name), tokenFile, "20s"));
    auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    std::string record = pki_ + "/tokens/" + id;
    while (contentOf(record).find("BEGIN CERTIFICATE") == std::string::npos &&
           std::chrono::steady_clock::now() < end) {
      std::this_thread::yield();
    }
    stop(server, SIGKILL);
    forget(server);
    interrupted += fs::exists(directory_ + "/" + name + "/node.pem") ? 0 : 1;
    server = serve(pki_);
    forget(node);
    EXPECT_EQ(statusOf(node), 0) << name;
    EXPECT_EQ(contentOf(directory_ + "/" + name + "/node.pem"),
              contentOf(pki_ + "/nodes/" + name + ".pem"));
    EXPECT_THAT(enrol(options(name, "other-" + name), tokenFile),
                AllOf(exits(77), complains("usedToken")));
    stop(server, SIGTERM);
    forget(server);
  }
  RecordProperty("interrupted", interrupted);
  EXPECT_GT(interrupted, 0) << "no kill came before a reply; nothing was tried";
}

// The token is spent for the key of the first attempt, so a second attempt must use that key.
TEST_F(EnrolmentTest, KilledNodeGoesOnWithItsKey) {
  std::string tokenFile = token("n1");
  Words node = options("n1");
  EXPECT_THAT(enrol(node, tokenFile, "100ms"), AllOf(exits(69), complains("unreachable")));
  std::string key = contentOf(directory_ + "/n1/node.key.enrolling");
  EXPECT_NE(key, "");
  serve(pki_);
  EXPECT_THAT(enrol(node, tokenFile), exits(0));
  EXPECT_EQ(contentOf(directory_ + "/n1/node.key"), key);
}

// A run that is killed after it has written its certificate leaves the pending key.
TEST_F(EnrolmentTest, RunThatMissedOnlyItsLastStepNeedsNoServer) {
  std::string tokenFile = token("n1"), pending = directory_ + "/n1/node.key.enrolling";
  pid_t server = serve(pki_, {"--count=1"});
  Words node = options("n1");
  ASSERT_THAT(enrol(node, tokenFile), exits(0));
  forget(server);
  EXPECT_EQ(statusOf(server), 0);
  writeKey(contentOf(directory_ + "/n1/node.key"), pending);
  EXPECT_THAT(enrol(node, tokenFile, "100ms"), AllOf(exits(0), prints("enrolled as n1")));
  EXPECT_FALSE(fs::exists(pending));
  // The certificate does not belong to this key, so the enrolment is still to be done.
  writeKey("another key", pending);
  EXPECT_THAT(enrol(node, tokenFile, "100ms"), AllOf(exits(73), complains("exists already")));
  EXPECT_TRUE(fs::exists(pending));
}

// The token names its authority, so the node must not send the secret to another one.
TEST_F(EnrolmentTest, ServerOfAnotherAuthorityIsToldNothing) {
  std::string tokenFile = token("n1"), foreign = directory_ + "/foreign";
  ASSERT_THAT(muster({"pki", "init", foreign, "--cluster=lab"}), exits(0));
  serve(foreign);
  EXPECT_THAT(enrol(options("n1"), tokenFile), AllOf(exits(76), complains("wrongAuthority")));
  EXPECT_THAT(muster({"pki", "tokens", "--dir=" + pki_}), prints("n1  open"));
  EXPECT_FALSE(fs::exists(directory_ + "/n1/node.pem"));
}

TEST_F(EnrolmentTest, RefusalsAreToldApart) {
  std::string tokenFile = token("n1");
  serve(pki_);
  EXPECT_THAT(enrol(options("n2"), tokenFile), AllOf(exits(78), complains("for node n1")));
  std::string good = contentOf(tokenFile);
  std::string wrong = good;
  size_t at = wrong.find(secretOf(tokenFile));
  wrong[at] = wrong[at] == '0' ? '1' : '0';
  std::ofstream(tokenFile) << wrong;
  EXPECT_THAT(enrol(options("n1"), tokenFile), AllOf(exits(77), complains("unknownToken")));
  std::ofstream(tokenFile) << good.substr(0, good.size() - 9);
  EXPECT_THAT(enrol(options("n1"), tokenFile), AllOf(exits(78), complains("cut off")));
  std::ofstream(tokenFile) << good;
  ::chmod(tokenFile.c_str(), 0644);
  EXPECT_THAT(enrol(options("n1"), tokenFile), AllOf(exits(78), complains("0600 is right")));
  ::chmod(tokenFile.c_str(), 0600);
  EXPECT_THAT(muster({"pki", "node", "n1", "--dir=" + pki_}), exits(0));
  EXPECT_THAT(enrol(options("n1"), tokenFile), AllOf(exits(77), complains("nameTaken")));
}

TEST_F(EnrolmentTest, ExistingFilesStayUnlessReplacementIsRequested) {
  std::string tokenFile = token("n1");
  serve(pki_);
  Words node = options("n1");
  std::string certificate = directory_ + "/n1/node.pem";
  std::ofstream(certificate) << "mine";
  EXPECT_THAT(enrol(node, tokenFile), AllOf(exits(73), complains("node.pem: exists already")));
  EXPECT_EQ(contentOf(certificate), "mine");
  EXPECT_THAT(muster({"pki", "tokens", "--dir=" + pki_}), prints("n1  open"));
  node.push_back("--enrol-replace");
  EXPECT_THAT(enrol(node, tokenFile), exits(0));
  EXPECT_THAT(contentOf(certificate), HasSubstr("BEGIN CERTIFICATE"));
}

}  // namespace
}  // namespace command
