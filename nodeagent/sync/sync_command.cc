#include "nodeagent/sync/sync_command.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include <kj/exception.h>
#include <kj/io.h>

#include "nodeagent/os/clock.h"
#include "nodeagent/sync/message.h"
#include "schema/support/base/duration.h"
#include "schema/support/base/endpoint.h"
#include "schema/support/base/suggestion.h"
#include "schema/support/base/text.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent {
namespace {

using namespace sync;
using support::UsageError;

constexpr size_t kKeyCharacters = 32;

// The agent answers a wait at its time-out. Beyond that, this process gives up by itself.
constexpr int64_t kAgentGraceNs = 10'000'000'000;

struct Usage {
  Verb verb;
  const char* arguments;
  const char* text;
  std::vector<std::string> options;
};

const std::vector<Usage>& usages() {
  static const std::vector<Usage> kUsages = {
      {Verb::kNotify,
       "NAME [KEY=VALUE]...",
       "send an event to the test and to all commands on all nodes that wait for it, now or later",
       {}},
      {Verb::kWait,
       "NAME [--timeout DURATION]",
       "wait for the next event of this name that this command has not had yet, and print its "
       "data, "
       "a line KEY=VALUE for each item",
       {"--timeout"}},
      {Verb::kBarrier,
       "NAME [--count N] [--timeout DURATION]",
       "wait until N commands wait at this barrier, on whatever nodes; without N, as many as "
       "others "
       "or the test say",
       {"--count", "--timeout"}},
      {Verb::kReport,
       "[--result pass|fail|skip] [--message TEXT] [KEY=VALUE]...",
       "put a result or data into the test's report; fail makes the test fail",
       {"--result", "--message"}},
  };
  return kUsages;
}

const Usage& usageOf(Verb verb) {
  return usages()[static_cast<size_t>(verb)];
}

std::string usageText(const Usage& usage) {
  return "nodeagent " + wordOf(usage.verb) + " " + usage.arguments + "\n    " + usage.text + "\n";
}

[[noreturn]] void refuse(Verb verb, const std::string& text) {
  throw UsageError(wordOf(verb) + ": " + text + "; usage: nodeagent " + wordOf(verb) + " " +
                   usageOf(verb).arguments);
}

int64_t limitFrom(Verb verb, const std::string& text) {
  auto limitNs = support::durationFromText(text);
  if (limitNs && *limitNs > 0 && *limitNs <= kWaitMaxNs) return *limitNs;
  refuse(verb, "--timeout: \"" + text + "\" is not a duration of at most a day, such as 10s");
}

uint32_t countFrom(Verb verb, const std::string& text) {
  bool isNumber =
      !text.empty() && text.size() <= 6 &&
      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!isNumber) refuse(verb, "--count: \"" + text + "\" is not a number");
  std::string fault = support::whyNoBarrierCount(std::stoi(text));
  if (!fault.empty()) refuse(verb, "--" + fault);
  return static_cast<uint32_t>(std::stoi(text));
}

// Reads the words behind the verb.
class Reader {
 public:
  Reader(Verb verb, std::vector<std::string> words) : words_(std::move(words)) {
    request_.verb = verb;
  }

  Request read() {
    bool mayBeOption = true;
    while (next_ < words_.size()) {
      std::string word = words_[next_++];
      if (mayBeOption && word == "--") {
        mayBeOption = false;
      } else if (mayBeOption && word.rfind("-", 0) == 0 && word.size() > 1) {
        readOption(word);
      } else {
        readWord(word);
      }
    }
    check();
    return request_;
  }

 private:
  std::string valueOf(std::string& option) {
    size_t equals = option.find('=');
    if (equals != std::string::npos) {
      std::string value = option.substr(equals + 1);
      option.resize(equals);
      return value;
    }
    if (next_ == words_.size()) refuse(request_.verb, option + " wants a value");
    return words_[next_++];
  }

