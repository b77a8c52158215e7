// bench_loops runs one hot path of schema/support COUNT times and nothing else, so that its
// instructions can be counted.
//
// usage: bench_loops frame-small|frame-bulk|crc32c|sha256|tls COUNT
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/async-io.h>

#include "bench/floor/repeating_input.h"
#include "schema/agent.capnp.h"
#include "schema/job.capnp.h"
#include "schema/support/base/crc32c.h"
#include "schema/support/base/sha256.h"
#include "schema/support/rpc/frame.h"
#include "schema/support/tls/pki.h"
#include "schema/support/tls/tls.h"

namespace bench {
namespace {

constexpr size_t kBulkBytes = 512 << 10;
constexpr size_t kSumBytes = 1 << 20;
constexpr size_t kRecordBytes = 16 << 10;

void readFrames(size_t payloadBytes, size_t count) {
  auto io = kj::setupAsyncIo();
  capnp::MallocMessageBuilder message;
  message.initRoot<wire::JobSpec>().setDirectory(kj::heapArray<kj::byte>(payloadBytes));
  auto words = capnp::messageToFlatArray(message);
  RepeatingInput input(words.asBytes());
  support::FrameLimits limits;
  limits.bytesMax = support::kFrameBytesMax;
  support::FrameReader reader(input, io.provider->getTimer(), limits);
  for (size_t i = 0; i < count; ++i) reader.read().wait(io.waitScope);
}

void sum(size_t count) {
  std::vector<unsigned char> bytes(kSumBytes, 'x');
  for (size_t i = 0; i < count; ++i) {
    bytes[0] = static_cast<unsigned char>(support::crc32c({bytes.data(), bytes.size()}));
  }
}

void digest(size_t count) {
  std::vector<unsigned char> bytes(kSumBytes, 'x');
  for (size_t i = 0; i < count; ++i) {
    support::Sha256 hash;
    hash.update({bytes.data(), bytes.size()});
    bytes[0] = hash.digest()[0];
  }
}

// Both ends of a connection in one process. It encrypts a record, carries and decrypts it.
void carryRecords(size_t count) {
  auto io = kj::setupAsyncIo();
  auto authority = support::Authority::make("bench");
  support::TlsServer server({authority.certificate(), authority.issueNode("n1")},
                            io.provider->getTimer(), 10 * kj::SECONDS);
  support::TlsClient client({authority.certificate(), authority.issueClient("operator:bench")});
  auto pipe = io.provider->newTwoWayPipe();
  auto accepting = server.accept(kj::mv(pipe.ends[0])).eagerlyEvaluate(nullptr);
  auto near = client.connect(kj::mv(pipe.ends[1]), "n1").wait(io.waitScope);
  auto far = accepting.wait(io.waitScope);
  std::vector<kj::byte> record(kRecordBytes, 'x'), target(kRecordBytes);
  for (size_t i = 0; i < count; ++i) {
    auto written = near->write(record.data(), record.size()).eagerlyEvaluate(nullptr);
    far.stream->read(target.data(), target.size()).wait(io.waitScope);
    written.wait(io.waitScope);
  }
}

void perform(const std::string& work, size_t count) {
  if (work == "frame-small") return readFrames(64, count);
  if (work == "frame-bulk") return readFrames(kBulkBytes, count);
  if (work == "crc32c") return sum(count);
  if (work == "sha256") return digest(count);
  if (work == "tls") return carryRecords(count);
  throw std::invalid_argument("unknown work: " + work);
}

}  // namespace
}  // namespace bench

int main(int count, char* words[]) {
  if (count != 3) {
    std::fprintf(stderr, "usage: bench_loops frame-small|frame-bulk|crc32c|sha256|tls COUNT\n");
    return 64;
  }
  try {
    bench::perform(words[1], static_cast<size_t>(std::strtoul(words[2], nullptr, 10)));
    return 0;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "bench_loops: %s\n", failure.what());
    return 64;
  }
}
