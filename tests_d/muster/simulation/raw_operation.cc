#include "tests_d/muster/simulation/raw_operation.h"

#include <algorithm>

#include "harness/rpc/failure.h"
#include "schema/job.capnp.h"
#include "schema/support/base/crc32c.h"

namespace simulation {
namespace {

using Kind = wire::Error::Kind;

}  // namespace

RawOperation::RawOperation(SimulatedClient& client, std::shared_ptr<Operation> operation,
                           uint64_t number)
    // The calls have time beyond the command's deadline, so that its end is seen.
    : RawCalls(client, operation, "I2", operation->request.options.deadline->count() + 4 * kSecond),
      number_(number) {
  muster::RunOptions& options = operation_->request.options;
  options.overflow = muster::OutputOverflow::kBlock;
  options.outputBytesMax = 1 << 20;
  options.stderrTo = muster::StderrTo::kStdout;
  if (operation_->readsInput) operation_->request.input = harness::JobInput::kStream;
}

kj::Promise<void> RawOperation::run() {
  auto other = operation_->request;
  other.options.directory = "/elsewhere";
  return start()
      .then(unlessOver([this]() {
        world_.count(Event::kStartedAgain);
        return startAgain("start again", operation_->request, Kind::UNSPECIFIED);
      }))
      .then(unlessOver([this, other]() {
        world_.count(Event::kConflict);
        return startAgain("start with another specification", other, Kind::CONFLICT);
      }))
      .then(unlessOver([this]() { return feed(); }))
      .then(unlessOver([this]() { return read(Release::kNo); }))
      .then(unlessOver([this]() { return readAgain(); }))
      .then(unlessOver([this]() {
        return startAgain("start again after the end", operation_->request, Kind::UNSPECIFIED);
      }))
      .then(unlessOver([this]() { return releaseSome(); }))
      .then(unlessOver([this]() { return acknowledge(); }))
      .then([](bool) {},
            [this](kj::Exception&& exception) {
              client_.checkFailure(*operation_, exception, "call");
            });
}

kj::Promise<bool> RawOperation::start() {
  return ask([this](harness::EstablishedConnection& live) {
    auto request = live.get<wire::Jobs>().runRequest();
    request.setNumber(number_);
    harness::writeSpec(request.initSpec(), operation_->request);
    return request.send().then(
        [this](auto&& response) { expectError("start", errorOf(response), Kind::UNSPECIFIED); });
  });
}

kj::Promise<bool> RawOperation::startAgain(const char* what, const harness::JobRequest& again,
                                           Kind expected) {
  return ask([this, what, again, expected](harness::EstablishedConnection& live) {
    auto request = live.get<wire::Jobs>().runRequest();
    request.setNumber(number_);
    harness::writeSpec(request.initSpec(), again);
    return request.send().then([this, what, expected](auto&& response) {
      expectError(what, errorOf(response), expected);
    });
  });
}

kj::Promise<bool> RawOperation::offer(Input input, Kind expected) {
  return ask([this, input = std::move(input), expected](harness::EstablishedConnection& live) {
    auto request = live.get<wire::Jobs>().writeInputRequest();
    request.setNumber(number_);
    auto chunk = request.initChunk();
    chunk.setOffset(input.offset);
    chunk.setData(bytesOf(input.bytes));
    chunk.setCrc32c(support::crc32c(bytesOf(input.bytes)) ^ (input.isDamaged ? 1u : 0u));
    request.setEnd(input.isLast);
    return request.send().then([this, expected](auto&& response) {
      expectError("input", errorOf(response), expected);
      if (response.hasError()) return;
      fedTo_ = std::max(fedTo_, response.getAcceptedTo());
    });
  });
}

kj::Promise<bool> RawOperation::feed() {
  if (!operation_->readsInput) return true;
  uint64_t total = std::min<uint64_t>(operation_->inputBytes, 1'000'000);
  client_.machine_.life(operation_->token).inputTotal = total;
  std::string all = patternOf(operation_->token, kInput, 0, static_cast<size_t>(total));
  size_t half = all.size() / 2;
  size_t overlap = half / 2;
  return offer({.offset = 0, .bytes = all.substr(0, half)}, Kind::UNSPECIFIED)
      .then(unlessOver([this, all, half]() {
        world_.count(Event::kInputGap);
        return offer({.offset = half + 10, .bytes = "gap"}, Kind::CORRUPT);
      }))
      .then(unlessOver([this, all, half]() {
        world_.count(Event::kInputDamaged);
        return offer({.offset = half, .bytes = "damaged", .isDamaged = true}, Kind::CORRUPT);
      }))
      .then(unlessOver([this, all, overlap]() {
        world_.count(Event::kInputAgain);
        return offer({.offset = overlap, .bytes = all.substr(overlap), .isLast = true},
                     Kind::UNSPECIFIED);
      }));
}

// Reads output from the last offset on, until the command has ended and all is read.
kj::Promise<bool> RawOperation::read(Release release) {
  return ask([this, release](harness::EstablishedConnection& live) {
           auto request = live.get<wire::Jobs>().followRequest();
           request.setNumber(number_);
           auto follow = request.initFollow();
           follow.setOutputFrom(readTo_);
           follow.setBytesMax(8192);
           follow.setWaitNs(kSecond / 2);
           follow.setUntil(wire::Follow::Until::CHANGE);
           follow.setReleaseTo(release == Release::kYes);
           return request.send().then([this, from = readTo_](auto&& response) {
             expectError("follow", errorOf(response), Kind::UNSPECIFIED);
             part_ = Part();
             part_.ended = response.hasError();
             if (!response.hasError()) take(response.getProgress(), from);
           });
         })
      .then(unlessOver([this, release]() -> kj::Promise<bool> {
        readTo_ = std::max(readTo_, part_.offset + part_.bytes.size());
        if (part_.ended && readTo_ >= part_.retainedTo) return true;
        return read(release);
      }));
}

void RawOperation::take(wire::JobProgress::Reader progress, uint64_t from) {
  auto chunk = progress.getOutput();
  auto status = progress.getStatus();
  part_.offset = chunk.getOffset();
  part_.bytes.assign(reinterpret_cast<const char*>(chunk.getData().begin()),
                     chunk.getData().size());
  part_.produced = status.getOutput().getProducedBytes();
  part_.retainedFrom = status.getOutput().getRetainedFrom();
  part_.retainedTo = status.getOutput().getRetainedTo();
  part_.ended = status.getState() == wire::JobStatus::State::ENDED;
  if (client_.profile_.diskRots) return;
  if (part_.bytes != patternOf(operation_->token, kOutput, part_.offset, part_.bytes.size())) {
    client_.violated("I1", *operation_,
                     "other bytes than were printed, read at " + std::to_string(from));
  }
  if (!part_.bytes.empty() && part_.offset != from && !client_.profile_.diskFails) {
    client_.violated(
        "I1", *operation_,
        "read from " + std::to_string(from) + ", came from " + std::to_string(part_.offset));
  }
}

// Reads all output again, which must still be there because nothing was released.
kj::Promise<bool> RawOperation::readAgain() {
  world_.count(Event::kReread);
  uint64_t produced = part_.produced;
  if (part_.retainedFrom != 0) {
    client_.violated("I1", *operation_, "output was dropped before it was released");
  }
  readTo_ = 0;
  return read(Release::kNo).then(unlessOver([this, produced]() -> kj::Promise<bool> {
    if (part_.produced != produced) {
      client_.violated("I1", *operation_, "the count of printed bytes has changed after the end");
    }
    return true;
  }));
}

// Releases a part of the output. That part must be gone, and nothing else.
kj::Promise<bool> RawOperation::releaseSome() {
  uint64_t to = part_.retainedTo / 2;
  readTo_ = to;
  return ask([this, to](harness::EstablishedConnection& live) {
           auto request = live.get<wire::Jobs>().followRequest();
           request.setNumber(number_);
           auto follow = request.initFollow();
           follow.setOutputFrom(to);
           follow.setBytesMax(100);
           follow.setReleaseTo(true);
           return request.send().then([this, to](auto&& response) {
             expectError("release", errorOf(response), Kind::UNSPECIFIED);
             if (!response.hasError()) take(response.getProgress(), to);
           });
         })
      .then(unlessOver([this, to]() -> kj::Promise<bool> {
        if (part_.retainedFrom != to) {
          client_.violated("I1", *operation_,
                           "released to " + std::to_string(to) + ", retained from " +
                               std::to_string(part_.retainedFrom));
        }
        return true;
      }));
}

kj::Promise<bool> RawOperation::acknowledge() {
  world_.count(Event::kAcknowledged);
  return ask([this](harness::EstablishedConnection& live) {
           auto request = live.get<wire::Jobs>().acknowledgeRequest();
           request.initNumbers(1).set(0, number_);
           return request.send().then([this](auto&& response) {
             expectError("acknowledge", errorOf(response), Kind::UNSPECIFIED);
           });
         })
      .then(unlessOver([this]() {
        return ask([this](harness::EstablishedConnection& live) {
          auto request = live.get<wire::Jobs>().followRequest();
          request.setNumber(number_);
          return request.send().then([this](auto&& response) {
            expectError("follow after the acknowledgement", errorOf(response), Kind::NOT_FOUND);
          });
        });
      }))
      .then(unlessOver([this]() {
        world_.count(Event::kSpentStart);
        return startAgain("start of a spent number", operation_->request, Kind::EXPIRED);
      }));
}

}  // namespace simulation