  void readOption(std::string word) {
    const auto& known = usageOf(request_.verb).options;
    std::string name = word.substr(0, word.find('='));
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      refuse(request_.verb,
             "there is no option " + support::escaped(name) + support::suggestion(name, known));
    }
    std::string value = valueOf(word);
    if (name == "--timeout") request_.limitNs = limitFrom(request_.verb, value);
    if (name == "--count") request_.count = countFrom(request_.verb, value);
    if (name == "--message") request_.message = value;
    if (name == "--result" && !findResult(value, &request_.result)) {
      refuse(request_.verb,
             "--result: \"" + support::escaped(value) + "\" is not one of pass, fail, skip");
    }
  }

  void readWord(const std::string& word) {
    bool isName = request_.verb != Verb::kReport && !hasName_;
    if (isName) {
      hasName_ = true;
      request_.name = word;
      return;
    }
    size_t equals = word.find('=');
    bool takesData = request_.verb == Verb::kNotify || request_.verb == Verb::kReport;
    if (!takesData || equals == std::string::npos) {
      refuse(request_.verb, "\"" + support::escaped(word) + "\" is one word too many" +
                                (takesData ? ", or no KEY=VALUE" : ""));
    }
    request_.data.emplace_back(word.substr(0, equals), word.substr(equals + 1));
  }

  void check() const {
    if (request_.verb != Verb::kReport) {
      if (!hasName_) refuse(request_.verb, "NAME is missing");
      std::string fault = support::whyNoSyncName("NAME", request_.name);
      if (!fault.empty()) refuse(request_.verb, fault);
    } else if (request_.result == Result::kNone && request_.data.empty()) {
      refuse(request_.verb, "give --result or KEY=VALUE");
    }
    std::string fault = support::whyNoSyncData(request_.data);
    if (!fault.empty()) refuse(request_.verb, fault);
    if (request_.message.size() > support::kSyncMessageBytesMax) {
      refuse(request_.verb, "--message: " + std::to_string(request_.message.size()) +
                                " bytes, at most " + std::to_string(support::kSyncMessageBytesMax));
    }
  }

  std::vector<std::string> words_;
  size_t next_ = 0;
  bool hasName_ = false;
  Request request_;
};

// What a command of a session finds in NODEAGENT_JOB: MARK KEY@SOCKET.
struct Proof {
  support::Id key;
  std::string socket;
};

// Returns nullopt, and says why in `*why`, if the value names no agent that could be asked.
std::optional<Proof> proofFrom(const std::map<std::string, std::string>& environment,
                               std::string* why) {
  auto found = environment.find("NODEAGENT_JOB");
  if (found == environment.end()) {
    *why =
        "NODEAGENT_JOB is not set, so this is not run by a test; run it in a command that a test "
        "or muster has started on this node, with that command's environment";
    return std::nullopt;
  }
  const std::string& value = found->second;
  size_t at = value.find('@');
  std::string before = value.substr(0, at);
  size_t dot = before.rfind('.');
  std::string key = dot == std::string::npos ? "" : before.substr(dot + 1);
  if (at == std::string::npos || key.size() != kKeyCharacters || at + 1 == value.size()) {
    *why =
        "NODEAGENT_JOB has no key, so the agent does not serve this command: it is detached, or "
        "the agent is older or could not make its socket";
    return std::nullopt;
  }
  Proof proof;
  for (size_t i = 0; i < proof.key.bytes.size(); ++i) {
    auto digits = key.substr(2 * i, 2);
    proof.key.bytes[i] = static_cast<kj::byte>(strtoul(digits.c_str(), nullptr, 16));
  }
  proof.socket = value.substr(at + 1);
  return proof;
}

// A connection to the agent that waits for `limitNs` at most.
class AgentConnection {
 public:
  // Throws a failure of kind system.
  explicit AgentConnection(const std::string& path) {
    std::string why;
    auto endpoint = support::Endpoint::fromText("unix:" + path, &why);
    if (!endpoint) support::fail(wire::Error::Kind::INVALID, "NODEAGENT_JOB: ", why.c_str());
    socket_ = kj::AutoCloseFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (socket_.get() < 0) support::failErrno(errno, "open a socket");
    // Bounds the connecting and the sending.
    timeval limit{kAgentGraceNs / 1'000'000'000, 0};
    setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (::connect(socket_, endpoint->socketAddress(), endpoint->addressBytes) < 0) {
      support::failErrno(errno, "connect to the agent at ", path.c_str());
    }
  }

  // An agent that refuses answers before it has read all.
  void send(const std::string& message) {
    size_t sent = 0;
    while (sent < message.size()) {
      ssize_t count = ::send(socket_, message.data() + sent, message.size() - sent, MSG_NOSIGNAL);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return;
      sent += static_cast<size_t>(count);
    }
  }

  // Returns fewer bytes if the agent has closed the connection, or at `endNs`.
  std::string receive(size_t wanted, int64_t endNs) {
    std::string got(wanted, '\0');
    size_t have = 0;
    while (have < wanted) {
      int64_t leftMs = std::min<int64_t>((endNs - nowNs()) / 1'000'000, INT32_MAX);
      pollfd ready{socket_.get(), POLLIN, 0};
      int polled = leftMs <= 0 ? 0 : ::poll(&ready, 1, static_cast<int>(leftMs));
      if (polled < 0 && errno == EINTR) continue;
      if (polled <= 0) break;
      ssize_t count = ::recv(socket_, got.data() + have, wanted - have, 0);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) break;
      have += static_cast<size_t>(count);
    }
    got.resize(have);
    return got;
  }

