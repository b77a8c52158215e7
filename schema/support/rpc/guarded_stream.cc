#include "schema/support/rpc/guarded_stream.h"

#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <capnp/rpc.capnp.h>
#include <kj/debug.h>

#include "schema/support/base/wire_error.h"

namespace support {
namespace {

using Kind = wire::Error::Kind;
using Segments = kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>>;

// A larger message is written from its own memory, not copied.
constexpr size_t kCopiedBytesMax = 16 << 10;
constexpr size_t kPendingBytesMax = 64 << 10;
// Holds two messages of an empty call.
constexpr size_t kPendingBytesMin = 192;

// The peer keeps an answer until it hears that we are done with it. It may keep a small one until
// the next message, which is the next heartbeat at the latest.
constexpr size_t kSmallAnswerBytes = 4 << 10;
constexpr size_t kFinishBytesMax = 64;
constexpr uint32_t kQuestionsNoted = 1024;

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
  // Reading stops while the queue towards the peer is too long. A peer that calls without taking
  // its answers then fills its own queue and not our memory.
  auto read = queueIsFull()
                  ? waitForQueue().then([this, options]() { return readMessage(options); })
                  : kj::evalNow([&]() { return readMessage(options); });
  return read.catch_([this](kj::Exception&& exception) -> Message {
    readEnded_ = true;
    kj::throwFatalException(kj::mv(exception));
  });
}

kj::Promise<GuardedStream::Message> GuardedStream::readMessage(capnp::ReaderOptions options) {
  if (!reader_.isEmpty()) return nextMessage(options);
  return reader_.awaitArrival().then([this, options](bool hasArrived) -> kj::Promise<Message> {
    if (hasArrived) return nextMessage(options);
    readEnded_ = true;
    return Message(nullptr);
  });
}

kj::Promise<GuardedStream::Message> GuardedStream::nextMessage(capnp::ReaderOptions options) {
  KJ_IF_MAYBE (frame, reader_.takeArrived()) return accept(kj::mv(*frame), options);
  return reader_.read().then([this, options](kj::Maybe<Frame>&& frame) -> Message {
    KJ_IF_MAYBE (present, frame) return accept(kj::mv(*present), options);
    readEnded_ = true;
    return nullptr;
  });
}

GuardedStream::Message GuardedStream::accept(Frame&& frame, capnp::ReaderOptions options) {
  size_t bytes = frame.bytes().size();
  auto message = Frame::intoReader(kj::mv(frame), options);
  count(*message, bytes);
  arrival_();
  return capnp::MessageReaderAndFds{kj::mv(message), nullptr};
}

bool GuardedStream::queueIsFull() {
  Queue queue = probe_();
  return queue.messages > options_.queueMessagesMax || queue.bytes > options_.queueBytesMax;
}

kj::Promise<void> GuardedStream::waitForQueue() {
  if (!queueIsFull()) return kj::READY_NOW;
  auto paf = kj::newPromiseAndFulfiller<void>();
  queueWaiter_ = kj::mv(paf.fulfiller);
  // The queue is looked at again only when nothing else is due, because its owner must count the
  // written messages first.
  return paf.promise.then([]() { return kj::evalLast([]() {}); }).then([this]() {
    return waitForQueue();
  });
}

void GuardedStream::count(capnp::MessageReader& message, size_t bytes) {
  auto content = message.getRoot<capnp::rpc::Message>();
  switch (content.which()) {
    case capnp::rpc::Message::BOOTSTRAP:
      ++questions_;
      if (++bootstraps_ > options_.bootstrapsMax)
        fail(Kind::OVERLOADED, "too many bootstraps on one connection");
      break;
    case capnp::rpc::Message::CALL:
      ++questions_;
      break;
    case capnp::rpc::Message::FINISH:
      // A peer may send a Finish for a question that never was.
      if (questions_ > 0) --questions_;
      break;
    case capnp::rpc::Message::RETURN:
      noteAnswer(content.getReturn().getAnswerId(), bytes);
      break;
    default:
      break;
  }
  if (questions_ > options_.questionsMax) {
    fail(Kind::OVERLOADED, "over ", options_.questionsMax, " open calls on one connection");
  }
}

GuardedStream::Question* GuardedStream::question(uint32_t number) {
  if (number >= kQuestionsNoted) return nullptr;
  while (asked_.size() <= number) asked_.add(Question::kOpen);
  return &asked_[number];
}

void GuardedStream::noteAnswer(uint32_t number, size_t bytes) {
  Question* asked = question(number);
  if (asked == nullptr) return;
  if (*asked == Question::kCancelled) {
    *asked = Question::kOpen;  // The next one of this number.
  } else {
    *asked = bytes <= kSmallAnswerBytes ? Question::kAnswered : Question::kAnsweredAtLength;
  }
}

// Returns whether the message only says that we are done with a small answer. It changes the state
// of the question, so it must be asked once for each message.
bool GuardedStream::mayWait(Segments segments, size_t bytes) {
  if (bytes > kFinishBytesMax) return false;
  capnp::SegmentArrayMessageReader reader(segments);
  auto content = reader.getRoot<capnp::rpc::Message>();
  if (!content.isFinish()) return false;
  Question* asked = question(content.getFinish().getQuestionId());
  if (asked == nullptr) return false;
  // A Finish before the answer cancels the call, and the answer still comes. One behind it frees
  // the number for the next question.
  Question before = *asked;
  *asked = before == Question::kOpen ? Question::kCancelled : Question::kOpen;
  return before == Question::kAnswered;
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

  // Small messages are copied and collected until the loop has nothing else to do, so that all of
  // one turn go out by one system call. Their write counts as done at once: the copy is ours.
  if (bytes <= kCopiedBytesMax && pending_.size() + bytes <= kPendingBytesMax) {
    if (pending_.size() == 0) pending_.reserve(kj::max(bytes, kPendingBytesMin));
    append(table);
    for (auto segment : segments) append(segment.asBytes());
    if (!mayWait(segments, bytes)) flushSoon();
    wrote();
    return kj::READY_NOW;
  }
  // A large message goes out behind everything collected so far, or their order would change.
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

// Writes the collected bytes behind earlier writes. Bytes that are added until its turn comes go
// out with them.
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
  // Writes form one chain. The first failure breaks it for good, and writeMessage reports that from
  // then on.
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
