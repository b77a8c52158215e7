#include "tests_d/muster/simulation/network.h"

#include <string.h>

#include <algorithm>

#include <kj/debug.h>

namespace simulation {
namespace {

constexpr size_t kWindowBytes = 256 * 1024;

kj::Exception gone() {
  return kj::Exception(kj::Exception::Type::DISCONNECTED, __FILE__, __LINE__,
                       kj::str("connection reset by the simulation"));
}

}  // namespace

// One end of a link.
class LinkStream final : public kj::AsyncIoStream {
 public:
  LinkStream(kj::Own<Link> link, Link::Side side)
      : link_(kj::mv(link)),
        in_(link_->ways_[Link::index(side)]),
        out_(link_->ways_[1 - Link::index(side)]) {}

  ~LinkStream() noexcept(false) {
    shutdownWrite();
    link_->stopReading(in_);
  }

  kj::Promise<size_t> tryRead(void* buffer, size_t minBytes, size_t maxBytes) override {
    return readMore(static_cast<char*>(buffer), minBytes, maxBytes, 0);
  }

  kj::Promise<void> write(const void* buffer, size_t size) override {
    if (out_.broken || out_.unread || out_.closing) return gone();
    link_->send(out_, kj::arrayPtr(static_cast<const kj::byte*>(buffer), size));
    return awaitRoom();
  }

  kj::Promise<void> write(kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> pieces) override {
    if (out_.broken || out_.unread || out_.closing) return gone();
    for (auto piece : pieces) link_->send(out_, piece);
    return awaitRoom();
  }

  kj::Promise<void> whenWriteDisconnected() override {
    if (out_.broken || out_.unread) return kj::READY_NOW;
    return Link::whenWoken(out_.gone);
  }

  void shutdownWrite() override {
    if (out_.closing) return;
    out_.closing = true;
    link_->settle(out_);
  }

  // Acts as shutdown(2) of both directions.
  void abortRead() override {
    shutdownWrite();
    in_.closing = true;
    in_.travelling.clear();
    in_.travellingBytes = 0;
    in_.silent = false;
    link_->settle(in_);
    link_->stopReading(in_);
  }

  void getsockopt(int, int, void* value, unsigned int* length) override {
    int bytes = 64 * 1024;
    KJ_REQUIRE(*length == sizeof bytes);
    memcpy(value, &bytes, sizeof bytes);
  }

 private:
  kj::Promise<size_t> readMore(char* buffer, size_t minBytes, size_t maxBytes, size_t had) {
    if (in_.broken) return gone();
    size_t count = std::min(maxBytes, in_.arrived.size());
    memcpy(buffer, in_.arrived.data(), count);
    in_.arrived.erase(0, count);
    if (count > 0) Link::wake(in_.writer);
    had += count;
    if (count >= minBytes || in_.closed) return had;
    return Link::whenWoken(in_.reader).then([this, buffer, minBytes, maxBytes, count, had]() {
      return readMore(buffer + count, minBytes - count, maxBytes - count, had);
    });
  }

  kj::Promise<void> awaitRoom() {
    if (out_.broken || out_.unread) return gone();
    if (out_.travellingBytes + out_.arrived.size() < kWindowBytes) return kj::READY_NOW;
    return Link::whenWoken(out_.writer).then([this]() { return awaitRoom(); });
  }

