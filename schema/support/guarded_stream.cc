#include "schema/support/guarded_stream.h"

#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <capnp/rpc.capnp.h>
#include <kj/debug.h>

#include "schema/support/wire_error.h"

namespace support {
namespace {

using Kind = wire::Error::Kind;
using Segments = kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>>;

constexpr size_t kCopiedBytesMax = 16 << 10;  // A larger message is not copied.
constexpr size_t kPendingBytesMax = 64 << 10;

kj::Array<kj::byte> makeTable(Segments segments) {
  auto table = kj::heapArray<kj::byte>((segments.size() + 2) / 2 * sizeof(capnp::word));
  memset(table.begin(), 0, table.size());
  auto put = [&table](size_t index, uint32_t value) {
    for (int i = 0; i < 4; ++i) table[4 * index + i] = static_cast<kj::byte>(value >> (8 * i));
  };
  put(0, static_cast<uint32_t>(segments.size() - 1));
  for (size_t i = 0; i < segments.size(); ++i)
    put(i + 1, static_cast<uint32_t>(segments[i].size()));
  return table;
}

}  // namespace

capnp::ReaderOptions readerOptions() {
  capnp::ReaderOptions options;
  options.traversalLimitInWords = 2 * kFrameBytesMax / sizeof(capnp::word);
  options.nestingLimit = 32;
  return options;
}

GuardOptions clientGuardOptions() {
  GuardOptions options;
  options.frame.bytesMax = kFrameBytesMax;
  options.queueMessagesMax = SIZE_MAX;
  options.queueBytesMax = SIZE_MAX;
  return options;
}

GuardedStream::GuardedStream(kj::AsyncIoStream& stream, kj::Timer& timer, GuardOptions options)
    : stream_(stream),
      options_(options),
      reader_(stream, timer, options.frame),
      probe_([]() { return Queue{}; }),
      arrival_([]() {}),
      writing_(kj::Promise<void>(kj::READY_NOW).fork()),
      flushing_(kj::READY_NOW) {}

GuardedStream::~GuardedStream() noexcept(false) {}

kj::Promise<kj::Maybe<capnp::MessageReaderAndFds>> GuardedStream::tryReadMessage(
    kj::ArrayPtr<kj::AutoCloseFd>, capnp::ReaderOptions options, kj::ArrayPtr<capnp::word>) {
  using Result = kj::Maybe<capnp::MessageReaderAndFds>;
  return waitForQueue()
      .then([this]() { return reader_.read(); })
      .then([this, options](kj::Maybe<Frame>&& frame) -> Result {
        KJ_IF_MAYBE (present, frame) {
          auto message = Frame::intoReader(kj::mv(*present), options);
          count(*message);
          arrival_();
          return capnp::MessageReaderAndFds{kj::mv(message), nullptr};
        }
        readEnded_ = true;
        return nullptr;
      })
      .catch_([this](kj::Exception&& exception) -> Result {
        readEnded_ = true;
        kj::throwFatalException(kj::mv(exception));
      });
}

kj::Promise<void> GuardedStream::waitForQueue() {
  Queue queue = probe_();
  if (queue.messages <= options_.queueMessagesMax && queue.bytes <= options_.queueBytesMax)
    return kj::READY_NOW;
  auto paf = kj::newPromiseAndFulfiller<void>();
  queueWaiter_ = kj::mv(paf.fulfiller);
  // Looked at again only when nothing else is due, so that the owner of the queue has counted what
  // was written.
  return paf.promise.then([]() { return kj::evalLast([]() {}); }).then([this]() {
    return waitForQueue();
  });
}

void GuardedStream::count(capnp::MessageReader& message) {
  switch (message.getRoot<capnp::rpc::Message>().which()) {
    case capnp::rpc::Message::BOOTSTRAP:
      ++questions_;
      if (++bootstraps_ > options_.bootstrapsMax)
        fail(Kind::OVERLOADED, "too many bootstraps on one connection");
      break;
    case capnp::rpc::Message::CALL:
      ++questions_;
      break;
    case capnp::rpc::Message::FINISH:
      if (questions_ > 0) --questions_;
      break;
    default:
      break;
  }
  if (questions_ > options_.questionsMax) {
    fail(Kind::OVERLOADED, "over ", options_.questionsMax, " open calls on one connection");
  }
}

kj::Promise<void> GuardedStream::writeMessage(kj::ArrayPtr<const int> fds, Segments segments) {
  KJ_REQUIRE(fds.size() == 0, "descriptors are not passed on this stream");
  KJ_REQUIRE(segments.size() > 0, "a message without segments");
  KJ_IF_MAYBE (exception, broken_) {
    return kj::cp(*exception);
  }
  auto table = makeTable(segments);
  size_t bytes = table.size();
  for (auto segment : segments) bytes += segment.asBytes().size();

  if (bytes <= kCopiedBytesMax && pending_.size() + bytes <= kPendingBytesMax) {
    append(table);
    for (auto segment : segments) append(segment.asBytes());
    flushSoon();
    wrote();
    return kj::READY_NOW;
  }
  flush();
  return afterWrites([this, segments, table = kj::mv(table)]() mutable {
    auto pieces = kj::heapArrayBuilder<kj::ArrayPtr<const kj::byte>>(segments.size() + 1);
    pieces.add(table);
    for (auto segment : segments) pieces.add(segment.asBytes());
    auto all = pieces.finish();
    auto write = stream_.write(all.asPtr());
    return write.attach(kj::mv(all), kj::mv(table));
  });
}

kj::Promise<void> GuardedStream::writeMessages(kj::ArrayPtr<Segments> messages) {
  if (messages.size() == 0) return kj::READY_NOW;
  return writeMessage(nullptr, messages[0]).then([this, messages]() mutable {
    return writeMessages(messages.slice(1, messages.size()));
  });
}

void GuardedStream::sendSignal(uint32_t number) {
  append(signalBytes(number).bytes);
  flushSoon();
}

void GuardedStream::append(kj::ArrayPtr<const kj::byte> bytes) {
  pending_.addAll(bytes.begin(), bytes.end());
}

void GuardedStream::flushSoon() {
  if (flushScheduled_) return;
  flushScheduled_ = true;
  flushing_ = kj::evalLast([this]() { flush(); }).eagerlyEvaluate(nullptr);
}

// What is pending when its turn comes goes out behind what was written before.
kj::Promise<void> GuardedStream::flush() {
  flushScheduled_ = false;
  return afterWrites([this]() -> kj::Promise<void> {
    if (pending_.size() == 0) return kj::READY_NOW;
    auto bytes = pending_.releaseAsArray();
    auto write = stream_.write(bytes.begin(), bytes.size());
    return write.attach(kj::mv(bytes));
  });
}

template <typename Write>
kj::Promise<void> GuardedStream::afterWrites(Write&& write) {
  writing_ = writing_.addBranch()
                 .then(kj::fwd<Write>(write))
                 .then([this]() { wrote(); },
                       [this](kj::Exception&& exception) {
                         broken_ = kj::cp(exception);
                         kj::throwRecoverableException(kj::mv(exception));
                       })
                 .fork();
  return writing_.addBranch();
}

void GuardedStream::wrote() {
  KJ_IF_MAYBE (waiter, queueWaiter_) {
    (*waiter)->fulfill();
    queueWaiter_ = nullptr;
  }
}

kj::Maybe<int> GuardedStream::getSendBufferSize() {
  int size = 0;
  unsigned int length = sizeof size;
  auto failed = kj::runCatchingExceptions(
      [&]() { stream_.getsockopt(SOL_SOCKET, SO_SNDBUF, &size, &length); });
  if (failed != nullptr || length != sizeof size) return nullptr;
  return size;
}

kj::Promise<void> GuardedStream::end() {
  flush();
  return afterWrites([this]() { stream_.shutdownWrite(); });
}

}  // namespace support
