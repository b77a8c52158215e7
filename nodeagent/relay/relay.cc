#include "nodeagent/relay/relay.h"

#include <errno.h>
#include <netinet/if_ether.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <sstream>

#include <kj/debug.h>
#include <kj/io.h>

#include "nodeagent/os/process.h"
#include "nodeagent/relay/link.h"
#include "nodeagent/relay/link_filter.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::relay {
namespace {

using Kind = wire::Error::Kind;
using State = RelayStatus::State;

constexpr int kWrongWords = 64;
constexpr int kCannotServe = 71;
constexpr size_t kWords = 10;
// "must" in ASCII.
constexpr uint32_t kMark = 0x6d757374;
// As large as IP can be, with its Ethernet header and tags.
constexpr size_t kFrameBytesMax = (64 << 10) + 64;
// Frames that are taken and sent between two looks at everything else.
constexpr int kFramesPerTurn = 256;
constexpr int64_t kProbeMaxNs = 5'000'000'000;
constexpr int64_t kProbeAgainNs = 20'000'000;
// What is held at the end and not sent by then is lost.
constexpr int64_t kDrainMaxNs = 2'000'000'000;

int64_t nowNs() {
  struct timespec now {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

Schedule::Random anyRandom() {
  std::random_device device;
  uint64_t seed = uint64_t{device()} << 32 | device();
  return [engine = std::mt19937_64(seed)]() mutable { return engine(); };
}

// The page that the keeper reads. It is one writer's, at the same place in every process.
class StatusPage {
 public:
  StatusPage()
      : status_(static_cast<RelayStatus*>(
            ::mmap(nullptr, kStatusBytes, PROT_READ | PROT_WRITE, MAP_SHARED, STDERR_FILENO, 0))) {}

  bool isThere() const { return status_ != MAP_FAILED; }

  void set(uint64_t RelayStatus::*field, uint64_t value) {
    __atomic_store_n(&(status_->*field), value, __ATOMIC_RELAXED);
  }

  // All that was set before is seen with it.
  void setState(State state) {
    __atomic_store_n(reinterpret_cast<uint64_t*>(&status_->state), static_cast<uint64_t>(state),
                     __ATOMIC_RELEASE);
  }

  void setFailure(const support::Failure& failure) {
    set(&RelayStatus::failureKind, static_cast<uint64_t>(failure.kind));
    ::strncpy(status_->failureText, failure.text.cStr(), sizeof status_->failureText - 1);
    setState(State::kFailed);
  }

 private:
  RelayStatus* status_;
};

// A frame to ourselves, which no other can be taken for: a datagram of IPv4 to an address that is
// reserved for documentation. A switch that gets it passes it on to nobody.
std::vector<uint8_t> probeFrame(kj::ArrayPtr<const kj::byte> own, const Schedule::Random& random) {
  constexpr size_t kContentBytes = 24;
  std::vector<uint8_t> frame;
  auto add = [&](std::initializer_list<uint8_t> bytes) { frame.insert(frame.end(), bytes); };
  frame.insert(frame.end(), own.begin(), own.end());
  frame.insert(frame.end(), own.begin(), own.end());
  add({0x08, 0x00});
  add({0x45, 0, 0, 28 + kContentBytes, 0, 0, 0, 0, 1, 17, 0, 0, 0, 0, 0, 0, 192, 0, 2, 33});
  add({0x82, 0xbd, 0x82, 0xbd, 0, 8 + kContentBytes, 0, 0});
  for (size_t i = 0; i < kContentBytes; ++i) frame.push_back(static_cast<uint8_t>(random()));
  return frame;
}

class Relay {
 public:
  Relay(const RelaySpec& spec, StatusPage& page, int keeper, int signals)
      : page_(page),
        keeper_(keeper),
        signals_(signals),
        random_(anyRandom()),
        schedule_(spec.shape, anyRandom()),
        probe_(probeFrame(ethernetAddressOf(spec.interface), random_)),
        tap_(tapName(spec.index)),
        out_(spec.index, kMark),
        probing_(spec.index, 0),
        filter_(filterSpec(spec)) {
    page_.set(&RelayStatus::nftPid, static_cast<uint64_t>(filter_.pid()));
    auto nft = readProcess(filter_.pid());
    KJ_IF_MAYBE (info, nft) page_.set(&RelayStatus::nftStartTicks, info->startTicks);
  }

  // Relays until it is told to end. Fails if its filter is taken away. What is held goes out.
  void run() {
    KJ_ON_SCOPE_FAILURE(sendAll());
    awaitProbe();
    page_.setState(State::kServing);
    while (turn(INT64_MAX)) {
    }
    end();
  }

 private:
  static FilterSpec filterSpec(const RelaySpec& spec) {
    return {"muster_relay_" + std::to_string(spec.index), spec.interface, tapName(spec.index),
            kMark, spec.controlPorts};
  }

  // The filter says that it is there; this shows that it is. A frame that comes before the kernel
  // uses it is lost.
  void awaitProbe() {
    int64_t untilNs = nowNs() + kProbeMaxNs;
    while (!hasProbe_) {
      probing_.send(kj::arrayPtr(probe_.data(), probe_.size()));
      int64_t againNs = nowNs() + kProbeAgainNs;
      while (!hasProbe_ && nowNs() < againNs) {
        if (!turn(againNs)) support::fail(Kind::SYSTEM, "the relay was told to end at once");
      }
      if (nowNs() < untilNs) continue;
      support::fail(Kind::SYSTEM, "a frame that was sent did not come to the relay");
    }
  }

  // Sends what is due, and takes what comes until then or until `untilNs`. Returns false if the
  // relay is to end.
  bool turn(int64_t untilNs) {
    sendDue();
    publish();
    untilNs = std::min(untilNs, schedule_.nextDueNs().value_or(INT64_MAX));
    struct timespec wait {};
    int64_t leftNs = std::max<int64_t>(untilNs - nowNs(), 0);
    wait.tv_sec = leftNs / 1'000'000'000;
    wait.tv_nsec = leftNs % 1'000'000'000;
    struct pollfd files[] = {{tap_.file(), POLLIN, 0},
                             {signals_, POLLIN, 0},
                             {keeper_, POLLIN, 0},
                             {filter_.output(), POLLIN, 0}};
    ::ppoll(files, std::size(files), untilNs == INT64_MAX ? nullptr : &wait, nullptr);
    if (files[1].revents != 0 || files[2].revents != 0) return false;
    if (files[3].revents != 0) {
      support::fail(Kind::SYSTEM, "nft, which holds the filter of the relay, was ended");
    }
    takeFrames();
    return true;
  }

  // Returns whether there may be more.
  bool takeFrames() {
    for (int i = 0; i < kFramesPerTurn; ++i) {
      auto frame = tap_.read(buffer_);
      if (frame.size() == 0) return false;
      if (isProbe(frame)) {
        if (!hasProbe_) schedule_.takeProbe(frame, nowNs());
        hasProbe_ = true;
      } else {
        schedule_.take(frame, nowNs());
      }
    }
    return true;
  }

  void sendDue() {
    for (int i = 0; i < kFramesPerTurn; ++i) {
      auto due = schedule_.next(nowNs());
      // One that does not take a frame may take long to refuse the next one, too.
      if (!due || !send(*due)) return;
    }
  }

  void sendAll() {
    int64_t untilNs = nowNs() + kDrainMaxNs;
    while (nowNs() < untilNs) {
      auto held = schedule_.next(INT64_MAX);
      if (!held) break;
      send(*held);
    }
    publish();
  }

  // Returns whether the interface took it.
  bool send(const HeldFrame& frame) {
    auto bytes = kj::arrayPtr(frame.bytes.data(), frame.bytes.size());
    if (isProbe(bytes)) {
      page_.set(&RelayStatus::probeHeldNs,
                static_cast<uint64_t>(std::max<int64_t>(nowNs() - frame.takenNs, 1)));
      return true;
    }
    bool isTaken = out_.send(bytes);
    refused_ += isTaken ? 0 : 1;
    return isTaken;
  }

  bool isProbe(kj::ArrayPtr<const kj::byte> frame) const {
    return frame.size() == probe_.size() &&
           ::memcmp(frame.begin(), probe_.data(), probe_.size()) == 0;
  }

  void publish() {
    const ScheduleCount& count = schedule_.count();
    page_.set(&RelayStatus::taken, count.taken);
    page_.set(&RelayStatus::takenBytes, count.takenBytes);
    page_.set(&RelayStatus::delayed, count.delayed);
    page_.set(&RelayStatus::duplicated, count.duplicated);
    page_.set(&RelayStatus::overtaking, count.overtaking);
    page_.set(&RelayStatus::damaged, count.damaged);
    page_.set(&RelayStatus::lost, count.lost);
    page_.set(&RelayStatus::refused, refused_);
    page_.set(&RelayStatus::held, schedule_.heldFrames());
  }

  // What the kernel has turned over until now goes out before what it sends itself from now on, as
  // far as that can be.
  void end() {
    bool isGone = filter_.end();
    // As long as nothing is turned over any more, this comes to an end.
    while (isGone && takeFrames()) {
    }
    sendAll();
    if (!isGone) support::fail(Kind::SYSTEM, "nft, which holds the filter, does not end");
    page_.setState(State::kOver);
  }

  StatusPage& page_;
  const int keeper_;
  const int signals_;
  Schedule::Random random_;
  Schedule schedule_;
  const std::vector<uint8_t> probe_;
  bool hasProbe_ = false;
  uint64_t refused_ = 0;
  kj::Array<kj::byte> buffer_ = kj::heapArray<kj::byte>(kFrameBytesMax);
  Tap tap_;
  FrameSocket out_;
  FrameSocket probing_;
  // Ends first, so that nothing is turned over to a device that is gone.
  LinkFilter filter_;
};

// Returns whether the keeper has said so; it may be gone instead.
bool isToldToBegin() {
  char byte;
  ssize_t count;
  do {
    count = ::read(STDIN_FILENO, &byte, 1);
  } while (count < 0 && errno == EINTR);
  return count == 1;
}

int signalFile() {
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &ends, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  return ::signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
}

uint64_t numberIn(const std::string& word) {
  return strtoull(word.c_str(), nullptr, 10);
}

RelaySpec specIn(const std::vector<std::string>& words) {
  RelaySpec spec;
  spec.interface = words[0];
  spec.index = static_cast<unsigned>(numberIn(words[1]));
  spec.shape.bitsPerSecond = numberIn(words[2]);
  spec.shape.delayNs = static_cast<int64_t>(numberIn(words[3]));
  spec.shape.jitterNs = static_cast<int64_t>(numberIn(words[4]));
  spec.shape.duplicatePpm = static_cast<uint32_t>(numberIn(words[5]));
  spec.shape.reorderPpm = static_cast<uint32_t>(numberIn(words[6]));
  spec.shape.corruptPpm = static_cast<uint32_t>(numberIn(words[7]));
  std::istringstream ports(words[8]);
  std::string port;
  while (std::getline(ports, port, ',')) {
    spec.controlPorts.push_back(static_cast<uint16_t>(numberIn(port)));
  }
  spec.keeper = static_cast<pid_t>(numberIn(words[9]));
  return spec;
}

}  // namespace

std::vector<std::string> relayWords(const RelaySpec& spec) {
  const Shape& shape = spec.shape;
  std::string ports;
  for (uint16_t port : spec.controlPorts)
    ports += (ports.empty() ? "" : ",") + std::to_string(port);
  return {spec.interface,
          std::to_string(spec.index),
          std::to_string(shape.bitsPerSecond),
          std::to_string(shape.delayNs),
          std::to_string(shape.jitterNs),
          std::to_string(shape.duplicatePpm),
          std::to_string(shape.reorderPpm),
          std::to_string(shape.corruptPpm),
          ports,
          std::to_string(spec.keeper)};
}

std::string tapName(unsigned index) {
  return "muster-" + std::to_string(index);
}

bool readStatus(int file, RelayStatus& status) {
  return ::pread(file, &status, kStatusBytes, 0) == static_cast<ssize_t>(kStatusBytes);
}

int runRelay(const std::vector<std::string>& words) {
  if (words.size() != kWords) return kWrongWords;
  RelaySpec spec = specIn(words);
  StatusPage page;
  if (!page.isThere()) return kWrongWords;
  kj::AutoCloseFd keeper(static_cast<int>(::syscall(SYS_pidfd_open, spec.keeper, 0)));
  if (keeper.get() < 0 || ::getppid() != spec.keeper) return kCannotServe;
  kj::AutoCloseFd signals(signalFile());
  // Frames are late by no more than they are to be.
  ::prctl(PR_SET_TIMERSLACK, 1);
  if (!isToldToBegin()) return kCannotServe;
  KJ_IF_MAYBE (exception,
               kj::runCatchingExceptions([&]() { Relay(spec, page, keeper, signals).run(); })) {
    page.setFailure(support::toFailure(*exception, "relay"));
    return kCannotServe;
  }
  return 0;
}

}  // namespace nodeagent::relay