  kj::Own<Link> link_;
  Link::Way& in_;
  Link::Way& out_;
};

void Link::wake(Waiter& waiter) {
  KJ_IF_MAYBE (fulfiller, waiter) {
    auto woken = kj::mv(*fulfiller);
    waiter = nullptr;
    woken->fulfill();
  }
}

kj::Promise<void> Link::whenWoken(Waiter& waiter) {
  auto pair = kj::newPromiseAndFulfiller<void>();
  waiter = kj::mv(pair.fulfiller);
  return kj::mv(pair.promise);
}

void Link::send(Way& way, kj::ArrayPtr<const kj::byte> bytes) {
  if (options_.delayMostNs == 0) {
    arrive(way, std::string(bytes.asChars().begin(), bytes.size()));
    return;
  }
  while (bytes.size() > 0) {
    size_t most = std::min(bytes.size(), options_.fragmentBytesMax);
    size_t count = most;
    if (options_.fragmentBytesMax != SIZE_MAX) {
      count = static_cast<size_t>(world_.random().between(1, static_cast<int64_t>(most)));
      if (count < bytes.size()) world_.count(Event::kFragmented);
    }
    auto at =
        world_.timer().now() +
        world_.random().between(options_.delayLeastNs, options_.delayMostNs) * kj::NANOSECONDS;
    if (!way.travelling.empty()) at = std::max(at, way.travelling.back().at);
    way.travelling.push_back({at, std::string(bytes.asChars().begin(), count)});
    way.travellingBytes += count;
    bytes = bytes.slice(count, bytes.size());
  }
  begin(way);
}

void Link::begin(Way& way) {
  if (way.delivery == nullptr) {
    way.delivery = deliver(way).eagerlyEvaluate(nullptr);
  } else {
    wake(way.deliverer);
  }
}

kj::Promise<void> Link::deliver(Way& way) {
  if (way.broken) return kj::READY_NOW;
  if (way.travelling.empty() || way.silent) {
    settle(way);
    return whenWoken(way.deliverer).then([this, &way]() { return deliver(way); });
  }
  auto at = way.travelling.front().at;
  if (world_.timer().now() < at) {
    return world_.timer().atTime(at).then([this, &way]() { return deliver(way); });
  }
  Piece piece = kj::mv(way.travelling.front());
  way.travelling.pop_front();
  way.travellingBytes -= piece.bytes.size();
  arrive(way, kj::mv(piece.bytes));
  // A direct call would recurse, and a long queue would make a deep stack.
  return kj::evalLater([this, &way]() { return deliver(way); });
}

void Link::arrive(Way& way, std::string bytes) {
  if (way.broken || way.unread) return;
  way.deliveredBytes += bytes.size();
  way.arrived += bytes;
  KJ_IF_MAYBE (callback, way.arrival) (*callback)();
  wake(way.reader);
  if (way.deliveredBytes >= way.resetAt) {
    world_.noteAndCount(Event::kLinkCutInFrame, way.deliveredBytes);
    reset();
  }
}

// Delivers the end, once everything before it has arrived.
void Link::settle(Way& way) {
  if (!way.closing || way.closed || way.silent || !way.travelling.empty()) return;
  way.closed = true;
  wake(way.reader);
}

void Link::stopReading(Way& way) {
  way.unread = true;
  way.arrived.clear();
  way.travelling.clear();
  way.travellingBytes = 0;
  wake(way.writer);
  wake(way.gone);
}

void Link::reset() {
  for (Way& way : ways_) {
    way.broken = true;
    way.arrived.clear();
    way.travelling.clear();
    way.travellingBytes = 0;
    wake(way.reader);
    wake(way.writer);
    wake(way.gone);
  }
}

void Link::close() {
  for (Way& way : ways_) {
    way.closing = true;
    settle(way);
    wake(way.deliverer);
  }
}

void Link::resetAfter(Side receiver, uint64_t bytes) {
  Way& way = ways_[index(receiver)];
  way.resetAt = way.deliveredBytes + bytes;
}

void Link::setPassage(Side receiver, Passage passage) {
  Way& way = ways_[index(receiver)];
  way.silent = passage == Passage::kSilent;
  if (!way.silent) {
    settle(way);
    wake(way.deliverer);
  }
}

LinkEnds makeLink(World& world, LinkOptions options) {
  auto link = kj::refcounted<Link>(world, options);
  auto client = kj::heap<LinkStream>(kj::addRef(*link), Link::Side::kClient);
  auto server = kj::heap<LinkStream>(kj::addRef(*link), Link::Side::kServer);
  return {kj::mv(link), kj::mv(client), kj::mv(server)};
}

}  // namespace simulation
