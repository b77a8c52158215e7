#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <map>
#include <mutex>
#include <ostream>
#include <random>
#include <stdexcept>
#include <system_error>
#include <thread>

#include <muster/fault_proxy.h>

#include "harness/faultproxy/proxy_link.h"
#include "harness/faultproxy/socket.h"
#include "harness/values/wait_time.h"

namespace muster {

using harness::Fd;
using harness::LinkSide;
using harness::ProxyLink;
using Time = ProxyLink::Time;

namespace {

constexpr int kEventsMax = 64;
// Keys tell epoll events apart. The sides of link n have the keys 2n and 2n + 1, and links begin at
// number 1.
constexpr uint64_t kWakeKey = 0;
constexpr uint64_t kListenKey = 1;
constexpr auto kAcceptPause = std::chrono::milliseconds(50);

const char* nameOf(ByteFault::Kind kind) {
  switch (kind) {
    case ByteFault::Kind::kCut:
      return "cut";
    case ByteFault::Kind::kReset:
      return "reset";
    case ByteFault::Kind::kHalfClose:
      return "half close";
    case ByteFault::Kind::kBlackhole:
      return "blackhole";
    case ByteFault::Kind::kFlipBit:
      return "flip of bit";
  }
  return "?";
}

const char* nameOf(ProxyFlow flow) {
  switch (flow) {
    case ProxyFlow::kToTarget:
      return "to target";
    case ProxyFlow::kToClient:
      return "to client";
    case ProxyFlow::kBoth:
      return "both ways";
  }
  return "?";
}

uint64_t randomSeed() {
  std::random_device device;
  return (uint64_t{device()} << 32) | device();
}

}  // namespace

std::string toString(const FaultDecision& decision) {
  std::string text = "connection " + std::to_string(decision.connection) + " " +
                     nameOf(decision.flow) + ": " + nameOf(decision.kind);
  if (decision.kind == ByteFault::Kind::kFlipBit) text += " " + std::to_string(decision.bit);
  return text + " at byte " + std::to_string(decision.offset);
}

void PrintTo(ProxyFlow flow, std::ostream* out) {
  *out << nameOf(flow);
}

void PrintTo(ByteFault::Kind kind, std::ostream* out) {
  *out << nameOf(kind);
}

void PrintTo(const ByteFault& fault, std::ostream* out) {
  *out << nameOf(fault.kind) << " at byte " << fault.first;
  if (fault.last) *out << " to " << *fault.last;
}

void PrintTo(const FlowFaults& faults, std::ostream* out) {
  *out << "delay " << faults.delay.count() << " ns, jitter " << faults.jitter.count() << " ns";
  if (faults.bytesPerSecond > 0) *out << ", " << faults.bytesPerSecond << " bytes a second";
  if (faults.pieceBytesMax > 0) *out << ", pieces of " << faults.pieceBytesMax << " bytes";
  if (faults.blackhole) *out << ", blackhole";
  for (const ByteFault& fault : faults.at) {
    *out << ", ";
    PrintTo(fault, out);
  }
}

void PrintTo(const ProxyFaults& faults, std::ostream* out) {
  *out << "to target: ";
  PrintTo(faults.toTarget, out);
  *out << "; to client: ";
  PrintTo(faults.toClient, out);
}

void PrintTo(const FaultDecision& decision, std::ostream* out) {
  *out << toString(decision);
}

void PrintTo(const FaultCounters& counters, std::ostream* out) {
  *out << counters.accepted << " connections accepted, " << counters.open << " open, "
       << counters.unreachable << " unreachable, " << counters.bytesToTarget << " bytes to target, "
       << counters.bytesToClient << " to client, " << counters.writes << " writes, "
       << counters.swallowedBytes << " bytes swallowed, " << counters.faults << " faults";
}

void PrintTo(const FaultProxyOptions& options, std::ostream* out) {
  *out << "target " << options.target << ", listens at " << options.listen << ", buffers of "
       << options.bufferBytesMax << " bytes, " << (options.script ? "by a script" : "");
  if (!options.script) PrintTo(options.faults, out);
}

class FaultProxy::Impl {
 public:
  explicit Impl(FaultProxyOptions options);
  ~Impl();

