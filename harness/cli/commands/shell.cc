// shell: a terminal on a node.
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "harness/cli/arguments.h"
#include "harness/cli/clusters.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/connections.h"
#include "harness/cli/converse.h"
#include "harness/cli/options.h"
#include "harness/cli/output.h"
#include "harness/os/fd.h"
#include "harness/rpc/job/job_group.h"

namespace harness {
namespace {

constexpr DurationOption kShellConnectTimeout = connectTimeoutOption("10s");

constexpr std::chrono::hours kSessionMax{24};

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

// Makes changes of the terminal's size readable. Call it before any thread is made, because a
// signal that one thread does not block is lost.
Fd watchResizes() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGWINCH);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return Fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

// Takes one change of size from the descriptor of watchResizes and passes it on.
void passResize(rpc::JobGroup& group, const Fd& resized) {
  signalfd_siginfo info;
  if (::read(resized.get(), &info, sizeof info) <= 0) return;
  TerminalSize size = terminalSize();
  group.resize(size.columns, size.rows);
}

// Keys that are pressed while there is no connection wait in the terminal, and go on to the node
// later.
int converseWithShell(ControllerNode& node, const JobRequest& request, const Fd& resized,
                      const std::function<std::string()>& whyGone) {
  rpc::JobGroup group({&node}, request, kSessionMax);
  {
    RawTerminal terminal;
    Conversation conversation;
    conversation.input = PassInput::kYes;
    conversation.speaker = "muster shell";
    conversation.whyGone = whyGone;
    if (request.terminal) conversation.lineEnd = "\r\n";
    conversation.take = [](const rpc::JobGroup::News& news) { writeOutput(news.out); };
    conversation.watched = resized.get();
    conversation.act = [&group, &resized] { passResize(group, resized); };
    converse(group, {&node}, conversation);
  }
  rpc::RunAnswer answer = group.takeAnswer(0);
  if (auto* error = std::get_if<muster::NodeError>(&answer)) throw *error;
  const muster::Outcome& outcome = std::get<muster::Result>(answer).outcome;
  if (outcome.kind() == muster::Outcome::Kind::kExited) return outcome.exitStatus();
  std::cerr << "muster shell: " << node.description().name << ": " << muster::toString(outcome)
            << "\n";
  return outcome.kind() == muster::Outcome::Kind::kSignalled ? 128 + outcome.signal()
                                                             : kExitUnavailable;
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
  request.output = JobOutput::kTake;
  if (::isatty(STDIN_FILENO) != 0) request.terminal = terminalSize();
  Fd resized = watchResizes();
  Connections connections(nodes, runId);
  ControllerNode& node = *connections.nodes()[0];
  try {
    node.awaitConnected(std::chrono::steady_clock::now() + arguments[kShellConnectTimeout]);
    return converseWithShell(node, request, resized,
                             [&] { return whyGone(arguments[kCluster], cluster.name); });
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
