#include "nodeagent/facts/snapshot.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <sstream>

#include "nodeagent/facts/collect.h"
#include "nodeagent/facts/text.h"
#include "nodeagent/os/command.h"
#include "nodeagent/os/mount_table.h"
#include "nodeagent/os/process.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::facts {
namespace {

using Kind = wire::SnapshotItem::Kind;
using Items = std::vector<SnapshotItem>;

constexpr int64_t kToolNsMax = 5'000'000'000;
constexpr size_t kToolBytesMax = 4 << 20;

// Stands for the services of a node that starts them.
constexpr char kStarting[] = "starting";

void add(Items& items, Kind kind, std::string what) {
  if (items.size() == kSnapshotItemsMax) {
    support::fail(wire::Error::Kind::OVERLOADED, "the node has more than ", kSnapshotItemsMax,
                  " processes, mounts and rules");
  }
  items.push_back({kind, std::move(what)});
}

void addAll(Items& items, Kind kind, const std::vector<std::string>& lines) {
  for (const std::string& line : lines) add(items, kind, line);
}

void addProcesses(Items& items) {
  auto own = readProcess(getpid());
  for (const ProcessInfo& process : listProcesses()) {
    bool isOurs = false;
    KJ_IF_MAYBE (self, own) isOurs = process.command == self->command;
    if (process.hasEnded || isOurs || process.isOfKernel) continue;
    std::string command(process.command.begin(), process.command.size());
    add(items, Kind::PROCESS, command + " (pid " + std::to_string(process.pid) + ")");
  }
}

void addMounts(Items& items) {
  for (const MountLine& mount : readMounts()) {
    add(items, Kind::MOUNT, mount.type + " " + mount.source + " on " + mount.target);
  }
}

std::string textOf(const sockaddr& address) {
  char text[INET6_ADDRSTRLEN] = "";
  const void* bytes =
      address.sa_family == AF_INET
          ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in&>(address).sin_addr)
          : &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  inet_ntop(address.sa_family, bytes, text, sizeof(text));
  return text;
}

void addAddresses(Items& items) {
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) return;
  std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> all(first, freeifaddrs);
  for (const ifaddrs* each = first; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr) continue;
    std::string name = each->ifa_name;
    auto family = each->ifa_addr->sa_family;
    if (family == AF_PACKET) {
      add(items, Kind::ADDRESS, name + ((each->ifa_flags & IFF_UP) != 0 ? " is up" : " is down"));
    } else if (family == AF_INET || family == AF_INET6) {
      add(items, Kind::ADDRESS, name + " " + textOf(*each->ifa_addr));
    }
  }
}

// Reads an address of /proc/net, which is a row of words in the order of this machine's bytes.
std::string addressFrom(const std::string& digits) {
  uint32_t words[4] = {};
  size_t count = std::min<size_t>(digits.size() / 8, 4);
  for (size_t i = 0; i < count; ++i) {
    words[i] = static_cast<uint32_t>(std::strtoul(digits.substr(i * 8, 8).c_str(), nullptr, 16));
  }
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(count == 4 ? AF_INET6 : AF_INET, words, text, sizeof(text));
  return count == 4 ? "[" + std::string(text) + "]" : text;
}

CommandResult run(std::initializer_list<const char*> argv) {
  auto words = kj::heapArrayBuilder<kj::String>(argv.size());
  for (const char* word : argv) words.add(kj::str(word));
  CommandOutput output{CommandOutput::Errors::kDropped, kToolBytesMax};
  return runCommand(words.finish(), kToolNsMax, output);
}

std::vector<std::string> outputOf(const CommandResult& result) {
  return splitLines(
      std::string(reinterpret_cast<const char*>(result.output.begin()), result.output.size()));
}

// Runs a tool and returns its lines. None: it is missing or has failed, as where the kernel lacks
// what it shows.
std::vector<std::string> linesOf(std::initializer_list<const char*> argv) {
  CommandResult result = run(argv);
  return result.succeeded() ? outputOf(result) : std::vector<std::string>();
}

std::string firstLineOf(std::initializer_list<const char*> argv) {
  auto lines = outputOf(run(argv));
  return lines.empty() ? "" : lines.front();
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

void addUnits(Items& items) {
  if (access("/run/systemd/system", F_OK) != 0) return;
  // The exit status stands for the state, so that only the output counts. A manager that has just
  // begun does not answer.
  std::string state = firstLineOf({"systemctl", "is-system-running"});
  bool isUp = state == "running" || state == "degraded" || state == "maintenance";
  if (!isUp) return add(items, Kind::UNIT, kStarting);
  for (const std::string& line :
       linesOf({"systemctl", "list-units", "--plain", "--no-legend", "--no-pager", "--type=service",
                "--state=active,failed"})) {
    std::istringstream words(line);
    std::string unit;
    std::string load;
    std::string active;
    std::string sub;
    if (words >> unit >> load >> active >> sub) {
      add(items, Kind::UNIT, unit + " is " + active + " (" + sub + ")");
    }
  }
}

}  // namespace

std::vector<std::string> listenersIn(const std::string& table, const std::string& text) {
  std::vector<std::string> listeners;
  // TCP_LISTEN, and the TCP_CLOSE of a UDP socket that is connected to nobody.
  const char* wanted = table.starts_with("tcp") ? "0A" : "07";
  for (const std::string& line : splitLines(text)) {
    std::istringstream words(line);
    std::string slot;
    std::string local;
    std::string remote;
    std::string state;
    if (!(words >> slot >> local >> remote >> state) || state != wanted) continue;
    size_t colon = local.find(':');
    if (colon == std::string::npos) continue;
    unsigned long port = std::strtoul(local.c_str() + colon + 1, nullptr, 16);
    listeners.push_back(table + " " + addressFrom(local.substr(0, colon)) + ":" +
                        std::to_string(port));
  }
  return listeners;
}

std::vector<std::string> rulesIn(const std::string& text) {
  std::vector<std::string> rules;
  std::string table;
  for (const std::string& line : splitLines(text)) {
    std::string rule = trim(line);
    if (line.starts_with("table ")) {
      table = rule.substr(0, rule.find(" {"));
      rules.push_back(table);
    } else if (!rule.empty() && rule != "}") {
      rules.push_back(table + ": " + rule);
    }
  }
  return rules;
}

std::vector<SnapshotItem> takeSnapshot() {
  Items items;
  // First, since the processes of a node that starts its services are not to be compared.
  addUnits(items);
  addProcesses(items);
  addMounts(items);
  addAddresses(items);
  for (const char* table : {"tcp", "tcp6", "udp", "udp6"}) {
    addAll(items, Kind::LISTENER,
           listenersIn(table, readAllText(std::string("/proc/net/") + table)));
  }
  addAll(items, Kind::RULE, rulesIn(joined(linesOf({"nft", "-s", "list", "ruleset"}))));
  addAll(items, Kind::QDISC, linesOf({"tc", "qdisc", "show"}));
  return items;
}

}  // namespace nodeagent::facts
