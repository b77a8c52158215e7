#include "harness/provision/ssh/ssh_connection.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sstream>

#include "harness/os/command.h"
#include "harness/os/error.h"
#include "harness/os/fd.h"
#include "harness/os/files.h"
#include "harness/os/process.h"
#include "harness/os/program_path.h"
#include "harness/os/shell_words.h"
#include "harness/provision/error.h"
#include "harness/provision/ssh/host_error.h"
#include "harness/provision/ssh/host_texts.h"

namespace harness {
namespace {

constexpr std::chrono::seconds kConnectTime{45};
constexpr std::chrono::seconds kRetryTime{30};
constexpr std::chrono::seconds kControlTime{10};
constexpr std::chrono::seconds kKillTime{5};
constexpr int kPortTries = 5;
constexpr int kLooksMax = 5;

// A server that is being logged in to by many at a time refuses some of them for a moment.
bool isMomentary(const std::string& errors) {
  for (const char* words : {"kex_exchange_identification", "Connection closed by",
                            "Connection reset", "banner exchange"}) {
    if (errors.find(words) != std::string::npos) return true;
  }
  return false;
}

// Returns what has been written to the file.
std::string contentOf(int fd) {
  std::string text;
  char buffer[4096];
  while (true) {
    ssize_t count = ::pread(fd, buffer, sizeof buffer, static_cast<off_t>(text.size()));
    if (count <= 0) return text;
    text.append(buffer, static_cast<size_t>(count));
  }
}

struct Login {
  // -1: it did not end in time.
  int status = -1;
  std::string errors;
};

// Runs an ssh that leaves a process behind, which keeps the file of its errors open: a pipe would
// never end.
Login runLogin(const std::vector<std::string>& argv) {
  Fd errors(static_cast<int>(check(::memfd_create("ssh-errors", MFD_CLOEXEC), "memfd_create")));
  Fd nothing(static_cast<int>(check(::open("/dev/null", O_RDWR | O_CLOEXEC), "open /dev/null")));
  SpawnOptions options = apart(argv);
  options.input = nothing.get();
  options.output = nothing.get();
  options.errors = errors.get();
  Child ssh = spawn(options);
  std::optional<int> status = ssh.awaitEnd(after(kConnectTime));
  if (!status) ssh.endBy(after(std::chrono::seconds(0)));
  Login login;
  if (status && WIFEXITED(*status)) login.status = WEXITSTATUS(*status);
  login.errors = contentOf(errors.get());
  return login;
}

// Returns the processes in whose command line the path of a control socket stands: an ssh that is
// still logging in has no socket yet.
std::vector<pid_t> processesOf(const std::string& controlPath) {
  std::vector<pid_t> found;
  for (const std::string& name : namesIn("/proc")) {
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::string words = readIfPresent("/proc/" + name + "/cmdline");
    if (words.find(controlPath) == std::string::npos) continue;
    pid_t pid = static_cast<pid_t>(std::stol(name));
    if (pid != ::getpid()) found.push_back(pid);
  }
  return found;
}

// One process may have started another while it was looked for, so it looks again.
void endProcessesOf(const std::string& controlPath) {
  for (int looks = 0; looks < kLooksMax; ++looks) {
    std::vector<pid_t> found = processesOf(controlPath);
    if (found.empty()) break;
    for (pid_t pid : found) {
      uint64_t started = startTimeOf(pid);
      if (started != 0) killProcess(pid, started, after(kKillTime));
    }
  }
  ::unlink(controlPath.c_str());
}

// Returns a port of loopback that nobody listens at just now.
uint16_t freePort() {
  Fd socket(static_cast<int>(check(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket")));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  check(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size), "bind");
  check(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
  return ntohs(address.sin_port);
}

std::string controlDirectoryPath() {
  return "/tmp/muster-ssh-" + std::to_string(::geteuid());
}

std::string forwardText(uint16_t localPort, uint16_t port) {
  return "127.0.0.1:" + std::to_string(localPort) + ":127.0.0.1:" + std::to_string(port);
}

// Returns a script as it is to be seen in a list of processes.
std::string withoutComments(const std::string& script) {
  std::istringstream lines(script);
  std::string text;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("#")) text += line + "\n";
  }
  return text;
}

std::string withVariables(const HostScript& script) {
  std::string text = kCommonScript;
  for (const auto& [name, value] : script.variables) text += name + "=" + shellWord(value) + "\n";
  return text + script.text;
}

}  // namespace

HostAnswer::HostAnswer(const std::string& output) {
  std::istringstream stream(output);
  for (std::string line; std::getline(stream, line);) {
    size_t space = std::min(line.find(' '), line.size());
    lines_.emplace_back(line.substr(0, space), line.substr(std::min(space + 1, line.size())));
  }
}

std::string HostAnswer::value(const std::string& word) const {
  std::vector<std::string> all = values(word);
  return all.empty() ? "" : all.front();
}

std::vector<std::string> HostAnswer::values(const std::string& word) const {
  std::vector<std::string> all;
  for (const auto& [key, value] : lines_) {
    if (key == word) all.push_back(value);
  }
  return all;
}

ConfiguredHost parseConfiguredHost(const std::string& text) {
  HostAnswer answer(text);
  ConfiguredHost host;
  host.hostName = answer.value("hostname");
  host.acceptsNewKeys = answer.value("stricthostkeychecking") == "accept-new";
  for (const char* word : {"proxyjump", "proxycommand"}) {
    std::string value = answer.value(word);
    if (!value.empty() && value != "none") host.isProxied = true;
  }
  return host;
}

std::string controlDirectory() {
  std::string path = controlDirectoryPath();
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) failSystem("make " + path);
  struct stat status {};
  check(::lstat(path.c_str(), &status), "stat " + path);
  bool isOurs =
      S_ISDIR(status.st_mode) && status.st_uid == ::geteuid() && (status.st_mode & 077) == 0;
  if (isOurs) return path;
  throw ProvisionError(path +
                       " is not a directory of this user alone; remove it, it holds the "
                       "sockets of ssh's connections");
}

void removeControlDirectory() {
  ::rmdir(controlDirectoryPath().c_str());
}

SshConnection::SshConnection(SshHost host, std::string key, std::string directory)
    : host_(std::move(host)),
      key_(std::move(key)),
      directory_(directory.empty() ? "-" : std::move(directory)),
      program_(programInPath("ssh")) {
  if (program_.empty()) {
    throw ProvisionError(ProvisionError::Kind::kNotPossibleHere,
                         "ssh(1) is not installed here; install the package openssh-client");
  }
  std::string sockets = controlDirectory();
  controlPath_ = sockets + "/c" + key_;
  forwardPath_ = sockets + "/f" + key_;
}

std::vector<std::string> SshConnection::baseWords() const {
  std::vector<std::string> words = {program_};
  if (!host_.config.empty()) words.insert(words.end(), {"-F", host_.config});
  if (!host_.identity.empty()) {
    words.insert(words.end(), {"-i", host_.identity, "-o", "IdentitiesOnly=yes"});
  }
  if (!host_.user.empty()) words.insert(words.end(), {"-l", host_.user});
  if (host_.port != 0) words.insert(words.end(), {"-p", std::to_string(host_.port)});
  if (!host_.jump.empty()) words.insert(words.end(), {"-J", host_.jump});
  for (const char* option :
       {"BatchMode=yes", "ConnectTimeout=15", "RemoteCommand=none", "RequestTTY=no",
        "ForwardAgent=no", "ForwardX11=no", "PermitLocalCommand=no", "ClearAllForwardings=yes"}) {
    words.insert(words.end(), {"-o", option});
  }
  if (isConfigured_ && !configured_.acceptsNewKeys) {
    words.insert(words.end(), {"-o", "StrictHostKeyChecking=yes"});
  }
  return words;
}

const ConfiguredHost& SshConnection::configured() {
  if (isConfigured_) return configured_;
  std::vector<std::string> argv = baseWords();
  argv.insert(argv.end(), {"-G", "--", host_.host});
  CommandResult result = runCommand(argv, {.time = kControlTime});
  if (!result.succeeded()) {
    throw HostError(HostError::Kind::kUnreachable,
                    failure("reading ssh's configuration", result.errors, toString(result)));
  }
  configured_ = parseConfiguredHost(result.output);
  isConfigured_ = true;
  return configured_;
}

std::string SshConnection::failure(const std::string& step, const std::string& errors,
                                   const std::string& ending) const {
  std::string lines = lastLines(errors);
  std::string text = "host " + host_.host + ": " + step + ": " + (lines.empty() ? ending : lines);
  std::string remedy = remedyFor(errors, host_.host);
  return remedy.empty() ? text : text + "; " + remedy;
}

void SshConnection::connect() {
  configured();
  controlDirectory();
  std::vector<std::string> argv = baseWords();
  for (const char* option : {"ControlMaster=auto", "ControlPersist=60", "ServerAliveInterval=5",
                             "ServerAliveCountMax=3"}) {
    argv.insert(argv.end(), {"-o", option});
  }
  argv.insert(argv.end(), {"-S", controlPath_, "--", host_.host, "exit 0"});
  Deadline deadline = after(kRetryTime);
  Login login = runLogin(argv);
  while (login.status != 0 && isMomentary(login.errors) && millisecondsUntil(deadline) > 0) {
    waitUntil(after(std::chrono::seconds(1)), [] { return false; });
    login = runLogin(argv);
  }
  if (login.status == 0) return;
  std::string ending = login.status < 0
                           ? "ssh did not end within " + std::to_string(kConnectTime.count()) + " s"
                           : "ssh ended with status " + std::to_string(login.status);
  throw HostError(HostError::Kind::kUnreachable, failure("connecting", login.errors, ending));
}

HostAnswer SshConnection::run(const HostScript& script) const {
  std::string text = withVariables(script);
  return runShared(script, text + script.input, text.size());
}

HostAnswer SshConnection::runShared(const HostScript& script, const std::string& input,
                                    size_t scriptBytes) const {
  // The login shell may be any, so it sees words that all shells read alike. Nothing that is secret
  // or needs quotes is among them: the script comes by standard input, as exactly as dd(1) reads
  // it.
  std::string command = "exec ";
  if (host_.usesSudo) command += "sudo -n env SSH_CONNECTION=\"$SSH_CONNECTION\" ";
  command += "/bin/sh -c 'eval \"$(dd bs=1 count=" + std::to_string(scriptBytes) +
             " 2>/dev/null)\"' sh " + key_ + " " + directory_;
  for (const std::string& argument : script.arguments) command += " " + argument;
  std::vector<std::string> argv = baseWords();
  argv.insert(argv.end(),
              {"-o", "ControlMaster=no", "-S", controlPath_, "--", host_.host, command});
  CommandResult result = runCommand(argv, {.time = script.time}, input);
  HostAnswer answer(result.output);
  if (result.succeeded()) return answer;
  std::string refusal = answer.value("failure");
  if (!refusal.empty()) {
    std::string lines = lastLines(result.errors);
    throw HostError(HostError::Kind::kRefused, "host " + host_.host + ": " + script.step + ": " +
                                                   lastLines(refusal) +
                                                   (lines.empty() ? "" : " (" + lines + ")"));
  }
  bool isLost = result.ending != CommandResult::Ending::kExited || result.status == 255;
  throw HostError(isLost ? HostError::Kind::kUnreachable : HostError::Kind::kRefused,
                  failure(script.step, result.errors, toString(result)));
}

std::vector<std::string> SshConnection::forwardWords(uint16_t localPort, uint16_t port) const {
  // They speak to the process behind the control socket, so that ssh's configuration has no say.
  return {program_,  "-F",         "none",
          "-S",      forwardPath_, "-O",
          "forward", "-L",         forwardText(localPort, port),
          "--",      "x"};
}

void SshConnection::tryForward(uint16_t port) const {
  // The port here accepts connections also where the server forbids them.
  CommandResult tried =
      runCommand({program_, "-F", "none", "-o", "BatchMode=yes", "-S", forwardPath_, "-W",
                  "127.0.0.1:" + std::to_string(port), "--", "x"},
                 {.time = kControlTime});
  if (tried.succeeded() || tried.ending != CommandResult::Ending::kExited) return;
  throw HostError(HostError::Kind::kUnreachable,
                  failure("forwarding to the agent", tried.errors, toString(tried)));
}

std::vector<std::string> SshConnection::forwardLogin() const {
  std::vector<std::string> argv = baseWords();
  // It has no bound in time: the cluster's end closes it. Commands have a connection of their own,
  // whose end must not be that of this one.
  for (const char* option : {"ControlMaster=yes", "ControlPersist=no", "ServerAliveInterval=15",
                             "ServerAliveCountMax=4"}) {
    argv.insert(argv.end(), {"-o", option});
  }
  argv.insert(argv.end(), {"-S", forwardPath_, "-N", "-f", "--", host_.host});
  return argv;
}

uint16_t SshConnection::openForward(uint16_t port) const {
  closeForward();
  Login login = runLogin(forwardLogin());
  if (login.status != 0) {
    throw HostError(HostError::Kind::kUnreachable,
                    failure("connecting for the forward", login.errors, "ssh ended"));
  }
  try {
    uint16_t local = 0;
    CommandResult opened;
    // Another program may take the port meanwhile.
    for (int tries = 0; tries < kPortTries && (tries == 0 || !opened.succeeded()); ++tries) {
      local = freePort();
      opened = runCommand(forwardWords(local, port), {.time = kControlTime});
    }
    if (!opened.succeeded()) {
      throw HostError(HostError::Kind::kUnreachable,
                      failure("forwarding a port", opened.errors, toString(opened)));
    }
    tryForward(port);
    keepForward(local, port);
    return local;
  } catch (const std::exception&) {
    closeForward();
    throw;
  }
}

// Starts the process that opens the forward again.
void SshConnection::keepForward(uint16_t localPort, uint16_t port) const {
  std::vector<std::string> argv = {"/bin/sh", "-c",         withoutComments(kKeepForwardScript),
                                   "sh",      forwardPath_, forwardText(localPort, port)};
  for (const std::string& word : forwardLogin()) argv.push_back(word);
  Fd nothing(static_cast<int>(check(::open("/dev/null", O_RDWR | O_CLOEXEC), "open /dev/null")));
  SpawnOptions options = apart(argv);
  options.input = options.output = options.errors = nothing.get();
  spawn(options);
}

bool SshConnection::hasForward() const {
  return runCommand({program_, "-F", "none", "-S", forwardPath_, "-O", "check", "--", "x"},
                    {.time = kControlTime})
      .succeeded();
}

void SshConnection::close() const {
  endProcessesOf(controlPath_);
}

void SshConnection::closeForward() const {
  endProcessesOf(forwardPath_);
}

}  // namespace harness
