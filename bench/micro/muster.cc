// Measures Muster itself, through real agents and the controller library that tests use: the cost
// of a call, a command, its output and a file, beside the floors of this program.
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "bench/floor/clock.h"
#include "bench/floor/launch.h"
#include "bench/muster/agents.h"
#include "bench/muster/pings.h"
#include "harness/rpc/controller.h"
#include "harness/rpc/file/copy.h"
#include "harness/rpc/job/jobs.h"

namespace bench {
namespace {

constexpr size_t kNodes = 16;
constexpr size_t kFileBytes = 64 << 20;
constexpr size_t kOutputBytes = 1 << 30;
constexpr size_t kBatch = 20;
constexpr std::chrono::seconds kCallMax{120};

harness::SteadyTime soon() {
  return std::chrono::steady_clock::now() + kCallMax;
}

harness::JobRequest request(std::vector<std::string> argv) {
  harness::JobRequest made;
  made.argv = std::move(argv);
  made.options.deadline = kCallMax;
  return made;
}

// Returns the agents, which the first benchmark that needs them starts, and which end with the
// program.
struct World {
  Agents agents{kNodes};
  harness::Controller controller;
  std::map<Transport, harness::ControllerNode*> first;
  std::vector<harness::ControllerNode*> all;

  ~World() { controller.closeAll(soon()); }
};

World& world() {
  static World shared;
  return shared;
}

harness::ControllerNode& node(Transport transport) {
  harness::ControllerNode*& connected = world().first[transport];
  if (connected == nullptr)
    connected = &world().controller.connect(world().agents.node(0, transport));
  connected->awaitConnected(soon());
  return *connected;
}

void seconds(benchmark::State& state, double value) {
  state.SetIterationTime(value);
}

void pingMuster(benchmark::State& state, Transport transport) {
  Pings pings({world().agents.node(0, transport)});
  for (auto _ : state) {
    double total = 0;
    for (double one : pings.sequence(kBatch)) total += one;
    seconds(state, total / kBatch / 1e6);
  }
}

void pingMany(benchmark::State& state, Transport transport) {
  Pings pings({world().agents.node(0, transport)});
  size_t inFlight = static_cast<size_t>(state.range(0));
  for (auto _ : state) seconds(state, pings.many(20 * inFlight, inFlight));
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * 20 * inFlight));
}

void run(benchmark::State& state, Transport transport, std::vector<std::string> argv) {
  harness::ControllerNode& target = node(transport);
  harness::JobRequest job = request(std::move(argv));
  for (auto _ : state) {
    if (!harness::rpc::Jobs(target).run(job, soon()).succeeded()) state.SkipWithError("it failed");
  }
}

const std::vector<std::string> kTrue = {"/bin/true"};
const std::vector<std::string> kEcho = {"/bin/echo", "muster"};
const std::string kOutputText = std::to_string(kOutputBytes);

void launchEcho(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(launchAndWait(Launch::kPosixSpawn, kEcho));
}
BENCHMARK(launchEcho)
    ->Name("runEcho/floor_posix_spawn")
    ->Unit(benchmark::kMicrosecond)
    ->UseRealTime();

void pipeToCat(benchmark::State& state) {
  std::string line = "head -c " + kOutputText + " /dev/zero | cat > /dev/null";
  for (auto _ : state) launchAndWait(Launch::kPosixSpawn, {"/bin/sh", "-c", line});
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * kOutputBytes));
}
BENCHMARK(pipeToCat)
    ->Name("outputOneGibibyte/floor_pipe_to_cat")
    ->Unit(benchmark::kMillisecond)
    ->Iterations(2)
    ->UseRealTime();

long residentPeakKib() {
  struct rusage usage {};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

// Takes the output away as it comes, because memory must not grow with it.
void outputMuster(benchmark::State& state, Transport transport) {
  harness::ControllerNode& target = node(transport);
  harness::JobRequest job = request({"/usr/bin/head", "-c", kOutputText, "/dev/zero"});
  job.output = harness::JobOutput::kTake;
  long before = residentPeakKib();
  for (auto _ : state) {
    auto running = harness::rpc::Jobs(target).start(job, soon());
    size_t received = 0;
    bool alive = true;
    while (alive && !running.ended()) {
      alive = running.pull(harness::PullUntil::kChange, soon());
      received += running.takeOut().size();
    }
    if (received != kOutputBytes) state.SkipWithError("not all of the output arrived");
    running.release();
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * kOutputBytes));
  state.counters["controller_growth_KiB"] = static_cast<double>(residentPeakKib() - before);
}

std::string bigFile() {
  std::string path = world().agents.directory() + "/big";
  if (!std::filesystem::exists(path)) {
    std::string block(1 << 20, '\0');
    for (size_t i = 0; i < block.size(); ++i) block[i] = static_cast<char>(i * 2654435761u >> 13);
    std::ofstream file(path, std::ios::binary);
    for (size_t done = 0; done < kFileBytes; done += block.size()) file << block;
  }
  return path;
}

void sendFile(benchmark::State& state, Transport transport) {
  std::string from = bigFile(), to = world().agents.directory() + "/copy";
  Peer peer(transport, serveFileSink);
  for (auto _ : state) sendFileSeconds(peer.channel(), from, to);
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * kFileBytes));
}

void pushMuster(benchmark::State& state, Transport transport) {
  harness::ControllerNode& target = node(transport);
  std::string from = bigFile(), to = world().agents.directory() + "/copy";
  for (auto _ : state) harness::copy({nullptr, from}, {&target, to}, {}, soon());
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * kFileBytes));
}

