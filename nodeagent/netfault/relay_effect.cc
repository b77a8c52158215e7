// The effect of a relay (nodeagent/relay): what the node sends by an interface is late, doubled,
// out of order, damaged or slow.
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <kj/io.h>
#include <kj/vector.h>

#include "nodeagent/netfault/local_effect.h"
#include "nodeagent/netfault/own_process.h"
#include "nodeagent/netfault/processes.h"
#include "nodeagent/os/look_until.h"
#include "nodeagent/relay/relay.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::netfault {
namespace {

using Kind = wire::Error::Kind;
using relay::RelayStatus;
using State = RelayStatus::State;

constexpr int64_t kStartMaxNs = 5'000'000'000;
// Nft is started and asked, and a frame comes back.
constexpr int64_t kServingMaxNs = 15'000'000'000;
constexpr int64_t kEndMaxNs = 15'000'000'000;
constexpr int64_t kGoneMaxNs = 5'000'000'000;
// A delay that is longer is not waited for; that its first frame is held shows it.
constexpr int64_t kWitnessedDelayMaxNs = 2'000'000'000;
constexpr int64_t kWitnessSlackNs = 5'000'000'000;
constexpr kj::StringPtr kName = "muster-relay"_kj;
constexpr kj::StringPtr kNftName = "nft"_kj;

// The relay with its nft, and the interface with the number that it had.
struct Known {
  explicit Known(kj::ArrayPtr<const kj::String> lines);

  kj::Vector<ProcessRef> processes;
  kj::String interface;
  unsigned index = 0;

