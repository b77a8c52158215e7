#include "harness/rpc/sync/feed.h"

#include <algorithm>
#include <utility>

#include "harness/rpc/bytes.h"
#include "schema/support/base/log.h"

namespace harness {
namespace {

constexpr int64_t kPullWaitNs = 20'000'000'000;
// A call that has no answer by then is made again.
constexpr std::chrono::seconds kCallMax{30};
constexpr auto kRetryPause = 200 * kj::MILLISECONDS;
// An agent that does not serve its commands is asked again after this, because another one may run
// there by then.
constexpr auto kUnservedPause = 10 * kj::SECONDS;
// As many as surely fit into one message, with all data that an event may have.
constexpr size_t kAnswersMax = 128;

SyncData syncDataOf(capnp::List<wire::Item>::Reader items) {
  SyncData data;
  for (auto item : items) data.emplace_back(stringOf(item.getName()), stringOf(item.getValue()));
  return data;
}

void writeItems(capnp::List<wire::Item>::Builder list, const SyncData& data) {
  for (unsigned i = 0; i < list.size(); ++i) {
    list[i].setName(data[i].first.c_str());
    list[i].setValue(dataOf(data[i].second));
  }
}

void writeAnswer(wire::Answer::Builder builder, uint64_t waiter, const SyncAnswer& answer) {
  builder.setWaiter(waiter);
  switch (answer.kind) {
    case SyncAnswer::Kind::kEvent:
      writeItems(builder.initEvent(static_cast<unsigned>(answer.event.data.size())),
                 answer.event.data);
      break;
    case SyncAnswer::Kind::kDone:
      builder.setDone();
      break;
    case SyncAnswer::Kind::kFailed:
      builder.setFailed(answer.text.c_str());
      break;
  }
}

SyncReport::Result resultOf(wire::Record::Result result) {
  switch (result) {
    case wire::Record::Result::PASS:
      return SyncReport::Result::kPass;
    case wire::Record::Result::FAIL:
      return SyncReport::Result::kFail;
    case wire::Record::Result::SKIP:
      return SyncReport::Result::kSkip;
    default:
      return SyncReport::Result::kNone;
  }
}

}  // namespace

// Messages for a session that is gone have nobody to reach.
void SyncFeed::Outbox::add(uint64_t ofGeneration, Message message) {
  if (ofGeneration != generation) return;
  messages.push_back(std::move(message));
  KJ_IF_MAYBE (fulfiller, added) {
    (*fulfiller)->fulfill();
    added = nullptr;
  }
}

SyncFeed::SyncFeed(Connection& connection, std::shared_ptr<SyncBoard> board)
    : connection_(connection),
      node_(connection.description().name),
      board_(std::move(board)),
      pulling_(kj::evalLater([this]() { return pullAll(); }).eagerlyEvaluate(nullptr)),
      sending_(kj::evalLater([this]() { return sendAll(); }).eagerlyEvaluate(nullptr)) {}

// The outbox may live on with the board, off this thread.
SyncFeed::~SyncFeed() {
  outbox_->added = nullptr;
  outbox_->generation = 0;
}

// A new session knows nothing of the commands of the one before.
void SyncFeed::meet(uint64_t generation) {
  if (generation == generation_) return;
  if (generation_ != 0) board_->lose(node_, toString(connection_.lostSince(generation_)));
  generation_ = generation;
  taken_ = 0;
  outbox_->messages.clear();
  outbox_->generation = generation;
}

kj::Promise<void> SyncFeed::pause(kj::Duration length) {
  return connection_.loop().timer().afterDelay(length);
}

kj::Promise<void> SyncFeed::pullAll() {
  return pullOnce(connection_.loop().now() + kCallMax, kPullWaitNs)
      .then([](bool) -> kj::Promise<void> { return kj::READY_NOW; },
            [this](kj::Exception&& exception) -> kj::Promise<void> {
              noteFailure(exception);
              return pause(unserved_.empty() ? kRetryPause : kUnservedPause);
            })
      .then([this]() { return pullAll(); });
}

void SyncFeed::noteFailure(const kj::Exception& exception) {
  using Kind = muster::NodeError::Kind;
  Kind kind = kindOf(exception);
  bool isUnserved = kind == Kind::kDenied || kind == Kind::kUnsupported || kind == Kind::kInvalid;
  unserved_ = isUnserved ? textOf(exception).cStr() : "";
}

kj::Promise<bool> SyncFeed::pullOnce(SteadyTime until, int64_t waitNs) {
  return connection_.call<bool>(until, [this, waitNs](EstablishedConnection& live) {
    meet(live.generation);
    auto request = live.get<wire::Sync>().pullRequest();
    request.setAfter(taken_);
    request.setWaitNs(waitNs);
    return request.send().then([this, generation = live.generation](auto&& response) {
      requireNoError(response);
      unserved_.clear();
      if (generation == generation_) take(response.getRecords());
      return true;
    });
  });
}

kj::Promise<void> SyncFeed::flush(SteadyTime until) {
  bool isConnected = connection_.snapshot().connected();
  if (!isConnected || !unserved_.empty()) return kj::READY_NOW;
  return pullOnce(until, 0).ignoreResult().catch_([](kj::Exception&&) {});
}

// A record may come twice, by two calls at the same time.
void SyncFeed::take(capnp::List<wire::Record>::Reader records) {
  for (auto record : records) {
    if (record.getNumber() <= taken_) continue;
    taken_ = record.getNumber();
    board_->noteUse();
    takeRecord(record);
  }
}

SyncBoard::Reply SyncFeed::replyTo(uint64_t waiter) const {
  return [outbox = outbox_, generation = generation_, waiter](const SyncAnswer& answer) {
    outbox->add(generation, Answered{waiter, answer});
  };
}

void SyncFeed::takeRecord(wire::Record::Reader record) {
  SyncCommand from{node_, record.getJob()};
  std::string command = stringOf(record.getCommand());
  switch (record.which()) {
    case wire::Record::NOTIFIED: {
      auto event = record.getNotified();
      return board_->notify(from, command, stringOf(event.getName()), syncDataOf(event.getData()));
    }
    case wire::Record::WAITS: {
      auto wait = record.getWaits();
      uint64_t waiter = wait.getWaiter();
      return board_->wait({node_, waiter}, from, command, stringOf(wait.getEvent()),
                          replyTo(waiter));
    }
    case wire::Record::ARRIVED: {
      auto arrival = record.getArrived();
      uint64_t waiter = arrival.getWaiter();
      return board_->arrive({node_, waiter}, from, command, stringOf(arrival.getBarrier()),
                            arrival.getCount(), replyTo(waiter));
    }
    case wire::Record::WITHDRAWN: {
      auto withdrawal = record.getWithdrawn();
      return board_->withdraw({node_, withdrawal.getWaiter()},
                              withdrawal.getTimedOut() ? SyncBoard::Leaving::kWaitOver
                                                       : SyncBoard::Leaving::kProcessEnded);
    }
    case wire::Record::ENDED: {
      auto end = record.getEnded();
      return board_->end(
          from, {stringOf(end.getHow()), stringOf(end.getOutput()), stringOf(end.getErrors())});
    }
    case wire::Record::REPORTED: {
      auto report = record.getReported();
      return board_->report({from, command, resultOf(report.getResult()),
                             stringOf(report.getMessage()), syncDataOf(report.getData())});
    }
    case wire::Record::UNSPECIFIED:
      break;
  }
}

void SyncFeed::watch(uint64_t number) {
  outbox_->add(outbox_->generation, Watched{number});
}

kj::Promise<void> SyncFeed::sendAll() {
  kj::Promise<void> ready = kj::READY_NOW;
  if (outbox_->messages.empty()) {
    auto added = kj::newPromiseAndFulfiller<void>();
    outbox_->added = kj::mv(added.fulfiller);
    ready = kj::mv(added.promise);
  }
  return ready.then([this]() { return sendFirst(); })
      .catch_([this](kj::Exception&& exception) {
        // Nobody but us is at fault if the agent finds an answer invalid.
        if (kindOf(exception) == muster::NodeError::Kind::kInvalid) {
          support::log(support::Level::kWarn, "an answer to commands that wait was refused",
                       {{"node", node_}, {"reason", textOf(exception)}});
          if (!outbox_->messages.empty()) outbox_->messages.pop_front();
        }
        return pause(kRetryPause);
      })
      .then([this]() { return sendAll(); });
}

// Sends the first messages that fit into one call, and forgets them when they have arrived. A new
// session empties the outbox meanwhile.
kj::Promise<void> SyncFeed::sendFirst() {
  size_t count = 0;
  while (count < std::min(outbox_->messages.size(), kAnswersMax) &&
         std::holds_alternative<Answered>(outbox_->messages[count])) {
    ++count;
  }
  uint64_t generation = outbox_->generation;
  return connection_
      .call<bool>(connection_.loop().now() + kCallMax,
                  [this, count, generation](EstablishedConnection& live) -> kj::Promise<bool> {
                    meet(live.generation);
                    if (outbox_->generation != generation || outbox_->messages.empty()) {
                      return false;
                    }
                    if (count > 0) return sendAnswers(live, count);
                    auto request = live.get<wire::Sync>().watchRequest();
                    request.setNumber(std::get<Watched>(outbox_->messages.front()).number);
                    return request.send().then([](auto&& response) {
                      requireNoError(response);
                      return true;
                    });
                  })
      .then([this, count, generation](bool isSent) {
        if (!isSent || outbox_->generation != generation) return;
        auto& messages = outbox_->messages;
        size_t sent = std::min(std::max<size_t>(count, 1), messages.size());
        messages.erase(messages.begin(), messages.begin() + static_cast<std::ptrdiff_t>(sent));
      });
}

kj::Promise<bool> SyncFeed::sendAnswers(EstablishedConnection& live, size_t count) {
  auto request = live.get<wire::Sync>().answerRequest();
  auto list = request.initAnswers(static_cast<unsigned>(count));
  for (unsigned i = 0; i < count; ++i) {
    const auto& message = std::get<Answered>(outbox_->messages[i]);
    writeAnswer(list[i], message.waiter, message.answer);
  }
  return request.send().then([](auto&& response) {
    requireNoError(response);
    return true;
  });
}

}  // namespace harness
