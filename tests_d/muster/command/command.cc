#include "tests_d/muster/command/command.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <sstream>

#include "tests_d/muster/support/wait.h"

namespace command {
namespace {

namespace fs = std::filesystem;

std::string contentOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

struct Files {
  std::string in = "/dev/null", out = "/dev/null", err = "/dev/null";
};

pid_t spawn(const std::string& program, const std::vector<std::string>& arguments,
            const Files& files) {
  std::string path = fs::read_symlink("/proc/self/exe").parent_path() / program;
  std::vector<char*> argv = {path.data()};
  std::vector<std::string> copy = arguments;
  for (std::string& argument : copy) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_t pid = ::fork();
  if (pid != 0) return pid;
  // Whoever started this program may have had signals ignored, as nohup(1) does.
  for (int number : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE}) ::signal(number, SIG_DFL);
  ::dup2(::open(files.in.c_str(), O_RDONLY), 0);
  ::dup2(::open(files.out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 1);
  ::dup2(::open(files.err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 2);
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

}  // namespace

void PrintTo(const Ended& ended, std::ostream* out) {
  *out << "status " << ended.status << "\nstdout: " << ended.out << "\nstderr: " << ended.err;
}

Ended runProgram(const std::string& program, const std::vector<std::string>& arguments,
                 const std::string& input) {
  char pattern[] = "/tmp/muster-command-XXXXXX";
  std::string directory = ::mkdtemp(pattern);
  Files files{directory + "/in", directory + "/out", directory + "/err"};
  std::ofstream(files.in) << input;
  pid_t pid = spawn(program, arguments, files);
  int status = 0;
  rusage usage{};
  ::wait4(pid, &status, 0, &usage);
  Ended ended{WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
              contentOf(files.out), contentOf(files.err), int64_t{usage.ru_maxrss} * 1024};
  fs::remove_all(directory);
  return ended;
}

pid_t startProgram(const std::string& program, const std::vector<std::string>& arguments) {
  return spawn(program, arguments, {});
}

std::string leftoversOf(const std::string& cluster) {
  std::string found;
  for (const char* root : {"/run/muster/", "/var/lib/muster/", "/sys/fs/cgroup/muster/",
                           "/sys/fs/cgroup/unified/muster/"}) {
    if (fs::exists(root + cluster)) found += "directory " + (root + cluster) + "\n";
  }
  std::string mark = "/muster/" + cluster + "/";
  for (const auto& process : fs::directory_iterator("/proc")) {
    if (contentOf(process.path() / "mountinfo").find(mark) == std::string::npos) continue;
    found += "process " + process.path().filename().string() + "\n";
  }
  return found;
}

pid_t hubOf(const std::string& cluster) {
  pid_t pid = 0;
  // Tests kill it some milliseconds after it began.
  muster_tests::becomesTrue(
      [&] {
        std::istringstream(contentOf("/run/muster/" + cluster + "/hub.pid")) >> pid;
        return pid != 0;
      },
      std::chrono::seconds(5), std::chrono::milliseconds(1));
  return pid;
}

FrozenNode::FrozenNode(const std::string& cluster, const std::string& node) {
  for (const char* root : {"/sys/fs/cgroup/muster/", "/sys/fs/cgroup/unified/muster/"}) {
    std::string directory = root + cluster + "/" + node;
    if (!fs::exists(directory)) continue;
    control_ = directory + "/cgroup.freeze";
    std::ofstream(control_) << "1";
    muster_tests::becomesTrue(
        [&] {
          return contentOf(directory + "/cgroup.events").find("frozen 1") != std::string::npos;
        },
        std::chrono::seconds(5), std::chrono::milliseconds(1));
  }
  EXPECT_NE(control_, "") << "node " << node << " has no control group";
}

FrozenNode::~FrozenNode() {
  std::ofstream(control_) << "0";
}

void OwnClusterTest::SetUp() {
  if (::geteuid() != 0) GTEST_SKIP() << "local nodes need root";
  cluster_ = "p" + std::to_string(::getpid());
  directory_ = "/tmp/muster-" + cluster_;
  fs::create_directory(directory_);
}

void OwnClusterTest::TearDown() {
  if (cluster_.empty()) return;
  muster({"down", cluster_});
  EXPECT_EQ(leftoversOf(cluster_), "");
  fs::remove_all(directory_);
}

std::string OwnClusterTest::file(const std::string& nodes) const {
  std::string path = directory_ + "/" + cluster_ + ".yaml";
  std::ofstream(path) << "nodes:\n" << nodes;
  return path;
}

Ended OwnClusterTest::muster(std::vector<std::string> arguments, const std::string& input) const {
  return runProgram("muster", arguments, input);
}

Ended OwnClusterTest::onCluster(const std::string& command, std::vector<std::string> arguments,
                                const std::string& input) const {
  arguments.insert(arguments.begin(), {command, "--cluster", cluster_});
  return muster(std::move(arguments), input);
}

}  // namespace command
