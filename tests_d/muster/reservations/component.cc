#include "tests_d/muster/reservations/component.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <ostream>
#include <sstream>

#include "tests_d/muster/support/shell.h"
#include "tests_d/muster/support/wait.h"

namespace reservations {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kCommandMax{60};

std::string read(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::string programs() {
  return fs::read_symlink("/proc/self/exe").parent_path();
}

std::string shellText(const std::string& person, const std::string& cluster,
                      const std::string& script) {
  return "unset MUSTER_RUN_ID MUSTER_RUN_DIR MUSTER_RESERVATION; export MUSTER_CLUSTER=" + cluster +
         " MUSTER_USER=" + person + "@test; PATH=" + programs() + ":$PATH; " + script;
}

}  // namespace

void PrintTo(const Ended& ended, std::ostream* out) {
  *out << "status " << ended.status << "\nstdout: " << ended.out << "\nstderr: " << ended.err;
}

Running::~Running() {
  killHard();
}

void Running::killHard() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

Ended Running::wait() {
  int status = 0;
  bool hasEnded = muster_tests::becomesTrue(
      [&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; }, kCommandMax);
  EXPECT_TRUE(hasEnded) << "it still runs; stderr: " << errors();
  if (!hasEnded) killHard();
  pid_ = 0;
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read(files_ + ".out"),
          errors()};
}

std::string Running::errors() const {
  return read(files_ + ".err");
}

std::string ReservationsTest::cluster_;

void ReservationsTest::SetUpTestSuite() {
  if (::geteuid() != 0) return;
  cluster_ = "rsv" + std::to_string(::getpid());
  std::string file = "/tmp/muster-" + cluster_ + ".yaml";
  std::ofstream(file) << "nodes:\n  server[1-2]: {role: server}\n";
  auto up = muster_tests::runShell(
      programs() + "/muster up --name " + cluster_ + " " + file + "; rm " + file, kCommandMax);
  ASSERT_EQ(up.exitStatus, 0) << up.output;
}

void ReservationsTest::TearDownTestSuite() {
  if (cluster_.empty()) return;
  auto down = muster_tests::runShell(programs() + "/muster down " + cluster_, kCommandMax);
  EXPECT_EQ(down.exitStatus, 0) << down.output;
  EXPECT_FALSE(fs::exists("/run/muster/" + cluster_));
}

void ReservationsTest::SetUp() {
  if (::geteuid() != 0) GTEST_SKIP() << "local nodes need root";
  char path[] = "/tmp/muster-reservations-XXXXXX";
  directory_ = ::mkdtemp(path);
}

void ReservationsTest::TearDown() {
  if (directory_.empty()) return;
  // Whatever still waits for a file ends.
  fs::remove_all(directory_);
  EXPECT_TRUE(muster_tests::becomesTrue(
      [this] {
        return muster("nobody", "reservations --json").out.find("\"state\"") == std::string::npos;
      },
      kWaitMax))
      << muster("nobody", "why").out;
}

Ended ReservationsTest::muster(const std::string& person, const std::string& words) const {
  std::string files = directory_ + "-" + person;
  auto text = "(" + shellText(person, cluster_, "exec muster " + words) + ") >" + files +
              ".out 2>" + files + ".err";
  int status = muster_tests::runShell(text, kCommandMax).exitStatus;
  Ended ended{status, read(files + ".out"), read(files + ".err")};
  fs::remove(files + ".out");
  fs::remove(files + ".err");
  return ended;
}

std::unique_ptr<Running> ReservationsTest::start(const std::string& person,
                                                 const std::string& words) {
  return startScript(person, "exec muster " + words);
}

std::unique_ptr<Running> ReservationsTest::startScript(const std::string& person,
                                                       const std::string& script) {
  std::string files = directory_ + "/" + person + std::to_string(++started_);
  std::string text = shellText(person, cluster_, script);
  std::string out = files + ".out";
  std::string err = files + ".err";
  pid_t pid = ::fork();
  if (pid != 0) return std::make_unique<Running>(pid, files);
  ::dup2(::open("/dev/null", O_RDONLY), 0);
  ::dup2(::open(out.c_str(), O_WRONLY | O_CREAT, 0600), 1);
  ::dup2(::open(err.c_str(), O_WRONLY | O_CREAT, 0600), 2);
  ::execl("/bin/sh", "sh", "-c", text.c_str(), nullptr);
  ::_exit(127);
}

std::string ReservationsTest::untilThere(const std::string& name) const {
  return "while [ -d " + directory_ + " ] && [ ! -e " + directory_ + "/" + name +
         " ]; do sleep 0.05; done";
}

void ReservationsTest::put(const std::string& name) const {
  std::ofstream(directory_ + "/" + name) << "";
}

std::string ReservationsTest::contentOf(const std::string& name) const {
  return read(directory_ + "/" + name);
}

bool ReservationsTest::becomesSo(const std::string& text) const {
  return muster_tests::becomesTrue(
      [&] { return muster("nobody", "why server1").out.find(text) != std::string::npos; },
      kWaitMax);
}

}  // namespace reservations