  // Runs `change` on the state between two turns of the loop, then wakes the loop.
  template <typename F>
  void change(F&& change);
  template <typename F>
  auto look(F&& look) const {
    std::lock_guard lock(mutex_);
    return look();
  }

  void setFaults(const ProxyFaults& faults);
  void blackhole(ProxyFlow flow);
  void resetAll();
  void cutAll();
  void stopListening() { shutListener(); }
  void listenAgain();

  mutable std::mutex mutex_;
  mutable std::condition_variable turned_;
  FaultProxyOptions options_;
  support::Endpoint listen_;
  support::Endpoint target_;
  std::string addressText_;
  uint64_t seed_ = 0;
  harness::FaultLedger ledger_;
  std::map<uint64_t, ProxyLink> links_;

 private:
  void run();
  void open();
  void shutListener();
  void turn(const epoll_event* events, int count);
  void acceptAll(Time now);
  void accepted(Fd client, Time now);
  void pumpAll(Time now);
  void watch(ProxyLink& link, LinkSide side);
  timespec timeout() const;
  ProxyFaults faultsOf(uint64_t connection) const;

  Fd holder_;  // Reserves the TCP port while the listener is closed.
  Fd listener_;
  Fd epoll_;
  Fd wake_;
  // The events that epoll reports, by key.
  std::map<uint64_t, uint32_t> watched_;
  // Set while there is no descriptor for a new connection.
  std::optional<Time> acceptAgainAt_;
  bool stopping_ = false;
  std::thread thread_;
};

FaultProxy::Impl::Impl(FaultProxyOptions options)
    : options_(std::move(options)),
      listen_(harness::addressFromText(options_.listen)),
      target_(harness::addressFromText(options_.target)) {
  if (!listen_.loopback()) {
    throw std::invalid_argument("address \"" + options_.listen + "\": not of the loopback");
  }
  epoll_ = Fd(epoll_create1(EPOLL_CLOEXEC));
  wake_ = Fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!epoll_ || !wake_) throw std::system_error(errno, std::generic_category(), "epoll");
  epoll_event event{EPOLLIN, {.u64 = kWakeKey}};
  epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event);
  if (!harness::isUnix(listen_)) holder_ = harness::bindSocket(listen_);
  open();
  addressText_ = harness::textOf(listen_);
  seed_ = options_.seed ? *options_.seed : randomSeed();
  if (!options_.seed) {
    std::fprintf(stderr, "fault proxy %s to %s: seed %llu\n", addressText_.c_str(),
                 options_.target.c_str(), static_cast<unsigned long long>(seed_));
  }
  // The loop's thread inherits a mask that leaves signals to the program's own threads.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

FaultProxy::Impl::~Impl() {
  change([this] { stopping_ = true; });
  thread_.join();
  for (auto& [number, link] : links_) link.reset();
  shutListener();
  if (harness::isUnix(listen_)) unlink(listen_.path().c_str());
}

void FaultProxy::Impl::open() {
  listener_ = harness::listenOn(listen_);
  epoll_event event{EPOLLIN, {.u64 = kListenKey}};
  epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, listener_.get(), &event);
}

void FaultProxy::Impl::shutListener() {
  listener_.reset();
  acceptAgainAt_.reset();
}

template <typename F>
void FaultProxy::Impl::change(F&& change) {
  std::lock_guard lock(mutex_);
  change();
  uint64_t one = 1;
  // The write fails only when the counter is full, and then the loop wakes anyway.
  if (write(wake_.get(), &one, sizeof(one)) < 0) return;
}

