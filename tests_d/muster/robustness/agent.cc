#include "tests_d/muster/robustness/agent.h"

#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "tests_d/muster/robustness/call_control.h"
#include "tests_d/muster/robustness/loop_watch.h"
#include "tests_d/muster/robustness/residue.h"

namespace robustness {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

constexpr auto kStartMax = 10s;

// Returns a port that is free now. The agent takes it at once, so another program hardly can.
uint16_t freePort() {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  bool known = fd >= 0 && bind(fd, generic, size) == 0 && getsockname(fd, generic, &size) == 0;
  if (fd >= 0) close(fd);
  if (!known) throw std::runtime_error("no free port");
  return ntohs(address.sin_port);
}

bool listens(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bool ok = fd >= 0 && connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  if (fd >= 0) close(fd);
  return ok;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (const std::string& text : texts) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

std::string lastLines(const std::string& path) {
  std::ifstream stream(path);
  std::ostringstream text;
  text << stream.rdbuf();
  std::string all = text.str();
  return path + ":\n" + (all.size() > 2000 ? "…" + all.substr(all.size() - 2000) : all);
}

}  // namespace

struct Agent::Launch {
  std::vector<std::string> argv;
  std::vector<std::string> environment;
  std::string log;
  std::optional<uint64_t> descriptorsMax;
  std::string mountPoint;
  std::string mountOptions;
  std::string getent;
  bool ownNetwork = false;
};

namespace {

bool loopbackUp() {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::strncpy(request.ifr_name, "lo", sizeof(request.ifr_name) - 1);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  return fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &request) == 0;
}

}  // namespace

