#include "bench/muster/agents.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "schema/support/tls/pki.h"

namespace bench {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kTlsPort = 7611;
constexpr std::chrono::seconds kStartMax{30};
constexpr std::chrono::seconds kEndMax{10};

std::string contentOf(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void store(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
  file << text;
}

pid_t parentOf(const std::string& process) {
  std::string status = contentOf("/proc/" + process + "/stat");
  auto at = status.rfind(") ");
  return at == std::string::npos ? 0 : atoi(status.c_str() + at + 4);
}

bool ended(pid_t pid) {
  return waitpid(pid, nullptr, WNOHANG) != 0;
}

}  // namespace

Agents::Agents(size_t count) : owner_(getpid()) {
  std::string pattern = (fs::exists("/dev/shm") ? "/dev/shm" : "/tmp");
  pattern += "/muster-bench-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) {
    throw std::system_error(errno, std::generic_category(), "mkdtemp " + pattern);
  }
  directory_ = pattern;
  makeCertificates(count);
  for (size_t i = 0; i < count; ++i) pids_.push_back(start(i));
  for (size_t i = 0; i < count; ++i) awaitListening(i);
}

Agents::~Agents() {
  if (getpid() != owner_) return;
  for (size_t i = 0; i < pids_.size(); ++i) thaw(i);
  for (pid_t pid : pids_) kill(pid, SIGTERM);
  auto until = std::chrono::steady_clock::now() + kEndMax;
  for (pid_t pid : pids_) {
    while (!ended(pid)) {
      if (std::chrono::steady_clock::now() > until) kill(pid, SIGKILL);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  std::error_code ignored;  // The directory is a temporary one.
  fs::remove_all(directory_, ignored);
}

void Agents::makeCertificates(size_t count) const {
  auto authority = support::Authority::make("bench");
  store(directory_ + "/authority.pem", authority.certificate());
  auto storePair = [this](const std::string& name, const support::KeyPair& pair) {
    store(directory_ + "/" + name + ".pem", pair.certificate);
    store(directory_ + "/" + name + ".key", pair.key);
  };
  storePair("client", authority.issueClient("operator:bench"));
  for (size_t i = 0; i < count; ++i) storePair(nameOf(i), authority.issueNode(nameOf(i)));
}

pid_t Agents::start(size_t index) const {
  std::string own = directory_ + "/" + nameOf(index) + ".d";
  fs::create_directories(own);
  std::string program = fs::read_symlink("/proc/self/exe").parent_path().string() + "/nodeagent";
  std::string common = directory_ + "/" + nameOf(index);
  std::vector<std::string> words = {
      program,
      "--node-name=" + nameOf(index),
      "--state-dir=" + own,
      "--pidfile=" + own + "/agent.pid",
      "--audit-log=" + own + "/audit.log",
      "--log-level=warning",
      "--front-user=",
      "--tls-authority=" + directory_ + "/authority.pem",
      "--tls-certificate=" + common + ".pem",
      "--tls-key=" + common + ".key",
      "--listen=tls:" + addressOf(index) + ":" + std::to_string(kTlsPort)};
  if (index == 0) {
    words.push_back("--listen=tcp:" + addressOf(index) + ":" + std::to_string(kTlsPort + 1));
    words.push_back("--listen=unix:" + own + "/agent.sock");
  }
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::string log = own + "/log";
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t pid = -1;
  int error = posix_spawn(&pid, program.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::system_error(error, std::generic_category(), "start " + program);
  return pid;
}

void Agents::awaitListening(size_t index) const {
  std::string own = directory_ + "/" + nameOf(index) + ".d";
  auto until = std::chrono::steady_clock::now() + kStartMax;
  while (!fs::exists(own + "/agent.pid")) {
    if (std::chrono::steady_clock::now() > until || ended(pids_[index])) {
      throw std::runtime_error("the agent does not listen: " + contentOf(own + "/log"));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

harness::NodeDescription Agents::node(size_t index, Transport transport) const {
  harness::NodeDescription node;
  node.name = nameOf(index);
  if (transport == Transport::kUnix) {
    node.route.endpoint =
        support::Endpoint::parse("unix:" + directory_ + "/" + nameOf(index) + ".d/agent.sock");
    return node;
  }
  bool plain = transport == Transport::kTcp;
  node.route.endpoint = support::Endpoint::parse((plain ? "tcp:" : "tls:") + addressOf(index) +
                                                 ":" + std::to_string(kTlsPort + (plain ? 1 : 0)));
  if (!plain) {
    node.route.tls = {directory_ + "/authority.pem", directory_ + "/client.pem",
                      directory_ + "/client.key"};
  }
  return node;
}

std::vector<harness::NodeDescription> Agents::nodes(size_t count) const {
  std::vector<harness::NodeDescription> found;
  for (size_t i = 0; i < count; ++i) found.push_back(node(i, Transport::kTls));
  return found;
}

void Agents::signalBoth(size_t index, int signal) const {
  kill(pids_.at(index), signal);
  for (const auto& entry : fs::directory_iterator("/proc")) {
    std::string name = entry.path().filename();
    if (atoi(name.c_str()) > 0 && parentOf(name) == pids_[index]) kill(atoi(name.c_str()), signal);
  }
}

void Agents::freeze(size_t index) {
  signalBoth(index, SIGSTOP);
}

void Agents::thaw(size_t index) {
  signalBoth(index, SIGCONT);
}

}  // namespace bench