ProxyFaults FaultProxy::Impl::faultsOf(uint64_t connection) const {
  return options_.script ? options_.script(connection) : options_.faults;
}

void FaultProxy::Impl::run() {
  epoll_event events[kEventsMax];
  while (true) {
    timespec wait{};
    {
      std::lock_guard lock(mutex_);
      if (stopping_) return;
      wait = timeout();
    }
    int count =
        epoll_pwait2(epoll_.get(), events, kEventsMax, wait.tv_sec < 0 ? nullptr : &wait, nullptr);
    std::lock_guard lock(mutex_);
    turn(events, std::max(count, 0));
  }
}

// The time until the next link is due. Negative if none is.
timespec FaultProxy::Impl::timeout() const {
  std::optional<Time> first = acceptAgainAt_;
  for (const auto& [number, link] : links_) {
    auto at = link.wakeAt();
    if (at && (!first || *at < *first)) first = at;
  }
  if (!first) return {-1, 0};
  auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(
      *first - std::chrono::steady_clock::now());
  int64_t ns = std::max<int64_t>(left.count(), 0);
  return {static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
}

void FaultProxy::Impl::turn(const epoll_event* events, int count) {
  Time now = std::chrono::steady_clock::now();
  for (int i = 0; i < count; ++i) {
    uint64_t key = events[i].data.u64;
    if (key == kWakeKey) {
      uint64_t times;
      if (read(wake_.get(), &times, sizeof(times)) < 0) continue;
    } else if (key == kListenKey) {
      acceptAll(now);
    } else if (auto it = links_.find(key / 2); it != links_.end()) {
      it->second.ready(static_cast<LinkSide>(key % 2), events[i].events);
    }
  }
  if (acceptAgainAt_ && *acceptAgainAt_ <= now && listener_) {
    acceptAgainAt_.reset();
    epoll_event event{EPOLLIN, {.u64 = kListenKey}};
    epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, listener_.get(), &event);
  }
  pumpAll(now);
  ledger_.counters.open = links_.size();
  turned_.notify_all();
}

void FaultProxy::Impl::acceptAll(Time now) {
  while (listener_) {
    int fd = accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      accepted(Fd(fd), now);
      continue;
    }
    if (errno == ECONNABORTED || errno == EINTR) continue;
    if (errno != EAGAIN) {
      // Without a free descriptor, epoll would report the listener without end.
      epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, listener_.get(), nullptr);
      acceptAgainAt_ = now + kAcceptPause;
    }
    return;
  }
}

void FaultProxy::Impl::accepted(Fd client, Time now) {
  uint64_t number = ++ledger_.counters.accepted;
  harness::setNoDelay(client.get());
  Fd target;
  try {
    target = harness::beginConnect(target_);
  } catch (const std::system_error&) {
    // Without a descriptor for the target, the client is treated as if the target refused it.
  }
  if (!target) {
    ++ledger_.counters.unreachable;
    harness::closeWithReset(client);
    return;
  }
  ProxyLink::Options link{number, seed_, options_.bufferBytesMax, faultsOf(number)};
  links_.try_emplace(number, link, std::move(client), std::move(target), ledger_);
  links_.at(number).pump(now);
}

void FaultProxy::Impl::pumpAll(Time now) {
  for (auto it = links_.begin(); it != links_.end();) {
    ProxyLink& link = it->second;
    link.pump(now);
    watch(link, LinkSide::kClient);
    watch(link, LinkSide::kTarget);
    it = link.over() ? links_.erase(it) : std::next(it);
  }
}