// Runs in the child, between fork and exec, and therefore makes system calls only.
void Agent::become(const Launch& launch, char** argv, char** environment, int log) {
  dup2(log, 1);
  dup2(log, 2);
  setsid();
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (launch.descriptorsMax) {
    rlimit limit{*launch.descriptorsMax, *launch.descriptorsMax};
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  if (!launch.mountPoint.empty() &&
      (unshare(CLONE_NEWNS) != 0 ||
       mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
       mount("tmpfs", launch.mountPoint.c_str(), "tmpfs", 0, launch.mountOptions.c_str()) != 0)) {
    _exit(126);
  }
  if (!launch.getent.empty() &&
      (unshare(CLONE_NEWNS) != 0 ||
       mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
       mount(launch.getent.c_str(), "/usr/bin/getent", nullptr, MS_BIND, nullptr) != 0)) {
    _exit(126);
  }
  if (launch.ownNetwork && (unshare(CLONE_NEWNET) != 0 || !loopbackUp())) _exit(126);
  execve(argv[0], argv, environment);
  _exit(127);
}

pid_t Agent::launched(const Launch& launch) {
  std::vector<char*> argv = pointers(launch.argv);
  std::vector<char*> environment = pointers(launch.environment);
  int log = open(launch.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (log < 0) throw std::runtime_error("cannot write " + launch.log);
  pid_t pid = fork();
  if (pid == 0) become(launch, argv.data(), environment.data(), log);
  close(log);
  if (pid < 0) throw std::runtime_error("cannot fork");
  return pid;
}

std::string programDirectory() {
  return fs::read_symlink("/proc/self/exe").parent_path();
}

Agent::Agent(Options options) : options_(std::move(options)) {
  frontSocket_ = options_.directory + "/front.sock";
  keeperSocket_ = options_.directory + "/keeper.sock";
  stateDirectory_ = options_.directory + "/state";
  spoolDirectory_ = stateDirectory_ + "/spool";
  frontPort_ = freePort();
  if (!options_.tlsCertificate.empty()) frontTlsPort_ = freePort();
  fs::create_directories(spoolDirectory_);
  for (const std::string& directory : {options_.directory, stateDirectory_, spoolDirectory_}) {
    fs::permissions(directory, fs::perms::owner_all);
  }
  try {
    start(Part::kKeeper);
    start(Part::kFront);
    awaitListening();
  } catch (...) {
    // The destructor of an object that was never complete does not run.
    kill(Part::kFront);
    kill(Part::kKeeper);
    throw;
  }
}

Agent::~Agent() {
  kill(Part::kFront);
  kill(Part::kKeeper);
}

void Agent::start(Part part) {
  pid_t& pid = part == Part::kFront ? front_ : keeper_;
  if (pid == 0) pid = launched(launchOf(part));
}

Agent::Launch Agent::launchOf(Part part) const {
  Launch launch;
  bool front = part == Part::kFront;
  const std::string& calls = front ? options_.frontCalls : options_.keeperCalls;
  bool isPlain = calls.empty() && (front || options_.keeperLoop.empty());
  std::string program = isPlain ? "/nodeagent" : "/muster-test-agent";
  for (char** item = environ; *item; ++item) launch.environment.push_back(*item);
  if (!calls.empty()) launch.environment.push_back(std::string(kCallsVariable) + "=" + calls);
  if (!front && !options_.keeperLoop.empty())
    launch.environment.push_back(std::string(kLoopVariable) + "=" + options_.keeperLoop);
  if (!front) launch.getent = options_.getent;
  launch.argv = {programDirectory() + program,       front ? "--role=front" : "--role=keeper",
                 "--node-name=" + options_.nodeName, "--keeper-socket=" + keeperSocket_,
                 "--state-dir=" + stateDirectory_,   "--front-user="};
  if (front) {
    launch.argv.push_back("--listen=unix:" + frontSocket_);
    launch.argv.push_back("--listen=tcp:127.0.0.1:" + std::to_string(frontPort_));
  }
  if (front && frontTlsPort_ != 0) {
    launch.argv.push_back("--listen=tls:127.0.0.1:" + std::to_string(frontTlsPort_));
    launch.argv.push_back("--tls-authority=" + options_.tlsAuthority);
    launch.argv.push_back("--tls-certificate=" + options_.tlsCertificate);
    launch.argv.push_back("--tls-key=" + options_.tlsKey);
    launch.argv.push_back("--tls-denied=" + options_.tlsDenied);
  }
  if (!front && !options_.keeperConfig.empty())
    launch.argv.push_back("--config=" + options_.keeperConfig);
  if (!front && options_.audit) launch.argv.push_back("--audit-log=" + auditLog());
  launch.ownNetwork = front && options_.ownNetwork;
  launch.log = options_.directory + (front ? "/front.log" : "/keeper.log");
  launch.descriptorsMax = front ? options_.frontDescriptorsMax : options_.keeperDescriptorsMax;
  if (front || (!options_.spoolBytesMax && !options_.stateBytesMax)) return launch;
  bool all = options_.stateBytesMax.has_value();
  launch.mountPoint = all ? stateDirectory_ : spoolDirectory_;
  launch.mountOptions =
      "mode=0700,size=" + std::to_string(all ? *options_.stateBytesMax : *options_.spoolBytesMax);
  return launch;
}

void Agent::awaitListening() {
  if (becomesTrue([this] { return listens(frontSocket_); }, kStartMax)) return;
  throw std::runtime_error("the agent does not listen after 10 s\n" + logs());
}

void Agent::reap(pid_t& pid) {
  if (pid == 0) return;
  int status = 0;
  waitpid(pid, &status, 0);
  pid = 0;
}

void Agent::signal(Part part, int number) {
  pid_t& pid = part == Part::kFront ? front_ : keeper_;
  if (pid == 0) return;
  ::kill(pid, number);
  if (number == SIGKILL || number == SIGTERM) reap(pid);
}

void Agent::kill(Part part) {
  signal(part, SIGKILL);
}

bool Agent::alive(Part part) {
  pid_t& pid = part == Part::kFront ? front_ : keeper_;
  if (pid == 0) return false;
  int status = 0;
  if (waitpid(pid, &status, WNOHANG) != pid) return true;
  pid = 0;
  end_ = (part == Part::kFront ? "front: " : "keeper: ") +
         (WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                              : "exit status " + std::to_string(WEXITSTATUS(status)));
  return false;
}

std::string Agent::logs() const {
  return lastLines(options_.directory + "/keeper.log") + "\n" +
         lastLines(options_.directory + "/front.log");
}

}  // namespace robustness
