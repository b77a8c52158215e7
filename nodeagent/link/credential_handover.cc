#include "nodeagent/link/credential_handover.h"

#include <string.h>

#include <algorithm>
#include <string>

#include <kj/debug.h>
#include <kj/vector.h>

#include "schema/support/base/wire_error.h"

namespace nodeagent {
namespace {

constexpr size_t kPartBytesMax = 1 << 20;  // The limit of readTrustedFile.
constexpr size_t kAnswerBytesMax = 4096;

// Begins a message. The log's descriptor comes beside its first byte, and the four texts follow it.
struct HandoverHeader {
  uint32_t partBytes[4];  // Authority, certificate, key, deny list.
  uint8_t hasCredentials;
  uint8_t hasLog;
  uint8_t logLevel;
  uint8_t reserved;
};

struct Taking {
  HandoverHeader header{};
  kj::AutoCloseFd log;
  std::string body;

  Handover result() {
    Handover handover;
    handover.logLevel = static_cast<support::Level>(header.logLevel);
    if (header.hasLog != 0) handover.log = kj::mv(log);
    if (header.hasCredentials == 0) return handover;
    std::string parts[4];
    size_t offset = 0;
    for (size_t i = 0; i < 4; ++i) {
      parts[i] = body.substr(offset, header.partBytes[i]);
      offset += header.partBytes[i];
    }
    handover.credentials = support::Credentials{parts[0], {parts[1], parts[2]}, parts[3]};
    return handover;
  }
};

kj::Promise<void> answer(kj::AsyncCapabilityStream& stream, kj::StringPtr text) {
  auto bytes = kj::heapArray<kj::byte>(sizeof(uint32_t) + text.size());
  uint32_t size = static_cast<uint32_t>(text.size());
  memcpy(bytes.begin(), &size, sizeof size);
  std::copy(text.begin(), text.end(), bytes.begin() + sizeof size);
  auto written = stream.write(bytes.begin(), bytes.size());
  return written.attach(kj::mv(bytes));
}

// Takes one handover and answers it. Resolves to false if the other end has closed.
kj::Promise<bool> takeOne(kj::AsyncCapabilityStream& stream, kj::Function<void(Handover)>& take) {
  auto state = kj::heap<Taking>();
  Taking& taking = *state;
  return stream
      .tryReadWithFds(&taking.header, sizeof taking.header, sizeof taking.header, &taking.log, 1)
      .then([&stream, &taking, &take](auto&& read) -> kj::Promise<bool> {
        if (read.byteCount < sizeof taking.header) return false;
        // The header is checked before anything is allocated.
        size_t total = 0;
        for (uint32_t bytes : taking.header.partBytes) {
          // The front runs with fewer rights than the keeper, but a bug there must not make it
          // allocate without bound.
          KJ_REQUIRE(bytes <= kPartBytesMax, "handed over too much", bytes);
          total += bytes;
        }
        taking.body.resize(total);
        return stream.read(taking.body.data(), total).then([&stream, &taking, &take]() {
          kj::String refusal;
          KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() { take(taking.result()); })) {
            refusal = kj::str(support::toFailure(*exception, "reload").text);
          }
          return answer(stream, refusal).then([]() { return true; });
        });
      })
      .attach(kj::mv(state));
}

kj::Promise<void> takeAll(kj::AsyncCapabilityStream& stream, kj::Function<void(Handover)>& take) {
  return takeOne(stream, take).then([&stream, &take](bool more) -> kj::Promise<void> {
    if (!more) return kj::READY_NOW;
    return takeAll(stream, take);
  });
}

kj::Promise<kj::Maybe<kj::String>> readAnswer(kj::AsyncCapabilityStream& stream) {
  auto size = kj::heap<uint32_t>();
  uint32_t& bytes = *size;
  return stream.read(&bytes, sizeof bytes)
      .then([&stream, &bytes]() -> kj::Promise<kj::Maybe<kj::String>> {
        if (bytes == 0) return kj::Maybe<kj::String>();
        auto text = kj::heapString(std::min<size_t>(bytes, kAnswerBytesMax));
        char* into = text.begin();
        return stream.read(into, text.size()).then([text = kj::mv(text)]() mutable {
          return kj::Maybe<kj::String>(kj::mv(text));
        });
      })
      .attach(kj::mv(size));
}

}  // namespace

kj::Promise<kj::Maybe<kj::String>> handOver(kj::AsyncCapabilityStream& stream, Handover handover) {
  struct Sending {
    HandoverHeader header{};
    kj::Vector<int> descriptors;
    std::string body;
    Handover handover;
  };
  auto sending = kj::heap<Sending>();
  sending->handover = kj::mv(handover);
  HandoverHeader& header = sending->header;
  header.logLevel = static_cast<uint8_t>(sending->handover.logLevel);
  KJ_IF_MAYBE (log, sending->handover.log) {
    header.hasLog = 1;
    sending->descriptors.add(log->get());
  }
  KJ_IF_MAYBE (credentials, sending->handover.credentials) {
    header.hasCredentials = 1;
    const std::string* parts[] = {&credentials->authority, &credentials->own.certificate,
                                  &credentials->own.key, &credentials->denied};
    for (size_t i = 0; i < 4; ++i) {
      KJ_REQUIRE(parts[i]->size() <= kPartBytesMax);
      header.partBytes[i] = static_cast<uint32_t>(parts[i]->size());
      sending->body += *parts[i];
    }
  }
  auto headerBytes = kj::arrayPtr(reinterpret_cast<const kj::byte*>(&header), sizeof header);
  auto written = stream.writeWithFds(headerBytes, nullptr, sending->descriptors.asPtr());
  Sending& reference = *sending;
  return written
      .then([&stream, &reference]() {
        return stream.write(reference.body.data(), reference.body.size());
      })
      .attach(kj::mv(sending))
      .then([&stream]() { return readAnswer(stream); });
}

kj::Promise<void> takeHandovers(kj::AsyncCapabilityStream& stream,
                                kj::Function<void(Handover)> take) {
  auto owned = kj::heap(kj::mv(take));
  auto taking = takeAll(stream, *owned);
  return taking.attach(kj::mv(owned));
}

}  // namespace nodeagent
