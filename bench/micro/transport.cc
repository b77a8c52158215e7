// Measures the layers that every call of Muster goes through, without agent and harness: check
// sums, the frame guard, and a call that does nothing over support::RpcConnection with another
// process.
#include <benchmark/benchmark.h>
#include <fcntl.h>

#include <algorithm>
#include <vector>

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/async-io.h>

#include "bench/floor/channel.h"
#include "bench/floor/repeating_input.h"
#include "schema/agent.capnp.h"
#include "schema/job.capnp.h"
#include "schema/support/base/crc32c.h"
#include "schema/support/base/sha256.h"
#include "schema/support/rpc/frame.h"
#include "schema/support/rpc/rpc_connection.h"

namespace bench {
namespace {

constexpr size_t kChunkBytesBig = 1 << 20;

void crc32cOfOneMebibyte(benchmark::State& state) {
  std::vector<unsigned char> chunk(kChunkBytesBig, 'x');
  for (auto _ : state)
    benchmark::DoNotOptimize(support::crc32c(kj::arrayPtr(chunk.data(), chunk.size())));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * chunk.size()));
}
BENCHMARK(crc32cOfOneMebibyte)->Unit(benchmark::kMicrosecond);

void sha256OfOneMebibyte(benchmark::State& state) {
  std::vector<unsigned char> chunk(kChunkBytesBig, 'x');
  for (auto _ : state) {
    support::Sha256 sum;
    sum.update(kj::arrayPtr(chunk.data(), chunk.size()));
    benchmark::DoNotOptimize(sum.digest());
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * chunk.size()));
}
BENCHMARK(sha256OfOneMebibyte)->Unit(benchmark::kMicrosecond);

void copyOfOneMebibyte(benchmark::State& state) {
  std::vector<unsigned char> chunk(kChunkBytesBig, 'x'), target(kChunkBytesBig);
  for (auto _ : state) {
    std::copy(chunk.begin(), chunk.end(), target.begin());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * chunk.size()));
}
BENCHMARK(copyOfOneMebibyte)->Name("copyOfOneMebibyte/floor")->Unit(benchmark::kMicrosecond);

void frameGuard(benchmark::State& state) {
  auto io = kj::setupAsyncIo();
  capnp::MallocMessageBuilder message;
  message.initRoot<wire::JobSpec>().setDirectory(
      kj::heapArray<kj::byte>(static_cast<size_t>(state.range(0))));
  auto words = capnp::messageToFlatArray(message);
  RepeatingInput input(words.asBytes());
  support::FrameLimits limits;
  limits.bytesMax = support::kFrameBytesMax;
  support::FrameReader reader(input, io.provider->getTimer(), limits);
  for (auto _ : state) {
    auto frame = reader.read().wait(io.waitScope);
    benchmark::DoNotOptimize(frame);
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * words.asBytes().size()));
}
BENCHMARK(frameGuard)->Arg(64)->Arg(512 << 10);

class EmptySession final : public wire::Session::Server {
 public:
  kj::Promise<void> ping(PingContext) override { return kj::READY_NOW; }
};

kj::Own<kj::AsyncIoStream> wrap(kj::AsyncIoContext& io, int socket) {
  fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK);
  return io.lowLevelProvider->wrapSocketFd(kj::AutoCloseFd(socket));
}

void serveSession(int socket) {
  auto io = kj::setupAsyncIo();
  support::RpcConnection connection(wrap(io, socket), io.provider->getTimer(),
                                    kj::heap<EmptySession>(), support::GuardOptions());
  connection.onDisconnect().wait(io.waitScope);
}

void pingRpc(benchmark::State& state, Transport transport) {
  ForkedPeer peer(transport, serveSession);
  auto io = kj::setupAsyncIo();
  support::RpcConnection connection(wrap(io, peer.takeSocket()), io.provider->getTimer());
  auto session = connection.bootstrap().castAs<wire::Session>();
  for (auto _ : state) {
    kj::Vector<kj::Promise<void>> calls;
    for (int64_t i = 0; i < state.range(0); ++i) {
      calls.add(session.pingRequest().send().ignoreResult());
    }
    kj::joinPromises(calls.releaseAsArray()).wait(io.waitScope);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK_CAPTURE(pingRpc, unix, Transport::kUnix)
    ->Arg(1)
    ->Arg(100)
    ->Unit(benchmark::kMicrosecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(pingRpc, tcp, Transport::kTcp)
    ->Arg(1)
    ->Arg(100)
    ->Unit(benchmark::kMicrosecond)
    ->UseRealTime();

}  // namespace
}  // namespace bench
