#include "nodeagent/netfault/interface_state.h"

#include <stdlib.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <kj/vector.h>

#include "nodeagent/os/clock.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::netfault {
namespace {

using Kind = wire::Error::Kind;
using Words = std::vector<std::string>;

constexpr int64_t kSecondNs = 1'000'000'000;

int64_t nowSeconds() {
  return systemClock().boottimeNs() / kSecondNs;
}

Words wordsOf(const std::string& line) {
  std::istringstream text(line);
  Words words;
  for (std::string word; text >> word;) words.push_back(word);
  return words;
}

std::string lineOf(const Words& words) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + word;
  return line;
}

bool has(const Words& words, const char* word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// A word of what `ip` printed may be a word of its command line.
bool isPlainWord(const std::string& word) {
  return !word.empty() && word.find_first_not_of(
                              "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "0123456789.:/-_@") == std::string::npos;
}

// `ip` prints these of a route, and does not take them.
bool isState(const std::string& word) {
  static const std::set<std::string> kStates = {"dead",           "linkdown", "pervasive",
                                                "unresolved",     "offload",  "rt_offload",
                                                "offload_failed", "trap",     "rt_trap"};
  return kStates.count(word) > 0;
}

CommandResult runIp(const RunTool& run, const Words& words) {
  kj::Vector<kj::String> argv;
  argv.add(kj::str("ip"));
  for (const std::string& word : words) argv.add(kj::str(word.c_str()));
  return run(argv);
}

std::vector<std::string> linesOf(const RunTool& run, const Words& words) {
  CommandResult result = runIp(run, words);
  if (result.end == CommandResult::End::kNotStarted) {
    support::fail(Kind::UNSUPPORTED,
                  "the node has no program ip, by which routes are given back; install its package "
                  "iproute2");
  }
  if (!result.succeeded()) support::fail(Kind::SYSTEM, "ip: ", describeEnd(result));
  // What was cut off would be lost.
  if (result.output.size() >= kToolOutputBytesMax) {
    support::fail(Kind::OVERLOADED, "ip printed more than ", kToolOutputBytesMax,
                  " bytes about the interface's routes");
  }
  std::istringstream text(std::string(result.output.asChars().begin(), result.output.size()));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

// "3: eth0 inet6 fd99::1/64 scope global nodad \ valid_lft forever …". Empty: the router gives it
// again.
Words addressCommand(const std::string& line, const std::string& interface) {
  Words words = wordsOf(line);
  if (words.size() < 4 || words[2] != "inet6" || has(words, "dynamic")) return {};
  Words command = {"-6", "addr", "replace", words[3]};
  if (words.size() > 5 && words[4] == "peer") command.insert(command.end(), {"peer", words[5]});
  if (!std::all_of(command.begin(), command.end(), isPlainWord)) return {};
  command.push_back("nodad");
  if (has(words, "noprefixroute")) command.push_back("noprefixroute");
  command.insert(command.end(), {"dev", interface});
  return command;
}

// Empty: it comes with an address, or is no route of this interface alone.
Words routeCommand(const char* family, const std::string& line, const std::string& interface) {
  Words words = wordsOf(line);
  bool isLocal = false;
  Words command = {family, "route", "add"};
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    const std::string next = i + 1 < words.size() ? words[i + 1] : "";
    isLocal = isLocal || (word == "table" && next == "local");
    if (word == "nhid" || word == "error" || word == "dev") {
      ++i;
    } else if (word == "expires") {
      // "expires 1797sec" in a listing, and seconds in a command.
      long left = strtol(next.c_str(), nullptr, 10);
      command.insert(command.end(), {word, "@" + std::to_string(nowSeconds() + left)});
      ++i;
    } else if (isPlainWord(word) && !isState(word)) {
      command.push_back(word);
    }
  }
  if (isLocal || command.size() < 4 || command[3] == "nexthop") return {};
  command.insert(command.end(), {"dev", interface});
  return command;
}

std::vector<Words> commandsFor(const RunTool& run, const std::string& interface) {
  std::vector<Words> commands;
  for (const std::string& line :
       linesOf(run, {"-6", "-o", "addr", "show", "dev", interface, "scope", "global"})) {
    commands.push_back(addressCommand(line, interface));
  }
  // The kernel shows the newest address first, and prefers it.
  std::reverse(commands.begin(), commands.end());
  for (const char* family : {"-4", "-6"}) {
    for (const std::string& line :
         linesOf(run, {family, "-o", "route", "show", "table", "all", "dev", interface})) {
      commands.push_back(routeCommand(family, line, interface));
    }
  }
  std::erase_if(commands, [](const Words& each) { return each.empty(); });
  // A gateway is refused until there is a route to it.
  std::stable_partition(commands.begin(), commands.end(),
                        [](const Words& each) { return !has(each, "via"); });
  return commands;
}

// Returns what a command gives, whatever is left of its time and however its interface is named.
std::string gistOf(const Words& command) {
  Words gist;
  for (size_t i = 0; i < command.size(); ++i) {
    if (command[i] == "expires" || command[i] == "dev") {
      ++i;
    } else {
      gist.push_back(command[i]);
    }
  }
  return lineOf(gist);
}

// Makes a command of now of one that was noted. Empty: the time of its route is over.
Words commandOfNow(const std::string& noted, const std::string& interface) {
  Words command = wordsOf(noted);
  for (size_t i = 0; i + 1 < command.size(); ++i) {
    std::string& value = command[i + 1];
    if (command[i] == "dev") value = interface;
    if (command[i] != "expires" || value[0] != '@') continue;
    int64_t left = strtoll(value.c_str() + 1, nullptr, 10) - nowSeconds();
    if (left <= 0) return {};
    value = std::to_string(left);
  }
  return command;
}

// It is there already, or somebody has put another into its place.
bool isThereAlready(const CommandResult& result) {
  std::string output(result.output.asChars().begin(), result.output.size());
  return output.find("File exists") != std::string::npos;
}

}  // namespace

kj::Array<kj::String> restoreCommands(const RunTool& run, kj::StringPtr interface) {
  auto commands = commandsFor(run, interface.cStr());
  if (commands.size() > kRestoreCommandsMax) {
    support::fail(Kind::OVERLOADED, "interface ", interface, " has ", commands.size(),
                  " addresses and routes, of which at most ", kRestoreCommandsMax,
                  " can be given back");
  }
  return KJ_MAP(command, commands) {
    return kj::str(lineOf(command).c_str());
  };
}

kj::Array<kj::String> missingAmong(const RunTool& run, kj::StringPtr interface,
                                   kj::ArrayPtr<const kj::String> commands) {
  std::set<std::string> present;
  for (const Words& each : commandsFor(run, interface.cStr())) present.insert(gistOf(each));
  kj::Vector<kj::String> missing;
  for (auto& noted : commands) {
    Words command = commandOfNow(noted.cStr(), interface.cStr());
    if (!command.empty() && present.count(gistOf(command)) == 0) missing.add(kj::str(noted));
  }
  return missing.releaseAsArray();
}

kj::Array<kj::String> restore(const RunTool& run, kj::StringPtr interface,
                              kj::ArrayPtr<const kj::String> commands) {
  kj::Vector<kj::String> failures;
  for (auto& noted : commands) {
    Words command = commandOfNow(noted.cStr(), interface.cStr());
    if (command.empty()) continue;
    auto result = runIp(run, command);
    if (result.succeeded() || isThereAlready(result)) continue;
    failures.add(kj::str("ip ", lineOf(command).c_str(), ": ", describeEnd(result)));
  }
  return failures.releaseAsArray();
}

}  // namespace nodeagent::netfault