  kj::Maybe<const ProcessRef&> relay() const {
    if (processes.size() == 0) return nullptr;
    return processes[0];
  }
};

kj::Array<kj::String> linesOf(const relay::RelaySpec& spec,
                              kj::ArrayPtr<const ProcessRef> processes) {
  kj::Vector<kj::String> lines;
  lines.add(kj::str(spec.interface.c_str()));
  lines.add(kj::str(spec.index));
  for (auto& process : processes) lines.add(lineOf(process));
  return lines.releaseAsArray();
}

Known::Known(kj::ArrayPtr<const kj::String> lines) {
  if (lines.size() < 2) return;
  interface = kj::str(lines[0]);
  index = static_cast<unsigned>(strtoul(lines[1].cStr(), nullptr, 10));
  processes = processesIn(lines.slice(2, lines.size()));
}

// The page of a relay, which can be read when the relay is gone.
kj::AutoCloseFd pageOf(const ProcessRef& relay) {
  auto path = kj::str("/proc/", relay.pid, "/fd/2");
  kj::AutoCloseFd page(::open(path.cStr(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  // Afterwards, so that it is not the page of another process of this number.
  if (!lives(relay)) return nullptr;
  return page;
}

kj::Maybe<RelayStatus> statusOf(int page) {
  RelayStatus status;
  if (page >= 0 && relay::readStatus(page, status)) return status;
  return nullptr;
}

bool isInterfaceThere(const Known& known) {
  return ::if_nametoindex(known.interface.cStr()) == known.index;
}

kj::String witnessOf(const Known& known, const RelayStatus& status) {
  if (!isInterfaceThere(known)) return kj::str("interface ", known.interface, " is gone");
  kj::Vector<kj::String> parts;
  parts.add(kj::str("relay ", relay::tapName(known.index).c_str(), " has taken ", status.taken,
                    " packets"));
  auto add = [&](uint64_t count, kj::StringPtr what) {
    if (count > 0) parts.add(kj::str(count, " ", what));
  };
  add(status.delayed, "delayed");
  add(status.duplicated, "sent twice");
  add(status.overtaking, "sent ahead");
  add(status.damaged, "damaged");
  add(status.lost, "lost");
  add(status.refused, "refused by the interface");
  return kj::strArray(parts, ", ");
}

[[noreturn]] void failOf(const RelayStatus& status) {
  support::fail(static_cast<Kind>(status.failureKind), status.failureText);
}

// What is waited for in the life of a relay: `isDone` is asked for its page until then.
template <typename IsDone>
RelayStatus await(const ProcessRef& process, int page, int64_t limitNs, kj::StringPtr what,
                  IsDone&& isDone) {
  RelayStatus status;
  bool wasAlive = true;
  bool isOver = lookUntil(limitNs, [&]() {
    // It may end between the two looks, with its last words on the page.
    wasAlive = lives(process);
    bool isReadable = relay::readStatus(page, status);
    return !wasAlive || (isReadable && (status.state == State::kFailed || isDone(status)));
  });
  if (status.state == State::kFailed) failOf(status);
  if (isOver && isDone(status)) return status;
  if (!wasAlive) support::fail(Kind::SYSTEM, "the process of the relay was ended");
  support::fail(Kind::SYSTEM, "the relay ", what);
}

class RelayEffect final : public LocalEffect {
 public:
  void begin(const LocalSpec& spec, const LocalHost& host, RememberLines remember) const override {
    relay::RelaySpec relay = specFor(spec, host);
    kj::AutoCloseFd page(::memfd_create("muster-relay", MFD_CLOEXEC));
    if (page.get() < 0 || ::ftruncate(page, relay::kStatusBytes) < 0) {
      support::failErrno(errno, "make the page of a relay");
    }
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) < 0) support::failErrno(errno, "make a pipe");
    kj::AutoCloseFd reading(ends[0]);
    kj::AutoCloseFd writing(ends[1]);
    kj::Vector<ProcessRef> processes;
    processes.add(start(host, relay, reading, page));
    // It ends with the keeper, so nothing has to be remembered before it is there.
    KJ_ON_SCOPE_FAILURE(killOwnProcess(processes[0]));
    remember(linesOf(relay, processes));
    reading = nullptr;
    if (::write(writing, "", 1) != 1) {
      support::fail(Kind::SYSTEM, "the process of the relay was ended");
    }
    RelayStatus status = await(processes[0], page, kServingMaxNs, "does not begin to serve",
                               [](const RelayStatus& now) { return now.state == State::kServing; });
    processes.add(
        ProcessRef{static_cast<pid_t>(status.nftPid), status.nftStartTicks, kj::str(kNftName)});
    remember(linesOf(relay, processes));
    requireDelayed(processes[0], page, relay.shape);
  }

  Shown read(kj::ArrayPtr<const kj::String> lines) const override {
    Known known(lines);
    Shown shown;
    KJ_IF_MAYBE (relay, known.relay()) {
      auto page = pageOf(*relay);
      auto status = statusOf(page);
      KJ_IF_MAYBE (found, status) take(known, *found, shown);
    }
    return shown;
  }

  Shown remove(kj::ArrayPtr<const kj::String> lines) const override {
    Known known(lines);
    Shown shown;
    KJ_IF_MAYBE (relay, known.relay()) {
      auto page = pageOf(*relay);
      signalProcess(*relay, SIGTERM);
      lookUntil(kEndMaxNs, [&]() { return !lives(*relay); });
      auto status = statusOf(page);
      KJ_IF_MAYBE (found, status) {
        take(known, *found, shown);
        shown.isThere = found->state != State::kFailed;
      }
      if (!shown.isThere) shown.flaw = flawOf(known, status);
    }
    for (auto& process : known.processes) killOwnProcess(process);
    requireGone(known);
    return shown;
  }

 private:
  static relay::RelaySpec specFor(const LocalSpec& spec, const LocalHost& host) {
    relay::RelaySpec relay;
    for (uint16_t port : host.controlPorts) {
      if (port == 0) {
        support::fail(Kind::UNSUPPORTED,
                      "the agent listens on a port that the kernel chose, so it cannot be left out "
                      "of the fault; give it a port by its option listen");
      }
      relay.controlPorts.push_back(port);
    }
    relay.interface = spec.interface.cStr();
    relay.index = ::if_nametoindex(spec.interface.cStr());
    relay.shape = spec.shape;
    relay.keeper = ::getpid();
    return relay;
  }

  static ProcessRef start(const LocalHost& host, const relay::RelaySpec& spec, int input,
                          int page) {
    kj::AutoCloseFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    kj::Vector<kj::String> words;
    words.add(kj::str(relay::kRelayArgument));
    for (auto& word : relay::relayWords(spec)) words.add(kj::str(word.c_str()));
    OwnProgram own{host.program, words, input, null, page};
    return startOwnProgram(own, kName, kStartMaxNs);
  }

  // The relay has sent a frame to itself, which is held as any other.
  static void requireDelayed(const ProcessRef& process, int page, const relay::Shape& shape) {
    if (shape.delayNs + shape.jitterNs > kWitnessedDelayMaxNs) return;
    int64_t leastNs = shape.delayNs - shape.jitterNs;
    RelayStatus status = await(process, page, shape.delayNs + shape.jitterNs + kWitnessSlackNs,
                               "holds its first frame for too long",
                               [](const RelayStatus& now) { return now.probeHeldNs > 0; });
    auto heldNs = static_cast<int64_t>(status.probeHeldNs);
    if (heldNs >= leastNs) return;
    support::fail(Kind::SYSTEM, "the relay held a frame for ", heldNs, " ns, which is less than ",
                  leastNs);
  }

  static void take(const Known& known, const RelayStatus& status, Shown& shown) {
    shown.isThere = true;
    shown.isWorking = status.state == State::kServing;
    shown.packets = status.taken;
    shown.bytes = status.takenBytes;
    shown.witness = witnessOf(known, status);
  }

  static kj::String flawOf(const Known& known, const kj::Maybe<RelayStatus>& last) {
    KJ_IF_MAYBE (status, last) {
      return kj::str("the relay of interface ", known.interface,
                     " had ended before: ", status->failureText);
    }
    return kj::str("the process that relayed what interface ", known.interface,
                   " sends was ended before");
  }

  // The kernel takes the device and the table away with the processes.
  static void requireGone(const Known& known) {
    if (known.index == 0) return;
    std::string device = relay::tapName(known.index);
    if (lookUntil(kGoneMaxNs, [&]() { return ::if_nametoindex(device.c_str()) == 0; })) return;
    support::fail(Kind::SYSTEM, "the relay was ended, and its interface ", device.c_str(),
                  " is still there");
  }
};

}  // namespace

const LocalEffect& relayEffect() {
  static const RelayEffect kEffect;
  return kEffect;
}

}  // namespace nodeagent::netfault
