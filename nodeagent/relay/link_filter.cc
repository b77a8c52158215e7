#include "nodeagent/relay/link_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>

#include "nodeagent/os/look_until.h"
#include "nodeagent/os/pidfd.h"
#include "nodeagent/os/spawn.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::relay {
namespace {

using Kind = wire::Error::Kind;
using Steady = std::chrono::steady_clock;

constexpr int64_t kStartMaxNs = 5'000'000'000;
constexpr int64_t kEndMaxNs = 5'000'000'000;
constexpr auto kAnswerMax = std::chrono::seconds(5);
constexpr size_t kAnswerBytesMax = 16 << 10;

bool contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

std::string portList(const std::vector<uint16_t>& ports) {
  std::string list;
  for (uint16_t port : ports) list += (list.empty() ? "" : ", ") + std::to_string(port);
  return list;
}

std::string firstLine(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

[[noreturn]] void failOf(const std::string& answer) {
  std::string line = firstLine(answer);
  if (contains(answer, "not permitted")) support::fail(Kind::DENIED, "nft: ", line.c_str());
  if (contains(answer, "File exists")) support::fail(Kind::CONFLICT, "nft: ", line.c_str());
  bool isLacking = contains(answer, "not supported") || contains(answer, "syntax error") ||
                   contains(answer, "No such file") || contains(answer, "Invalid argument");
  if (!isLacking) support::fail(Kind::SYSTEM, "nft: ", line.c_str());
  support::fail(Kind::UNSUPPORTED,
                "nft or the kernel of the node cannot turn over what an interface sends, which "
                "needs nft 1.0.1 and Linux 5.16 with NETFILTER_EGRESS and NFT_FWD_NETDEV: ",
                line.c_str());
}

struct Pipe {
  kj::AutoCloseFd reading;
  kj::AutoCloseFd writing;
};

Pipe makePipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) support::failErrno(errno, "make a pipe");
  return {kj::AutoCloseFd(ends[0]), kj::AutoCloseFd(ends[1])};
}

}  // namespace

std::string filterText(const FilterSpec& spec) {
  std::string rule = "add rule netdev " + spec.table + " sent ";
  std::string text = "create table netdev " + spec.table + " { flags owner; }; add chain netdev " +
                     spec.table + " sent { type filter hook egress device \"" + spec.interface +
                     "\" priority 0; policy accept; }; ";
  text += rule + "meta mark " + std::to_string(spec.mark) + " accept; ";
  if (!spec.passingPorts.empty()) {
    text += rule + "tcp sport { " + portList(spec.passingPorts) + " } accept; ";
  }
  text += rule +
          "icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, "
          "nd-neighbor-advert } accept; ";
  text += rule + "meta protocol { ip, ip6 } counter fwd to \"" + spec.device + "\"";
  return text;
}

LinkFilter::LinkFilter(const FilterSpec& spec) {
  start();
  say(filterText(spec));
  say("list table netdev " + spec.table);
  std::string answer = awaitListing();
  if (answer.starts_with("table netdev ") && contains(answer, "fwd to")) return;
  end();
  if (!answer.empty()) failOf(answer);
  support::fail(Kind::UNSUPPORTED, "the node's nft says nothing: it has no interactive mode");
}

LinkFilter::~LinkFilter() noexcept(false) {
  end();
}

void LinkFilter::start() {
  Pipe toNft = makePipe();
  Pipe fromNft = makePipe();
  auto argv = kj::arr(kj::str("nft"), kj::str("-i"));
  // Its memory of what was typed goes nowhere.
  auto environment =
      kj::arr(kj::str("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
              kj::str("LC_ALL=C"), kj::str("HOME=/dev/null"));
  SpawnOptions options;
  options.argv = argv;
  options.environment = environment;
  options.input = toNft.reading;
  options.output = fromNft.writing;
  options.errors = fromNft.writing;
  auto started = launchProgram(options);
  KJ_IF_MAYBE (failure, started.tryGet<SpawnFailure>()) {
    support::failErrno(failure->errorNumber, "start nft");
  }
  auto launch = kj::mv(started.get<kj::Own<Launch>>());
  process_ = launch->takePidfd();
  pid_ = launch->pid();
  kj::Maybe<SpawnFailure> failure;
  bool isRunning = lookUntil(kStartMaxNs, [&]() {
    KJ_IF_MAYBE (outcome, launch->outcome()) {
      failure = kj::mv(*outcome);
      return true;
    }
    return false;
  });
  input_ = kj::mv(toNft.writing);
  output_ = kj::mv(fromNft.reading);
  KJ_IF_MAYBE (reason, failure) {
    end();
    if (reason->errorNumber != ENOENT) support::failErrno(reason->errorNumber, "start nft");
    support::fail(Kind::UNSUPPORTED, "the node has no program nft; install its package nftables");
  }
  if (isRunning) return;
  end();
  support::fail(Kind::SYSTEM, "nft did not start");
}

// A pipe holds more than all that is ever said.
void LinkFilter::say(const std::string& line) {
  std::string text = line + "\n";
  ssize_t written = ::write(input_, text.data(), text.size());
  if (written == static_cast<ssize_t>(text.size()) || errno == EPIPE) return;
  support::failErrno(errno, "tell nft what to do");
}

std::string LinkFilter::awaitListing() {
  auto deadline = Steady::now() + kAnswerMax;
  std::string answer;
  while (answer.size() < kAnswerBytesMax && !answer.ends_with("\n}\n") &&
         !(contains(answer, "Error") && answer.ends_with("\n"))) {
    auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Steady::now()).count();
    struct pollfd wait = {output_, POLLIN, 0};
    if (left <= 0 || ::poll(&wait, 1, static_cast<int>(left)) <= 0) break;
    char part[4096];
    ssize_t count = ::read(output_, part, sizeof part);
    if (count <= 0) break;
    answer.append(part, static_cast<size_t>(count));
  }
  return answer;
}

bool LinkFilter::end() {
  input_ = nullptr;
  if (process_.get() < 0) return true;
  auto hasEnded = [this]() { return reapChild(process_) != nullptr; };
  bool isGone = lookUntil(kEndMaxNs, hasEnded);
  if (!isGone) {
    signalChild(process_, SIGKILL);
    isGone = lookUntil(kEndMaxNs, hasEnded);
  }
  process_ = nullptr;
  return isGone;
}

}  // namespace nodeagent::relay