void FaultProxy::Impl::watch(ProxyLink& link, LinkSide side) {
  uint64_t key = link.number() * 2 + static_cast<uint64_t>(side);
  auto known = watched_.find(key);
  auto wanted = link.interest(side);
  if (!wanted) {
    // A closed socket has left epoll by itself.
    if (known == watched_.end()) return;
    if (link.descriptor(side) >= 0) {
      epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, link.descriptor(side), nullptr);
    }
    watched_.erase(known);
    return;
  }
  if (known != watched_.end() && known->second == *wanted) return;
  epoll_event event{*wanted, {.u64 = key}};
  int operation = known == watched_.end() ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  epoll_ctl(epoll_.get(), operation, link.descriptor(side), &event);
  watched_[key] = *wanted;
}

void FaultProxy::Impl::setFaults(const ProxyFaults& faults) {
  options_.faults = faults;
  options_.script = nullptr;
  for (auto& [number, link] : links_) link.setFaults(faults);
}

void FaultProxy::Impl::blackhole(ProxyFlow flow) {
  auto stop = [flow](ProxyFaults& faults) {
    if (flow != ProxyFlow::kToClient) faults.toTarget.blackhole = true;
    if (flow != ProxyFlow::kToTarget) faults.toClient.blackhole = true;
  };
  stop(options_.faults);
  if (options_.script) {
    options_.script = [script = options_.script, stop](uint64_t connection) {
      ProxyFaults faults = script(connection);
      stop(faults);
      return faults;
    };
  }
  for (auto& [number, link] : links_) link.setBlackhole(flow);
}

void FaultProxy::Impl::resetAll() {
  for (auto& [number, link] : links_) {
    if (link.over()) continue;
    ledger_.add({number, ProxyFlow::kBoth, ByteFault::Kind::kReset, 0, 0});
    link.reset();
  }
}

void FaultProxy::Impl::cutAll() {
  for (auto& [number, link] : links_) {
    if (link.over()) continue;
    ledger_.add({number, ProxyFlow::kBoth, ByteFault::Kind::kCut, 0, 0});
    link.cut(std::chrono::steady_clock::now());
  }
}

void FaultProxy::Impl::listenAgain() {
  if (!listener_) open();
}

FaultProxy::FaultProxy(FaultProxyOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}

FaultProxy::~FaultProxy() = default;

const std::string& FaultProxy::address() const {
  return impl_->addressText_;
}

uint16_t FaultProxy::port() const {
  return impl_->listen_.port();
}

uint64_t FaultProxy::seed() const {
  return impl_->seed_;
}

void FaultProxy::setFaults(const ProxyFaults& faults) {
  impl_->change([&] { impl_->setFaults(faults); });
}

void FaultProxy::heal() {
  setFaults({});
}

void FaultProxy::blackhole(ProxyFlow flow) {
  impl_->change([&] { impl_->blackhole(flow); });
}

void FaultProxy::resetAll() {
  impl_->change([&] { impl_->resetAll(); });
}

void FaultProxy::cutAll() {
  impl_->change([&] { impl_->cutAll(); });
}

void FaultProxy::halfCloseAll(ProxyFlow flow) {
  impl_->change([&] {
    for (auto& [number, link] : impl_->links_) link.halfClose(flow);
  });
}

void FaultProxy::stopListening() {
  impl_->change([&] { impl_->stopListening(); });
}

void FaultProxy::listenAgain() {
  impl_->change([&] { impl_->listenAgain(); });
}

void FaultProxy::setTarget(const std::string& target) {
  support::Endpoint address = harness::addressFromText(target);
  impl_->change([&] { impl_->target_ = address; });
}

FaultCounters FaultProxy::counters() const {
  return impl_->look([&] { return impl_->ledger_.counters; });
}

std::vector<FaultDecision> FaultProxy::decisions() const {
  return impl_->look([&] { return impl_->ledger_.decisions; });
}

bool FaultProxy::await(const std::function<bool(const FaultCounters&)>& condition,
                       std::chrono::nanoseconds within) const {
  std::unique_lock lock(impl_->mutex_);
  return impl_->turned_.wait_for(lock, harness::waitTime(within),
                                 [&] { return condition(impl_->ledger_.counters); });
}

}  // namespace muster
