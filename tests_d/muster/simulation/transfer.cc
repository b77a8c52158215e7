#include "tests_d/muster/simulation/transfer.h"

#include <algorithm>

#include "schema/file.capnp.h"
#include "schema/support/base/crc32c.h"
#include "schema/support/base/sha256.h"

namespace simulation {
namespace {

using Kind = wire::Error::Kind;

// The stream of patternOf() that files have as their content.
constexpr unsigned kFile = 3;
constexpr int64_t kAllowedNs = 8 * kSecond;

size_t sizeFrom(Random& random) {
  if (random.chance(10)) return 0;
  return static_cast<size_t>(random.chance(5) ? random.between(20'000, 200'000)
                                              : random.between(1, 12'000));
}

FileTree::Target& makeTarget(World& world, FileTree& tree, uint64_t token) {
  Random& random = world.random();
  std::optional<std::string> before;
  if (random.chance(60)) before = patternOf(token + 500, kFile, 0, sizeFrom(random));
  return tree.make(token, std::move(before), patternOf(token, kFile, 0, sizeFrom(random)));
}

}  // namespace

Transfer::Transfer(SimulatedClient& client, std::shared_ptr<Operation> operation, FileTree& tree)
    : RawCalls(client, operation, "I7", kAllowedNs),
      tree_(tree),
      target_(makeTarget(world_, tree, operation->token)),
      path_(tree.pathOf(operation->token)),
      id_(client.controller_.loop.randomId()) {
  Random& random = world_.random();
  size_t size = target_.after.size();
  partBytes_ = std::max(size / 20, static_cast<size_t>(random.between(1, 4096)));
  stopAt_ = size;
  if (random.chance(35)) {
    ending_ = std::vector<Ending>{Ending::kTooEarly, Ending::kWrongDigest,
                                  Ending::kAbandoned}[static_cast<size_t>(random.between(0, 2))];
  }
  if (ending_ == Ending::kTooEarly && size == 0) ending_ = Ending::kFinished;
  if (ending_ == Ending::kTooEarly) stopAt_ = size / 2;
}

kj::Promise<void> Transfer::run() {
  return begin(0)
      .then(unlessOver([this]() { return sendAll(); }))
      .then(unlessOver([this]() { return end(); }))
      .then(unlessOver([this]() { return readBack(); }))
      .then(
          [this](bool goesOn) {
            if (!goesOn) world_.count(Event::kUploadLost);
            check();
          },
          [this](kj::Exception&& exception) {
            client_.checkFailure(*operation_, exception, "transfer");
            check();
          });
}

kj::Promise<bool> Transfer::begin(uint64_t expected) {
  return ask([this, expected](harness::EstablishedConnection& live) {
    auto request = live.get<wire::Files>().beginUploadRequest();
    request.setUploadId(id_.data());
    request.setPath(bytesOf(path_));
    request.setSize(target_.after.size());
    return request.send().then([this, expected](auto&& response) {
      expectError("begin an upload", errorOf(response), Kind::UNSPECIFIED);
      if (!response.hasError() && response.getReceivedTo() != expected) {
        violated("an upload of which " + std::to_string(expected) + " bytes are here goes on at " +
                 std::to_string(response.getReceivedTo()));
      }
    });
  });
}

kj::Promise<bool> Transfer::sendAll() {
  if (receivedTo_ >= stopAt_) return true;
  return sendNext().then(unlessOver([this]() { return sendAll(); }));
}

// Sends one part, sometimes after a part that must be refused.
kj::Promise<bool> Transfer::sendNext() {
  Random& random = world_.random();
  const std::string& all = target_.after;
  uint64_t from = receivedTo_;
  size_t count = static_cast<size_t>(std::min<uint64_t>(partBytes_, stopAt_ - from));
  kj::Promise<bool> before = true;
  if (random.chance(5)) {
    world_.count(Event::kChunkDamaged);
    before = send(from, all.substr(from, count), 1, Kind::CORRUPT);
  } else if (random.chance(5) && from + count < all.size()) {
    world_.count(Event::kChunkGap);
    before = send(from + 1, all.substr(from + 1, count), 0, Kind::CORRUPT);
  } else if (random.chance(5)) {
    world_.count(Event::kUploadAgain);
    before = begin(from);
  }
  if (from > 0 && random.chance(20)) {
    world_.count(Event::kChunkAgain);
    uint64_t back = static_cast<uint64_t>(random.between(1, static_cast<int64_t>(from)));
    from -= back;
    count += static_cast<size_t>(back);
  }
  return before.then(unlessOver([this, from, count]() {
    return send(from, target_.after.substr(from, count), 0, Kind::UNSPECIFIED);
  }));
}

kj::Promise<bool> Transfer::send(uint64_t offset, std::string bytes, uint32_t damage,
                                 Kind expected) {
  return ask([this, offset, bytes = std::move(bytes), damage,
              expected](harness::EstablishedConnection& live) {
    auto request = live.get<wire::Files>().writeUploadRequest();
    request.setUploadId(id_.data());
    auto chunk = request.initChunk();
    chunk.setOffset(offset);
    chunk.setData(bytesOf(bytes));
    chunk.setCrc32c(support::crc32c(bytesOf(bytes)) ^ damage);
    uint64_t to = offset + bytes.size();
    return request.send().then([this, to, expected](auto&& response) {
      expectError("a part of an upload", errorOf(response), expected);
      if (response.hasError()) return;
      if (response.getReceivedTo() != std::max(receivedTo_, to)) {
        violated("an upload with " + std::to_string(to) + " bytes sent has " +
                 std::to_string(response.getReceivedTo()));
      }
      receivedTo_ = std::max(receivedTo_, to);
    });
  });
}

kj::Promise<bool> Transfer::end() {
  switch (ending_) {
    case Ending::kAbandoned:
      return abandon();
    case Ending::kTooEarly:
      world_.count(Event::kUploadUnfinished);
      // The digest is right for the bytes that have arrived, but they are not the whole file.
      return finish(target_.after.substr(0, stopAt_), Kind::CORRUPT);
    case Ending::kWrongDigest:
      world_.count(Event::kUploadWrong);
      return finish(target_.after + "?", Kind::CORRUPT);
    case Ending::kFinished:
      break;
  }
  target_.mayBeAfter = true;
  return finish(target_.after, Kind::UNSPECIFIED).then(unlessOver([this]() {
    target_.isAfter = true;
    world_.noteAndCount(target_.before ? Event::kFileReplaced : Event::kFileNew, operation_->token);
    return finish(target_.after, Kind::UNSPECIFIED);
  }));
}

kj::Promise<bool> Transfer::finish(const std::string& digestOf, Kind expected) {
  return ask([this, digest = support::Sha256::of(bytesOf(digestOf)),
              expected](harness::EstablishedConnection& live) {
    auto request = live.get<wire::Files>().finishUploadRequest();
    request.setUploadId(id_.data());
    request.setSha256(kj::arrayPtr(digest.data(), digest.size()));
    return request.send().then([this, expected](auto&& response) {
      expectError("finish an upload", errorOf(response), expected);
    });
  });
}

kj::Promise<bool> Transfer::abandon() {
  world_.count(Event::kUploadAbandoned);
  return ask([this](harness::EstablishedConnection& live) {
           auto request = live.get<wire::Files>().abandonUploadRequest();
           request.setUploadId(id_.data());
           return request.send().then([this](auto&& response) {
             expectError("abandon an upload", errorOf(response), Kind::UNSPECIFIED);
           });
         })
      .then(unlessOver([this]() { return finish(target_.after, Kind::NOT_FOUND); }));
}

// Reads the file in parts, each from the end of the last one.
kj::Promise<bool> Transfer::readBack() {
  if (!target_.isAfter) return true;
  return ask([this](harness::EstablishedConnection& live) {
           auto request = live.get<wire::Files>().readRequest();
           request.setPath(bytesOf(path_));
           request.setOffset(read_.size());
           request.setBytesMax(static_cast<uint32_t>(partBytes_));
           return request.send().then([this, from = read_.size()](auto&& response) {
             expectError("read a file", errorOf(response), Kind::UNSPECIFIED);
             if (response.hasError() || from != read_.size()) return;
             auto data = response.getChunk().getData();
             read_.append(reinterpret_cast<const char*>(data.begin()), data.size());
             bool ends = data.size() == 0 || read_.size() >= response.getSize();
             if (ends && read_ != target_.after) violated("reads otherwise than it was written");
             if (ends) world_.count(Event::kFileRead);
             if (ends) isOver_ = true;
           });
         })
      .then([this](bool goesOn) -> kj::Promise<bool> {
        if (goesOn) return readBack();
        return true;
      });
}

void Transfer::check() {
  std::string wrong = tree_.problem(operation_->token);
  if (!wrong.empty()) violated(wrong);
}

void Transfer::violated(const std::string& text) {
  client_.violated("I7", *operation_, text);
}

}  // namespace simulation
