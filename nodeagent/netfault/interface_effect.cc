// The effect that takes an interface down, and gives it its addresses and routes back with the end.
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <kj/io.h>
#include <kj/vector.h>

#include "nodeagent/netfault/control_connections.h"
#include "nodeagent/netfault/local_effect.h"
#include "nodeagent/os/read_file.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::netfault {
namespace {

using Kind = wire::Error::Kind;

// Lines that are too many are not an interface of a test's node.
constexpr size_t kLinesMax = 256;

short flagsOf(kj::StringPtr interface, kj::Maybe<bool> setUp = nullptr) {
  kj::AutoCloseFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) support::failErrno(errno, "make a socket");
  struct ifreq request {};
  ::strncpy(request.ifr_name, interface.cStr(), IFNAMSIZ - 1);
  if (::ioctl(socket, SIOCGIFFLAGS, &request) < 0) {
    if (errno == ENODEV) support::fail(Kind::NOT_FOUND, "the node has no interface ", interface);
    support::failErrno(errno, "look at interface ", interface);
  }
  KJ_IF_MAYBE (up, setUp) {
    request.ifr_flags =
        static_cast<short>(*up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP);
    if (::ioctl(socket, SIOCSIFFLAGS, &request) < 0) {
      support::failErrno(errno, "change interface ", interface);
    }
    return flagsOf(interface);
  }
  return request.ifr_flags;
}

bool isUp(kj::StringPtr interface) {
  return (flagsOf(interface) & IFF_UP) != 0;
}

// A word of what `ip` printed may be a word of its command line.
bool isPlainWord(const std::string& word) {
  return !word.empty() && word.find_first_not_of(
                              "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "0123456789.:/-_@") == std::string::npos;
}

CommandResult runIp(const RunTool& run, const std::vector<std::string>& words) {
  kj::Vector<kj::String> argv;
  argv.add(kj::str("ip"));
  for (const std::string& word : words) argv.add(kj::str(word.c_str()));
  return run(argv);
}

std::vector<std::string> linesOf(const RunTool& run, const std::vector<std::string>& words) {
  CommandResult result = runIp(run, words);
  if (result.end == CommandResult::End::kNotStarted) {
    support::fail(Kind::UNSUPPORTED,
                  "the node has no program ip, by which routes are given back; install its package "
                  "iproute2");
  }
  if (!result.succeeded()) support::fail(Kind::SYSTEM, "ip: ", describeEnd(result));
  std::istringstream text(std::string(result.output.asChars().begin(), result.output.size()));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line) && lines.size() < kLinesMax;)
    lines.push_back(line);
  return lines;
}

// The words behind "ip", by which the kernel gets back what it forgets of an interface that is
// down: IPv6 addresses that are not its own, and routes.
std::vector<std::vector<std::string>> commandsFor(const RunTool& run,
                                                  const std::string& interface) {
  std::vector<std::vector<std::string>> commands;
  for (const std::string& line :
       linesOf(run, {"-6", "-o", "addr", "show", "dev", interface, "scope", "global"})) {
    std::istringstream words(line);
    std::string number, name, family, address;
    words >> number >> name >> family >> address;
    if (family != "inet6" || line.find(" dynamic") != std::string::npos || !isPlainWord(address)) {
      continue;
    }
    commands.push_back({"-6", "addr", "replace", address, "dev", interface, "nodad"});
  }
  for (const char* family : {"-4", "-6"}) {
    for (const std::string& line : linesOf(run, {family, "route", "show", "dev", interface})) {
      // The kernel makes these with the addresses.
      if (line.find("proto kernel") != std::string::npos) continue;
      std::vector<std::string> command = {family, "route", "replace"};
      std::istringstream words(line);
      for (std::string word; words >> word;) {
        if (word != "linkdown" && word != "dead" && isPlainWord(word)) command.push_back(word);
      }
      command.insert(command.end(), {"dev", interface});
      if (command.size() > 5) commands.push_back(command);
    }
  }
  return commands;
}

class DownEffect final : public LocalEffect {
 public:
  void begin(const LocalSpec& spec, const LocalHost& host, RememberLines remember) const override {
    kj::StringPtr interface = spec.interface;
    if (!isUp(interface)) {
      support::fail(Kind::CONFLICT, "interface ", interface, " is down already");
    }
    if (!spec.evenOurs) requireOthers(interface, host);
    kj::Vector<kj::String> lines;
    lines.add(kj::str(interface));
    for (const auto& command : commandsFor(host.run, interface.cStr())) {
      std::string text;
      for (const std::string& word : command) text += (text.empty() ? "" : " ") + word;
      lines.add(kj::str(text.c_str()));
    }
    remember(lines.releaseAsArray());
    if ((flagsOf(interface, false) & IFF_UP) == 0) return;
    support::fail(Kind::SYSTEM, "interface ", interface,
                  " was taken down, and the kernel shows it up");
  }

  Shown read(kj::ArrayPtr<const kj::String> lines) const override {
    Shown shown;
    if (lines.size() == 0) return shown;
    shown.isThere = shown.isWorking = !isUp(lines[0]);
    shown.witness = kj::str("interface ", lines[0], shown.isThere ? " is down" : " is up");
    return shown;
  }

  Shown remove(kj::ArrayPtr<const kj::String> lines) const override {
    Shown shown = read(lines);
    // Somebody has taken it up, who also knows its routes.
    if (!shown.isThere) return shown;
    if ((flagsOf(lines[0], true) & IFF_UP) == 0) {
      support::fail(Kind::SYSTEM, "interface ", lines[0],
                    " was taken up, and the kernel shows it down");
    }
    kj::Vector<kj::String> missing;
    for (auto& line : lines.slice(1, lines.size())) {
      std::istringstream text(line.cStr());
      std::vector<std::string> words;
      for (std::string word; text >> word;) words.push_back(word);
      auto result = runIp(runTool(), words);
      if (!result.succeeded()) missing.add(kj::str("ip ", line, ": ", describeEnd(result)));
    }
    if (missing.size() > 0) {
      support::fail(Kind::SYSTEM, "interface ", lines[0],
                    " is up, but without all of its routes: ", kj::strArray(missing, "; "));
    }
    return shown;
  }

 private:
  static void requireOthers(kj::StringPtr interface, const LocalHost& host) {
    for (const std::string& address : controlAddresses(host.controlPorts)) {
      for (const std::string& own : addressesOf(interface)) {
        if (own != address) continue;
        support::fail(Kind::DENIED, "interface ", interface, " has the address ", address.c_str(),
                      ", by which a controller is connected to this agent; it is taken down only "
                      "for a time of its own, if that is asked for");
      }
    }
  }
};

}  // namespace

const LocalEffect& downEffect() {
  static const DownEffect kEffect;
  return kEffect;
}

}  // namespace nodeagent::netfault