  static int64_t nowNs() { return systemClock().monotonicNs(); }

 private:
  kj::AutoCloseFd socket_;
};

Reply ask(const std::string& socket, const Request& request) {
  AgentConnection agent(socket);
  bool waits = request.verb == Verb::kWait || request.verb == Verb::kBarrier;
  int64_t endNs = AgentConnection::nowNs() + (waits ? request.limitNs : 0) + kAgentGraceNs;
  agent.send(encode(request));
  std::string begin = agent.receive(kLengthBytes, endNs);
  if (begin.size() == kLengthBytes) {
    size_t length = lengthOf(begin);
    std::string body = agent.receive(length, endNs);
    if (body.size() == length) return readReply(body);
  }
  bool isLate = AgentConnection::nowNs() >= endNs;
  return {Reply::Kind::kFailed,
          isLate ? "lost: the agent does not answer" : "lost: the agent was stopped or restarted",
          {}};
}

int complain(Verb verb, const std::string& text, int status) {
  fprintf(stderr, "nodeagent %s: %s\n", wordOf(verb).c_str(),
          support::printable(text, support::Lines::kMany).c_str());
  return status;
}

int conclude(const Request& request, const Reply& reply) {
  switch (reply.kind) {
    case Reply::Kind::kDone:
      for (const auto& [name, value] : reply.data) printf("%s=%s\n", name.c_str(), value.c_str());
      return support::kExitOk;
    case Reply::Kind::kFailed:
      return complain(request.verb, reply.text, kExitWaitFailed);
    case Reply::Kind::kRefused:
      return complain(request.verb, reply.text, support::kExitUnavailable);
    case Reply::Kind::kOverloaded:
      return complain(request.verb, reply.text, support::kExitTryAgain);
    case Reply::Kind::kTimedOut:
      break;
  }
  std::string what = request.verb == Verb::kWait ? "no event \"" : "not all came to barrier \"";
  return complain(request.verb,
                  what + request.name + "\" within " + support::durationText(request.limitNs),
                  kExitTimedOut);
}

}  // namespace

bool isSyncCommand(const std::vector<std::string>& arguments) {
  Verb verb;
  return !arguments.empty() && findVerb(arguments[0], &verb);
}

int runSyncCommand(const std::vector<std::string>& arguments,
                   const std::map<std::string, std::string>& environment) {
  Verb verb = Verb::kNotify;
  findVerb(arguments[0], &verb);
  std::vector<std::string> words(arguments.begin() + 1, arguments.end());
  if (!words.empty() && (words[0] == "--help" || words[0] == "-h")) {
    fputs(usageText(usageOf(verb)).c_str(), stdout);
    return support::kExitOk;
  }
  Request request = Reader(verb, words).read();
  std::string why;
  auto proof = proofFrom(environment, &why);
  if (!proof) return complain(verb, why, support::kExitUnavailable);
  request.key = proof->key;
  std::optional<Reply> reply;
  KJ_IF_MAYBE (exception,
               kj::runCatchingExceptions([&]() { reply = ask(proof->socket, request); })) {
    return complain(verb, support::reasonOf(*exception).cStr(), support::kExitUnavailable);
  }
  return conclude(request, *reply);
}

std::string syncHelpText() {
  std::string text =
      "\nIn commands that a test or muster has started on this node (docs/reference/sync.md):\n";
  for (const Usage& usage : usages()) text += "  " + usageText(usage);
  return text +
         "Exit status of these: 0 done; 1 it will not be, such as a barrier of which a command has "
         "ended; 64 usage; 69 the\nagent does not serve this process; 75 a limit is reached; 124 "
         "timed out.\n";
}

}  // namespace nodeagent
