// Measures the floors, which are the cost of the machine itself. Every other benchmark of this
// program is judged against one of these.
#include <benchmark/benchmark.h>

#include "bench/floor/channel.h"
#include "bench/floor/launch.h"

namespace bench {
namespace {

constexpr size_t kStreamBytes = 64 << 20;

void runTrue(benchmark::State& state, Launch how) {
  for (auto _ : state) benchmark::DoNotOptimize(launchAndWait(how, {"/bin/true"}));
}
BENCHMARK_CAPTURE(runTrue, floor_posix_spawn, Launch::kPosixSpawn)
    ->Unit(benchmark::kMicrosecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(runTrue, floor_clone_vfork, Launch::kCloneVfork)
    ->Unit(benchmark::kMicrosecond)
    ->UseRealTime();

void runMany(benchmark::State& state) {
  constexpr size_t kRuns = 400;
  for (auto _ : state) launchMany(Launch::kPosixSpawn, {"/bin/true"}, kRuns, 8);
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kRuns));
}
BENCHMARK(runMany)->Name("runMany/floor_8_threads")->Unit(benchmark::kMillisecond)->UseRealTime();

void outputOneMebibyte(benchmark::State& state) {
  for (auto _ : state) {
    Ended ended =
        launchAndWait(Launch::kPosixSpawn, {"/usr/bin/head", "-c", "1048576", "/dev/zero"});
    if (ended.outputBytes != 1 << 20) state.SkipWithError("short output");
  }
}
BENCHMARK(outputOneMebibyte)
    ->Name("outputOneMebibyte/floor_posix_spawn")
    ->Unit(benchmark::kMicrosecond)
    ->UseRealTime();

void ping(benchmark::State& state, Transport transport) {
  Peer peer(transport, serveEcho);
  for (auto _ : state) pingMicroseconds(peer.channel());
}
BENCHMARK_CAPTURE(ping, floor_unix, Transport::kUnix)->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK_CAPTURE(ping, floor_tcp, Transport::kTcp)->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK_CAPTURE(ping, floor_tls, Transport::kTls)->Unit(benchmark::kMicrosecond)->UseRealTime();

void stream(benchmark::State& state, Transport transport) {
  Peer peer(transport, serveSource);
  for (auto _ : state) receiveSeconds(peer.channel(), kStreamBytes);
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * kStreamBytes));
}
BENCHMARK_CAPTURE(stream, floor_unix, Transport::kUnix)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(stream, floor_tcp, Transport::kTcp)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(stream, floor_tls, Transport::kTls)->Unit(benchmark::kMillisecond)->UseRealTime();

void connectAnew(benchmark::State& state, Transport transport) {
  for (auto _ : state) {
    Peer peer(transport, serveEcho);
    pingMicroseconds(peer.channel());
  }
}
// Each iteration forks the peer as well, which is most of the plain figure.
BENCHMARK_CAPTURE(connectAnew, floor_tcp, Transport::kTcp)
    ->Unit(benchmark::kMicrosecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(connectAnew, floor_tls, Transport::kTls)
    ->Unit(benchmark::kMicrosecond)
    ->UseRealTime();

}  // namespace
}  // namespace bench
