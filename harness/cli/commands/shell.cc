// shell: a terminal on a node.
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <iostream>
#include <thread>

#include "harness/cli/arguments.h"
#include "harness/cli/clusters.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/connections.h"
#include "harness/cli/options.h"
#include "harness/cli/output.h"
#include "harness/os/fd.h"
#include "harness/rpc/job/jobs.h"

namespace harness {
namespace {

constexpr DurationOption kShellConnectTimeout = connectTimeoutOption("10s");

constexpr std::chrono::hours kSessionMax{24};
constexpr std::chrono::seconds kCallTime{10};

std::chrono::steady_clock::time_point soon() {
  return std::chrono::steady_clock::now() + kCallTime;
}

TerminalSize terminalSize() {
  TerminalSize size;
  winsize window{};
  if (::ioctl(STDIN_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0) {
    size.columns = window.ws_col;
    size.rows = window.ws_row;
  }
  if (const char* type = std::getenv("TERM")) size.type = type;
  return size;
}

// While it lives, every key goes to the node, and none is acted on here.
class RawTerminal {
 public:
  RawTerminal() {
    if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios raw = before_;
    ::cfmakeraw(&raw);
    changed_ = ::tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
  }
  ~RawTerminal() {
    if (changed_) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
  }
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;

 private:
  termios before_{};
  bool changed_ = false;
};

// Passes standard input on until it ends or `ended` is readable. Runs in a thread of its own.
void forwardInput(rpc::Job& job, int ended, int resized) {
  char buffer[16384];
  while (true) {
    pollfd watched[] = {{STDIN_FILENO, POLLIN, 0}, {ended, POLLIN, 0}, {resized, POLLIN, 0}};
    if (::poll(watched, 3, -1) < 0) continue;
    try {
      if (watched[1].revents != 0) return;
      if (watched[2].revents != 0) {
        signalfd_siginfo info;
        if (::read(resized, &info, sizeof info) > 0) {
          TerminalSize size = terminalSize();
          job.resize(size.columns, size.rows, soon());
        }
      }
      if (watched[0].revents == 0) continue;
      ssize_t count = ::read(STDIN_FILENO, buffer, sizeof buffer);
      if (count <= 0) {
        job.closeInput(soon());
        return;
      }
      job.writeInput(std::string(buffer, static_cast<size_t>(count)), soon());
    } catch (const muster::NodeError& error) {
      // A lost key is typed again. The thread that reads the output sees whether the shell still
      // runs.
      if (error.kind() != muster::NodeError::Kind::kUnreachable) return;
    }
  }
}

int follow(rpc::Job& job) {
  size_t shown = 0;
  while (true) {
    job.pull(PullUntil::kChange, std::chrono::steady_clock::now() + std::chrono::seconds(20));
    const std::string& out = job.result().out;
    writeOutput(std::string_view(out).substr(shown));
    shown = out.size();
    if (job.ended()) break;
  }
  const muster::Outcome& outcome = job.result().outcome;
  if (outcome.kind() == muster::Outcome::Kind::kExited) return outcome.exitStatus();
  std::cerr << "\r\nmuster shell: " << job.node() << ": " << muster::toString(outcome) << "\r\n";
  return outcome.kind() == muster::Outcome::Kind::kSignalled ? 128 + outcome.signal()
                                                             : kExitUnavailable;
}

// Makes changes of the terminal's size readable. Call it before any thread is made, because a
// signal that one thread does not block is lost.
Fd watchResizes() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGWINCH);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return Fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

// Reads in this thread and writes in another. The pipe wakes the writer when the shell has ended:
// it would otherwise wait for a key that nobody needs to press.
int converse(ControllerNode& node, const JobRequest& request, const Fd& resized) {
  rpc::Job job = rpc::Jobs(node).start(request, soon());
  RawTerminal terminal;
  Pipe ended = makePipe();
  std::thread input(
      [&job, &ended, &resized] { forwardInput(job, ended.readEnd.get(), resized.get()); });
  int status = kExitUnavailable;
  try {
    status = follow(job);
  } catch (...) {
    ended.writeEnd.reset();
    input.join();
    throw;
  }
  ended.writeEnd.reset();
  input.join();
  job.release();
  return status;
}

constexpr char kNotes[] = R"(Without a terminal, standard input is the shell's script.

Exit status: the shell's; 69 if the node could not be reached.
)";

int run(const Arguments& arguments) {
  std::string set = arguments.word(0);
  std::string runId = chooseRunId(arguments[kRunId]);
  ClusterDescription cluster = clusterOf(arguments[kCluster]);
  std::vector<NodeDescription> nodes = chooseNodes(cluster, set);
  if (nodes.size() != 1) {
    throw CommandError(kExitData, "\"" + set + "\" is " + std::to_string(nodes.size()) +
                                      " nodes; a shell is opened on one");
  }
  JobRequest request;
  request.argv = {"/bin/sh", "-c", "exec \"${SHELL:-/bin/sh}\" -l"};
  request.options.deadline = kSessionMax;
  request.options.user = arguments[kUser];
  request.options.stderrTo = muster::StderrTo::kStdout;
  request.options.environment["TERM"] = terminalSize().type;
  request.input = JobInput::kStream;
  if (::isatty(STDIN_FILENO) != 0) request.terminal = terminalSize();
  Fd resized = watchResizes();
  Connections connections(nodes, runId);
  ControllerNode& node = *connections.nodes()[0];
  try {
    node.awaitConnected(std::chrono::steady_clock::now() + arguments[kShellConnectTimeout]);
    return converse(node, request, resized);
  } catch (const muster::NodeError& error) {
    throw CommandError(kExitUnavailable, error.what());
  }
}

}  // namespace

const Command kShell = {
    .name = "shell",
    .usage = "NODE",
    .summary = "open a shell on a node",
    .options =
        [] {
          return OptionList{&kCluster, &kShellConnectTimeout, &kUser, &kRunId};
        },
    .run = run,
    .wordsLeast = 1,
    .wordsMost = 1,
    .completes = WordKind::kNodes,
    .notes = kNotes,
};

}  // namespace harness
