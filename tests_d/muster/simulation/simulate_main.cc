// The program muster-simulate makes simulated runs by the thousand (docs/internals/simulation.md).
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <string>

#include "schema/support/base/log.h"
#include "tests_d/muster/simulation/campaign.h"

namespace {

using namespace simulation;

constexpr int kUsageError = 2;
constexpr int kVoid = 3;
// With fewer seeds, rare events may well be missing.
constexpr uint64_t kCoverageSeedsMin = 2000;

struct Arguments {
  uint64_t seeds = 20000;
  uint64_t first = 1;
  bool oneSeed = false;
  bool stopAtFailure = false;
  bool brief = false;
  unsigned processes = 2;
};

// The head of a worker's message to its parent through a pipe. Texts follow it.
struct Sent {
  uint64_t seeds, hash, steps, failed;
  int64_t simulatedNs;
  Coverage coverage;
  uint64_t failingSeed;
  char violation[300];
};

void usage() {
  fputs(
      "usage: muster-simulate [--seeds N] [--first S] [--processes P] [--stop] [--brief]\n"
      "       muster-simulate --seed S    one run, with its history\n",
      stderr);
  exit(kUsageError);
}

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    std::string name = argv[i];
    auto number = [&]() -> uint64_t {
      char* end = nullptr;
      if (i + 1 == argc) usage();
      uint64_t value = strtoull(argv[++i], &end, 10);
      if (*end != 0) usage();
      return value;
    };
    if (name == "--seeds") {
      arguments.seeds = number();
    } else if (name == "--first") {
      arguments.first = number();
    } else if (name == "--seed") {
      arguments.first = number();
      arguments.oneSeed = true;
    } else if (name == "--processes") {
      arguments.processes = static_cast<unsigned>(number());
    } else if (name == "--stop") {
      arguments.stopAtFailure = true;
    } else if (name == "--brief") {
      arguments.brief = true;
    } else {
      usage();
    }
  }
  if (arguments.processes < 1 || arguments.processes > 64) usage();
  return arguments;
}

int runOne(uint64_t seed) {
  kj::UnixEventPort pipes;
  signal(SIGPIPE, SIG_IGN);
  Report report = runSeed(pipes, seed, World::Trace::kOn);
  fputs(traceText(report).c_str(), stdout);
  return report.violation.empty() ? 0 : 1;
}

Sent runShare(const Arguments& arguments, unsigned index) {
  uint64_t count = arguments.seeds / arguments.processes +
                   (index < arguments.seeds % arguments.processes ? 1 : 0);
  Campaign campaign = runCampaign(arguments.first + index, arguments.processes, count,
                                  arguments.stopAtFailure ? OnFailure::kStop : OnFailure::kGoOn);
  Sent sent{};
  sent.seeds = campaign.seeds;
  sent.hash = campaign.hash;
  sent.steps = campaign.steps;
  sent.failed = campaign.failed;
  sent.simulatedNs = campaign.simulatedNs;
  sent.coverage = campaign.coverage;
  if (!campaign.failures.empty()) {
    sent.failingSeed = campaign.failures.front().seed;
    strncpy(sent.violation, campaign.failures.front().violation.c_str(), sizeof sent.violation - 1);
  }
  return sent;
}

bool readWhole(int fd, Sent& sent) {
  auto* at = reinterpret_cast<char*>(&sent);
  size_t left = sizeof sent;
  while (left > 0) {
    ssize_t count = read(fd, at, left);
    if (count <= 0) return false;
    at += count;
    left -= static_cast<size_t>(count);
  }
  return true;
}

// Runs all workers and adds up their results. False if a worker broke down.
bool runAll(const Arguments& arguments, Sent& total) {
  struct Worker {
    pid_t pid;
    int fd;
  };
  if (arguments.processes == 1) {
    total = runShare(arguments, 0);
    return true;
  }
  std::vector<Worker> workers;
  for (unsigned i = 0; i < arguments.processes; ++i) {
    int fds[2];
    if (pipe(fds) != 0) return false;
    pid_t pid = fork();
    if (pid == 0) {
      close(fds[0]);
      Sent sent = runShare(arguments, i);
      bool told = write(fds[1], &sent, sizeof sent) == sizeof sent;
      _exit(told ? 0 : 1);
    }
    close(fds[1]);
    workers.push_back({pid, fds[0]});
  }
  bool good = true;
  total = Sent{};
  for (Worker& worker : workers) {
    Sent sent;
    if (readWhole(worker.fd, sent)) {
      total.seeds += sent.seeds;
      total.hash = mixed(total.hash ^ sent.hash);
      total.steps += sent.steps;
      total.simulatedNs += sent.simulatedNs;
      total.coverage.add(sent.coverage);
      if (sent.failed > 0 && (total.failed == 0 || sent.failingSeed < total.failingSeed)) {
        total.failingSeed = sent.failingSeed;
        memcpy(total.violation, sent.violation, sizeof total.violation);
      }
      total.failed += sent.failed;
    } else {
      good = false;
    }
    close(worker.fd);
    int status = 0;
    waitpid(worker.pid, &status, 0);
    if (status != 0) {
      printf("a worker ended with status 0x%x\n", status);
      good = false;
    }
  }
  return good;
}

void printCoverage(const Coverage& coverage) {
  for (size_t i = 0; i < kEvents; ++i) {
    printf("%10llu  %s\n", static_cast<unsigned long long>(coverage.counts[i]),
           textOf(static_cast<Event>(i)));
  }
}

int report(const Arguments& arguments, const Sent& total, double seconds) {
  if (!arguments.brief) printCoverage(total.coverage);
  printf(
      "%llu seeds from %llu in %.1f s: %.0f seeds a minute; %.1f hours simulated, %.0f times "
      "real time; %llu events, hash %016llx\n",
      static_cast<unsigned long long>(total.seeds),
      static_cast<unsigned long long>(arguments.first), seconds,
      static_cast<double>(total.seeds) * 60 / seconds,
      static_cast<double>(total.simulatedNs) / 3.6e12,
      static_cast<double>(total.simulatedNs) / 1e9 / seconds,
      static_cast<unsigned long long>(total.steps), static_cast<unsigned long long>(total.hash));
  if (total.failed > 0) {
    printf("FAILED: %llu seeds; seed %llu: %s\n", static_cast<unsigned long long>(total.failed),
           static_cast<unsigned long long>(total.failingSeed), total.violation);
    printf("again, with its history: muster-simulate --seed %llu\n",
           static_cast<unsigned long long>(total.failingSeed));
    return 1;
  }
  if (total.seeds >= kCoverageSeedsMin && !total.coverage.missing().empty()) {
    for (Event event : total.coverage.missing())
      printf("VOID: never happened: %s\n", textOf(event));
    return kVoid;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments = parse(argc, argv);
  support::configureLog({support::Level::kError, "", "simulation"});
  support::KjLogCallback kjLog;
  if (arguments.oneSeed) return runOne(arguments.first);
  auto begin = std::chrono::steady_clock::now();
  Sent total;
  bool whole = runAll(arguments, total);
  std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  int status = report(arguments, total, taken.count());
  return whole ? status : 1;
}
