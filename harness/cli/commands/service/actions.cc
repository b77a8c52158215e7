// service ACTION: asks the nodes for one service, changes it, or waits for it.
#include <functional>
#include <iostream>

#include "harness/cli/answers.h"
#include "harness/cli/arguments.h"
#include "harness/cli/clusters.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/connections.h"
#include "harness/cli/options.h"
#include "harness/cli/service_words.h"

namespace harness {
namespace {

using muster::ServiceAction;
using muster::ServiceStatus;
using rpc::ServiceAnswer;

constexpr TextOption kOwner({
    .name = "user",
    .letter = 'u',
    .value = "NAME",
    .help = "a service of this user (systemctl --user); by default one of the node itself",
});

constexpr DurationOption kWithin({.name = "within",
                                  .value = "TIME",
                                  .help = "how long to wait until the service runs",
                                  .initial = "30s"},
                                 {.most = std::chrono::hours(24)});

constexpr DurationOption kTimeLimit =
    timeLimitOption("2m", "how long to wait until the manager is done");

constexpr TextOption kSignal({
    .name = "signal",
    .letter = 's',
    .value = "NAME|NUMBER",
    .help = "the signal that its processes get",
    .initial = "KILL",
    .problem = signalProblem,
});

constexpr char kNotes[] =
    R"(Exit status: 0 if it worked on every node; 69 if a node cannot be reached, has
no such service, or it did not work there. Standard error has the reason.
)";

constexpr char kWaitNotes[] =
    R"(A service that has failed ends the wait of its node at once, and standard error
shows what it has logged since its start. A service that is stopped is waited
for, since somebody may start it.

Exit status: 0 if it runs on every node; 69 if a node cannot be reached, or it
does not run there.
)";

// For the rest of an answer when a wait is over.
constexpr std::chrono::seconds kAnswerMax{15};

using Ask = std::function<std::vector<ServiceAnswer>(const std::vector<ControllerNode*>& nodes,
                                                     const rpc::ServiceName& name)>;

// Asks the nodes by `ask`, and prints what they answer.
int perform(const Arguments& arguments, const Ask& ask) {
  ClusterDescription cluster = clusterOf(arguments[kCluster]);
  std::vector<NodeDescription> nodes = chooseNodes(cluster, arguments.word(0));
  rpc::ServiceName name{arguments.word(1), arguments[kOwner]};
  Connections connections(nodes, chooseRunId(""));
  Reachable reachable = reach(connections, nodes, arguments[kConnectTimeout]);
  Answers<ServiceStatus> answers;
  answers.errors = reachable.errors;
  answers.take(reachable.nodes, ask(reachable.connected, name));
  if (arguments[kJson]) {
    Json list = Json::array();
    for (const auto& [node, status] : answers.given) {
      list.push_back(serviceJson(node, name, status));
    }
    printJson({{"services", std::move(list)}, {"errors", errorsJson(answers.errors)}});
  } else if (!answers.given.empty()) {
    std::cout << serviceTable(answers, name);
  }
  complain(arguments.command(), answers.errors);
  return answers.errors.empty() ? kExitOk : kExitUnavailable;
}

SteadyTime inTime(std::chrono::nanoseconds time) {
  return std::chrono::steady_clock::now() + time;
}

int runStatus(const Arguments& arguments) {
  return perform(arguments, [&](const auto& nodes, const auto& name) {
    return rpc::statusOnAll(nodes, name, inTime(kAnswerMax));
  });
}

int runWait(const Arguments& arguments) {
  return perform(arguments, [&](const auto& nodes, const auto& name) {
    SteadyTime until = inTime(arguments[kWithin]);
    return rpc::awaitActiveOnAll(nodes, name, until, until + kAnswerMax);
  });
}

int change(const Arguments& arguments, const rpc::ServiceChange& change) {
  return perform(arguments, [&](const auto& nodes, const auto& name) {
    return rpc::actOnAll(nodes, name, change, inTime(arguments[kTimeLimit]));
  });
}

template <ServiceAction action>
int runAction(const Arguments& arguments) {
  return change(arguments, {.action = action});
}

int runKill(const Arguments& arguments) {
  return change(arguments,
                {.action = ServiceAction::kKill, .signal = signalOf(arguments[kSignal])});
}

Command commandOf(const char* name, const char* summary, OptionList (*options)(),
                  int (*run)(const Arguments&), const char* notes = kNotes) {
  return {.name = name,
          .usage = "NODESET SERVICE",
          .summary = summary,
          .options = options,
          .run = run,
          .wordsLeast = 2,
          .wordsMost = 2,
          .completes = WordKind::kNodesFirst,
          .notes = notes};
}

template <ServiceAction action>
Command actionCommand(const char* name, const char* summary) {
  return commandOf(
      name, summary,
      [] {
        return OptionList{&kCluster, &kOwner, &kTimeLimit, &kConnectTimeout, &kJson};
      },
      runAction<action>);
}

}  // namespace

const Command kServiceStatus = commandOf(
    "service status", "show what the service is, with its log if it has failed",
    [] {
      return OptionList{&kCluster, &kOwner, &kConnectTimeout, &kJson};
    },
    runStatus);
const Command kServiceWait = commandOf(
    "service wait", "wait until the service runs, or has failed",
    [] {
      return OptionList{&kCluster, &kOwner, &kWithin, &kConnectTimeout, &kJson};
    },
    runWait, kWaitNotes);
const Command kServiceStart =
    actionCommand<ServiceAction::kStart>("service start", "start the service");
const Command kServiceStop =
    actionCommand<ServiceAction::kStop>("service stop", "stop the service");
const Command kServiceRestart =
    actionCommand<ServiceAction::kRestart>("service restart", "stop the service and start it");
const Command kServiceReload = actionCommand<ServiceAction::kReload>(
    "service reload", "let the service read its settings again");
const Command kServiceEnable = actionCommand<ServiceAction::kEnable>(
    "service enable", "let the service start when the node boots");
const Command kServiceDisable = actionCommand<ServiceAction::kDisable>(
    "service disable", "let the service not start when the node boots");
const Command kServiceMask =
    actionCommand<ServiceAction::kMask>("service mask", "let nobody start the service (systemd)");
const Command kServiceUnmask = actionCommand<ServiceAction::kUnmask>(
    "service unmask", "let the service be started again (systemd)");
const Command kServiceResetFailed = actionCommand<ServiceAction::kResetFailed>(
    "service reset-failed", "forget that the service has failed (systemd, OpenRC)");
const Command kServiceKill = commandOf(
    "service kill", "send a signal to the processes of the service",
    [] { return OptionList{&kCluster, &kOwner, &kSignal, &kTimeLimit, &kConnectTimeout, &kJson}; },
    runKill);

}  // namespace harness
