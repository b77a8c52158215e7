#include "harness/provision/ssh/host_node.h"

#include <sstream>

#include "harness/provision/ssh/host_error.h"
#include "harness/provision/ssh/host_texts.h"
#include "harness/provision/ssh/reach.h"

namespace harness {
namespace {

constexpr std::chrono::seconds kCopyTime{300};
constexpr std::chrono::seconds kStartTime{90};
// Longer than an agent takes to end its sessions.
constexpr std::chrono::seconds kStopTime{90};
constexpr std::chrono::seconds kAnswerTime{3};
constexpr size_t kKeyDigits = 16;
// Room for the log, and for output of commands beyond memory.
constexpr size_t kSpareKib = 16 * 1024;

// Returns the address by which the host was reached, as it sees it itself: behind a jump host that
// is the one on the network of the hosts.
std::string ownAddress(const HostAnswer& host) {
  std::istringstream words(host.value("connection"));
  std::string client, clientPort, server;
  words >> client >> clientPort >> server;
  return server;
}

support::Endpoint endpointAt(const std::string& address, uint16_t port) {
  bool isV6 = address.find(':') != std::string::npos;
  return support::Endpoint::parse("tls:" + (isV6 ? "[" + address + "]" : address) + ":" +
                                  std::to_string(port));
}

}  // namespace

std::string keyOfAgent(const AgentOwner& owner, const std::string& node) {
  return sha256Of(owner.owner + "\n" + owner.cluster + "\n" + node).substr(0, kKeyDigits);
}

HostNode::HostNode(SshNode node, AgentOwner owner)
    : node_(std::move(node)),
      owner_(std::move(owner)),
      key_(keyOfAgent(owner_, node_.name)),
      ssh_(node_.host, key_, node_.directory) {}

std::string HostNode::text(const std::string& step, const std::string& reason) const {
  return "host " + node_.host.host + ": " + step + ": " + reason;
}

HostAnswer HostNode::check(const AgentProgram& program) {
  HostScript script{.step = "checking",
                    .text = kCheckScript,
                    .variables = {{"agent_machine", program.machine},
                                  {"machines", program.machines},
                                  {"needed_kib", std::to_string(program.bytes / 1024 + kSpareKib)},
                                  {"port", std::to_string(node_.agentPort)},
                                  {"hash", program.sha256},
                                  {"size", std::to_string(program.bytes)}}};
  HostAnswer answer = ssh_.run(script);
  if (answer.value("stale").empty()) return answer;
  stopAgent();
  return ssh_.run(script);
}

void HostNode::copy(const AgentProgram& program) {
  ssh_.runShared({.step = "copying the agent",
                  .text = "",
                  .arguments = {std::to_string(program.bytes), program.sha256},
                  .time = kCopyTime},
                 program.input, program.scriptBytes);
}

std::string HostNode::start(const HostAnswer& host, const std::vector<AgentFile>& certificates) {
  HostPlace place{key_, host.value("home"), host.value("state"), host.value("ipv6") == "yes"};
  std::string list, bytes;
  for (const AgentFile& file : hostFiles(node_, place, owner_, certificates)) {
    std::ostringstream line;
    line << file.path << " " << std::oct << file.mode << std::dec << " " << file.content.size();
    list += (list.empty() ? "" : "\n") + line.str();
    bytes += file.content;
  }
  HostAnswer answer = ssh_.run({.step = "starting the agent",
                                .text = kStartScript,
                                .variables = {{"way", node_.start},
                                              {"persistent", node_.isPersistent ? "yes" : "no"},
                                              {"files", list}},
                                .input = bytes,
                                .time = kStartTime});
  return answer.value("started");
}

MadeNode HostNode::reach(const HostAnswer& host, const Step& step) {
  MadeNode made;
  std::string own = ownAddress(host);
  if (!own.empty()) made.addresses = {own};
  if (node_.control != ControlWay::kSsh) {
    std::vector<std::string> addresses = addressesOf(ssh_.configured().hostName, kAnswerTime);
    if (!own.empty()) addresses.push_back(own);
    std::string why;
    auto address = firstThatAnswers(addresses, node_.agentPort, kAnswerTime, &why);
    if (address) {
      made.endpoint = endpointAt(*address, node_.agentPort);
      return made;
    }
    if (node_.control == ControlWay::kDirect) {
      throw HostError(HostError::Kind::kUnreachable,
                      text("reaching the agent",
                           "it runs, and its port " + std::to_string(node_.agentPort) +
                               " does not answer here: " + why +
                               "; open the port in the firewall, or say \"control: ssh\""));
    }
  }
  step("forwarding", "control goes through ssh");
  made.endpoint = endpointAt("127.0.0.1", ssh_.openForward(node_.agentPort));
  return made;
}

MadeNode HostNode::up(const AgentProgram& program, const std::vector<AgentFile>& certificates,
                      const Step& step) {
  step("connecting", node_.host.host);
  ssh_.connect();
  step(kFirstStep, "");
  HostAnswer host = check(program);
  if (host.value("agent") == "absent") {
    step("copying", std::to_string(program.bytes) + " bytes");
    copy(program);
  }
  step("starting", "");
  std::string way = start(host, certificates);
  step("started", "by " + way);
  return reach(host, step);
}

HostAnswer HostNode::stopAgent() {
  return ssh_.run({.step = "ending the agent", .text = kStopScript, .time = kStopTime});
}

void HostNode::down() {
  ssh_.closeForward();
  // An earlier process may have left commands that are still at work.
  ssh_.close();
  ssh_.connect();
  HostAnswer answer = stopAgent();
  std::vector<std::string> left = answer.values("left");
  ssh_.close();
  if (left.empty()) return;
  std::string list;
  for (const std::string& thing : left) list += (list.empty() ? "" : ", ") + thing;
  throw HostError(
      HostError::Kind::kRefused,
      text("removing the agent", "this is left: " + list + "; see what holds it, and try again"));
}

void HostNode::closeConnection() const {
  ssh_.closeForward();
  ssh_.close();
}

AgentLife HostNode::life() {
  ssh_.connect();
  std::string state = ssh_.run({.step = "asking", .text = kStateScript}).value("state");
  if (state == "alive") return AgentLife::kAlive;
  return state == "dead" ? AgentLife::kDead : AgentLife::kAbsent;
}

}  // namespace harness
