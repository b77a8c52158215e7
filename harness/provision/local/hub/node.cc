#include "harness/provision/local/hub/node.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "harness/os/error.h"
#include "harness/os/files.h"
#include "harness/provision/local/hub/error.h"
#include "harness/provision/local/hub/rootfs.h"

namespace harness {
namespace {

constexpr std::chrono::seconds kKillTime{10};

void redirectOutput(const std::string& console) {
  Fd input(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  Fd output(::open(console.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!input || !output) failSystem("open " + console);
  check(::dup2(input.get(), 0), "dup2");
  check(::dup2(output.get(), 1), "dup2");
  check(::dup2(output.get(), 2), "dup2");
}

// Resets the signals, whose state the node would inherit from the hub. The C library's own call
// refuses the two that it has for itself, which the caller may have handed on ignored.
void resetSignals() {
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  // All zero is the kernel's form of SIG_DFL.
  constexpr size_t kSetBytes = 8;
  const uint64_t standard[4] = {};
  for (int number = 1; number < NSIG; ++number) {
    ::syscall(SYS_rt_sigaction, number, standard, nullptr, kSetBytes);
  }
}

// Gives the node the limits of a machine's process 1, as Linux and systemd set them, in place of
// the caller's. Without the right to raise a hard limit, the caller's stays.
void resetLimits() {
  constexpr rlim_t kNone = RLIM_INFINITY;
  constexpr struct {
    __rlimit_resource resource;
    rlimit limit;
  } kLimits[] = {{RLIMIT_CORE, {0, kNone}},       {RLIMIT_CPU, {kNone, kNone}},
                 {RLIMIT_DATA, {kNone, kNone}},   {RLIMIT_FSIZE, {kNone, kNone}},
                 {RLIMIT_AS, {kNone, kNone}},     {RLIMIT_STACK, {8 << 20, kNone}},
                 {RLIMIT_NOFILE, {1024, 524288}}, {RLIMIT_NPROC, {kNone, kNone}},
                 {RLIMIT_NICE, {0, 0}},           {RLIMIT_RTPRIO, {0, 0}}};
  for (const auto& [resource, wanted] : kLimits) {
    if (::setrlimit(resource, &wanted) == 0) continue;
    rlimit limit{};
    if (::getrlimit(resource, &limit) != 0) continue;
    limit.rlim_cur = std::min(wanted.rlim_cur, limit.rlim_max);
    ::setrlimit(resource, &limit);
  }
}

void configureNetwork(const NodeSpec& spec) {
  // A test that takes the link down and up again expects a node that is the same afterwards, as
  // with IPv4. A kernel without IPv6 has no such file.
  std::ofstream("/proc/sys/net/ipv6/conf/all/keep_addr_on_down") << "1";
  Netlink netlink;
  netlink.setUp(netlink.indexOf("lo"));
  int index = netlink.indexOf("eth0");
  for (const std::string& address : spec.addresses) netlink.addAddress(index, address);
  netlink.setUp(index);
}

std::vector<char*> pointersTo(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

std::string describeStatus(int status) {
  if (WIFEXITED(status)) return "exited with status " + std::to_string(WEXITSTATUS(status));
  return "was killed by signal " + std::to_string(WTERMSIG(status));
}

}  // namespace

HubNode::HubNode(const NodeSpec& spec, const HubSpec& cluster, const ClusterPaths& paths,
                 int number)
    : spec_(spec), cluster_(cluster), paths_(paths), number_(number) {}

void HubNode::fail(const std::string& detail) const {
  throw HubError(detail, spec_.name);
}

// Clones process 1 into its namespaces and, where there are groups, straight into its group, so
// that no process of the node is ever outside of it. It waits on `go` for its link; `report` brings
// the error of a start that fails, and closes by itself with a successful exec.
void HubNode::begin() {
  makeDirectories(paths_.disk(spec_.name), 0700);
  makeDirectories(paths_.node(spec_.name), 0755);
  // An earlier start may have left these, and they would tell that the node is ready.
  for (const std::string& name : {spec_.ready, spec_.bootStatus}) {
    if (!name.empty()) ::unlink(inDirectory(name).c_str());
  }
  Pipe go = makePipe();
  Pipe report = makePipe();
  clone_args arguments{};
  int handle = -1;
  arguments.flags =
      CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_PIDFD;
  arguments.pidfd = reinterpret_cast<uint64_t>(&handle);
  arguments.exit_signal = SIGCHLD;
  Fd group;
  if (!paths_.groups.empty()) {
    Cgroup node(paths_.group(spec_.name));
    node.make();
    group = node.open();
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = static_cast<uint64_t>(group.get());
  }
  auto pid = static_cast<pid_t>(::syscall(SYS_clone3, &arguments, sizeof arguments));
  if (pid < 0) fail(std::string("clone: ") + std::strerror(errno));
  if (pid == 0) {
    go.writeEnd.reset();
    becomeInit(std::move(go.readEnd), std::move(report.writeEnd));
  }
  pid_ = pid;
  process_ = Fd(handle);
  go_ = std::move(go.writeEnd);
  report_ = std::move(report.readEnd);
  frozen_ = false;
  ending_.clear();
  // Groups hold all processes that are to be ended; without them, process 1 is noted.
  if (paths_.groups.empty()) recordNode(paths_.cluster, spec_.name, pid);
}

// Runs in the new process and turns it into the node's process 1. The root comes before the wait
// for the link, since it takes the most time and needs no network; capabilities are dropped last,
// because the steps before need them.
void HubNode::becomeInit(Fd go, Fd report) {
  try {
    // The hub's end is the node's end. An end of the hub before this line closes `go`.
    check(::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0), "prctl");
    ::setsid();
    ::umask(022);
    resetSignals();
    resetLimits();
    redirectOutput(console());
    bool groups = !paths_.groups.empty();
    if (groups) check(::unshare(CLONE_NEWCGROUP), "unshare the cgroup namespace");
    check(::sethostname(spec_.name.c_str(), spec_.name.size()), "sethostname");
    enterRoot(spec_, cluster_.files, {paths_.disk(spec_.name), paths_.node(spec_.name), groups});
    char byte = 0;
    // No byte means that the hub is gone.
    if (::read(go.get(), &byte, 1) != 1) ::_exit(1);
    configureNetwork(spec_);
    dropCapabilities(spec_.capabilities);
    std::vector<char*> argv = pointersTo(spec_.argv);
    std::vector<char*> environment = pointersTo(spec_.environment);
    ::execve(argv[0], argv.data(), environment.data());
    failSystem("execute " + spec_.argv[0]);
  } catch (const std::exception& error) {
    std::string text = error.what();
    if (::write(report.get(), text.data(), text.size()) < 0) ::_exit(126);
  }
  ::_exit(127);
}

void HubNode::connect(Netlink& netlink, int bridgeIndex) {
  try {
    netlink.makePair(linkName(), bridgeIndex, pid_,
                     macAddressOf(cluster_.cluster, spec_.addresses, number_));
    writeAll(go_.get(), "g", "to process 1");
  } catch (const SystemError& error) {
    // If process 1 has already given up, its own reason is the better one.
    go_.reset();
    finish(after(kKillTime));
    fail(error.what());
  }
}

void HubNode::finish(Deadline deadline) {
  std::string text;
  char buffer[1024];
  while (true) {
    pollfd readable{report_.get(), POLLIN, 0};
    int count = ::poll(&readable, 1, millisecondsUntil(deadline));
    if (count < 0 && errno == EINTR) continue;
    if (count == 0) fail("process 1 was not started in time");
    ssize_t size = ::read(report_.get(), buffer, sizeof buffer);
    if (size <= 0) break;
    text.append(buffer, static_cast<size_t>(size));
  }
  report_.reset();
  go_.reset();
  if (!text.empty()) fail(text);
}

bool HubNode::listens() const {
  if (spec_.ready.empty()) return true;
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::string path = inDirectory(spec_.ready);
  if (path.size() >= sizeof address.sun_path) {
    fail("the path " + path + " is too long for a socket");
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return ::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
}

bool HubNode::ready() const {
  if (!listens()) return false;
  if (spec_.bootStatus.empty()) return true;
  std::string status = readIfPresent(inDirectory(spec_.bootStatus));
  if (status.empty()) return false;
  if (status == "exit 0\n") return true;
  status.pop_back();
  fail("its boot commands ended with \"" + status + "\"" + evidence());
}

std::string HubNode::evidence() const {
  std::string text;
  std::string log = spec_.bootLog.empty() ? "" : tailOf(inDirectory(spec_.bootLog), 500);
  if (!log.empty()) text += "; its boot log ends with: " + log;
  log = tailOf(console(), 500);
  if (!log.empty()) text += "; its console ends with: " + log;
  return text.empty() ? "; it wrote nothing" : text;
}

void HubNode::kill() {
  if (pid_ <= 0) return;
  ::syscall(SYS_pidfd_send_signal, process_.get(), SIGKILL, nullptr, 0);
}

void HubNode::reap(Link link, Group group, Netlink& netlink) {
  if (pid_ > 0) {
    pollfd ended{process_.get(), POLLIN, 0};
    if (::poll(&ended, 1, millisecondsUntil(after(kKillTime))) == 0)
      fail("does not end after SIGKILL");
    ::waitpid(pid_, nullptr, 0);
  }
  pid_ = 0;
  process_.reset();
  go_.reset();
  report_.reset();
  frozen_ = false;
  if (group == Group::kRemove && !paths_.groups.empty())
    Cgroup(paths_.group(spec_.name)).removeWithProcesses(after(kKillTime));
  // The namespace goes some time later, by itself, but the link must be gone before the next start.
  if (link == Link::kRemove) netlink.removeLink(linkName());
}

void HubNode::powerOff(Netlink& netlink) {
  kill();
  reap(Link::kRemove, Group::kRemove, netlink);
}

void HubNode::ended(int status, Group group, Netlink& netlink) {
  pid_ = 0;
  ending_ = "process 1 " + describeStatus(status);
  reap(Link::kRemove, group, netlink);
}

void HubNode::freeze() {
  if (paths_.groups.empty()) {
    throw HubError("freeze: no writable cgroup2 file system is mounted", spec_.name,
                   HubError::Kind::kUnsupported);
  }
  if (!running()) fail("freeze: the node is off");
  Cgroup(paths_.group(spec_.name)).freeze(after(kKillTime));
  frozen_ = true;
}

void HubNode::thaw() {
  if (!running() || !frozen_) return;
  Cgroup(paths_.group(spec_.name)).thaw(after(kKillTime));
  frozen_ = false;
}

}  // namespace harness