void pullMuster(benchmark::State& state, Transport transport) {
  harness::ControllerNode& target = node(transport);
  std::string from = bigFile(), to = world().agents.directory() + "/copy";
  for (auto _ : state) harness::copy({&target, from}, {nullptr, to}, {}, soon());
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * kFileBytes));
}

// Registers one benchmark for each way to reach an agent. `function` takes the state and the
// Transport.
template <typename Function>
void forTransports(const std::string& work, const Function& function) {
  const std::pair<const char*, Transport> kinds[] = {
      {"unix", Transport::kUnix}, {"tcp", Transport::kTcp}, {"tls", Transport::kTls}};
  for (const auto& [name, transport] : kinds) function(work + "/muster_" + name, transport);
}

void launchOnAll(benchmark::State& state) {
  for (auto _ : state) launchMany(Launch::kPosixSpawn, kTrue, kNodes, 8);
}
BENCHMARK(launchOnAll)
    ->Name("trueOn16Nodes/floor_8_threads")
    ->Unit(benchmark::kMicrosecond)
    ->UseRealTime();

void trueOnAll(benchmark::State& state) {
  std::vector<harness::ControllerNode*>& all = world().all;
  if (all.empty()) {
    for (const auto& one : world().agents.nodes(kNodes)) {
      all.push_back(&world().controller.connect(one));
    }
  }
  world().controller.awaitAll(all, soon());
  harness::JobRequest job = request(kTrue);
  for (auto _ : state) {
    for (const auto& answer : harness::rpc::runOnAll(all, job, soon())) {
      const auto* result = std::get_if<muster::Result>(&answer);
      if (result == nullptr || !result->succeeded()) state.SkipWithError("a node failed");
    }
  }
}
BENCHMARK(trueOnAll)
    ->Name("trueOn16Nodes/muster_tls")
    ->Unit(benchmark::kMicrosecond)
    ->UseRealTime();

void echoAll(benchmark::State& state) {
  std::vector<std::unique_ptr<Peer>> peers;
  for (size_t i = 0; i < kNodes; ++i) {
    peers.push_back(std::make_unique<Peer>(Transport::kTls, serveEcho));
  }
  char message[kPingBytes] = {};
  for (auto _ : state) {
    for (auto& peer : peers) peer->channel().writeAll(message, sizeof(message));
    for (auto& peer : peers) peer->channel().readAll(message, sizeof(message));
  }
}
BENCHMARK(echoAll)->Name("pingOf16Nodes/floor_tls")->Unit(benchmark::kMicrosecond)->UseRealTime();

enum class Last { kAnswers, kHangs };

// Times the other nodes while the question to a node that hangs stays open. That connection is
// given up after four seconds, and made again and again from then on.
void pingOfAll(benchmark::State& state, Last last) {
  Pings pings(world().agents.nodes(kNodes));
  size_t awaited = kNodes - 1;
  pings.all();
  if (last == Last::kHangs) world().agents.freeze(kNodes - 1);
  for (auto _ : state) seconds(state, pings.all(awaited));
  world().agents.thaw(kNodes - 1);
}
BENCHMARK_CAPTURE(pingOfAll, muster_tls, Last::kAnswers)
    ->Name("pingOf16Nodes/muster_tls")
    ->Unit(benchmark::kMicrosecond)
    ->UseManualTime();
BENCHMARK_CAPTURE(pingOfAll, muster_tls, Last::kHangs)
    ->Name("pingOf16Nodes/muster_tls_one_hangs")
    ->Unit(benchmark::kMicrosecond)
    ->UseManualTime();

// Times a connection from its loss to the next answer: the pause before the first attempt (50 ms),
// a handshake, and finding the session again.
void reconnectMuster(benchmark::State& state) {
  Pings pings({world().agents.node(0, Transport::kTls)});
  for (auto _ : state) seconds(state, pings.reconnect());
}
BENCHMARK(reconnectMuster)
    ->Name("connectAnew/muster_tls")
    ->Unit(benchmark::kMicrosecond)
    ->UseManualTime();

template <typename... Arguments>
benchmark::internal::Benchmark* add(const std::string& name, Arguments&&... arguments) {
  return benchmark::RegisterBenchmark(name.c_str(), arguments...)->Unit(benchmark::kMicrosecond);
}

// Registers by a static object, as the macros do.
const bool kRegistered = []() {
  forTransports("ping", [](const std::string& name, Transport transport) {
    add(name, pingMuster, transport)->UseManualTime();
  });
  forTransports("pingInFlight", [](const std::string& name, Transport transport) {
    add(name, pingMany, transport)->Arg(64)->UseManualTime();
  });
  forTransports("runTrue", [](const std::string& name, Transport transport) {
    add(name, run, transport, kTrue)->UseRealTime();
  });
  forTransports("runEcho", [](const std::string& name, Transport transport) {
    add(name, run, transport, kEcho)->UseRealTime();
  });
  forTransports("outputOneGibibyte", [](const std::string& name, Transport transport) {
    add(name, outputMuster, transport)->Iterations(1)->UseRealTime();
  });
  for (auto [name, transport] :
       {std::pair("floor_tcp", Transport::kTcp), std::pair("floor_tls", Transport::kTls)}) {
    add(std::string("pushFile/") + name, sendFile, transport)->UseRealTime();
    add(std::string("pullFile/") + name, sendFile, transport)->UseRealTime();
  }
  forTransports("pushFile", [](const std::string& name, Transport transport) {
    add(name, pushMuster, transport)->UseRealTime();
  });
  forTransports("pullFile", [](const std::string& name, Transport transport) {
    add(name, pullMuster, transport)->UseRealTime();
  });
  return true;
}();

}  // namespace
}  // namespace bench
