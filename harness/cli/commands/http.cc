// http: asks a web server from the nodes.
#include <algorithm>
#include <iostream>

#include "harness/cli/answers.h"
#include "harness/cli/arguments.h"
#include "harness/cli/clusters.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/connections.h"
#include "harness/cli/options.h"
#include "harness/rpc/wait/waits.h"

namespace harness {
namespace {

using muster::HttpResponse;

// Splits "NAME: VALUE".
std::pair<std::string, std::string> headerOf(const std::string& text) {
  size_t colon = text.find(':');
  size_t value = text.find_first_not_of(' ', std::min(colon, text.size() - 1) + 1);
  return {text.substr(0, colon), value == std::string::npos ? "" : text.substr(value)};
}

std::string headerProblem(const std::string& text) {
  size_t colon = text.find(':');
  return colon == std::string::npos || colon == 0 ? "is not of the form NAME: VALUE" : "";
}

constexpr ListOption kHeader({
    .name = "header",
    .value = "NAME:VALUE",
    .help = "send this header; may be given several times",
    .problem = headerProblem,
});

constexpr DurationOption kWithin(
    {.name = "within", .value = "TIME", .help = "how long to wait", .initial = "10s"},
    {.most = std::chrono::seconds(20)});

constexpr char kNotes[] =
    R"(Each node sends the GET itself, over its own network. There are no redirects and
no TLS. The body goes to standard output as it came; of several nodes, each has
a line with its status before it.

Exit status: 0 if every node had an answer below status 400; 1 if one had
another; 69 if a node cannot be reached, or had none.
)";

constexpr int kStatusRefused = 1;

void print(const Answers<HttpResponse>& answers) {
  for (const auto& [node, response] : answers.given) {
    if (answers.given.size() > 1) {
      std::cout << node.name << ": status " << response.status << "\n";
    } else if (response.status >= 400) {
      std::cerr << node.name << ": status " << response.status << "\n";
    }
    std::cout << response.body;
  }
}

void printAsJson(const Answers<HttpResponse>& answers) {
  Json list = Json::array();
  for (const auto& [node, response] : answers.given) {
    Json headers = Json::array();
    for (const auto& [name, value] : response.headers) {
      headers.push_back({{"name", name}, {"value", value}});
    }
    list.push_back({{"node", node.name},
                    {"status", response.status},
                    {"headers", std::move(headers)},
                    {"body", response.body}});
  }
  printJson({{"responses", std::move(list)}, {"errors", errorsJson(answers.errors)}});
}

int run(const Arguments& arguments) {
  muster::HttpOptions options;
  for (const std::string& header : arguments[kHeader]) options.headers.push_back(headerOf(header));
  ClusterDescription cluster = clusterOf(arguments[kCluster]);
  std::vector<NodeDescription> nodes = chooseNodes(cluster, arguments.word(0));
  Connections connections(nodes, chooseRunId(""));
  Reachable reachable = reach(connections, nodes, arguments[kConnectTimeout]);
  auto until = std::chrono::steady_clock::now() + arguments[kWithin];
  Answers<HttpResponse> answers;
  answers.errors = reachable.errors;
  answers.take(reachable.nodes,
               rpc::getOnAll(reachable.connected, arguments.word(1), options, until));
  arguments[kJson] ? printAsJson(answers) : print(answers);
  complain(arguments.command(), answers.errors);
  if (!answers.errors.empty()) return kExitUnavailable;
  bool isRefused = std::any_of(answers.given.begin(), answers.given.end(),
                               [](const auto& each) { return each.second.status >= 400; });
  return isRefused ? kStatusRefused : kExitOk;
}

}  // namespace

const Command kHttp = {
    .name = "http",
    .usage = "NODESET URL",
    .summary = "get a web page as the nodes see it",
    .options =
        [] {
          return OptionList{&kCluster, &kHeader, &kWithin, &kConnectTimeout, &kJson};
        },
    .run = run,
    .wordsLeast = 2,
    .wordsMost = 2,
    .completes = WordKind::kNodesFirst,
    .notes = kNotes,
};

}  // namespace harness
