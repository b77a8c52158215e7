#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ostream>
#include <sstream>
#include <string>

#include <muster/change_options.h>
#include <muster/fake_clock.h>
#include <muster/node_error.h>
#include <muster/result.h>
#include <muster/service.h>

#include "harness/api/call_site.h"

namespace muster {
namespace {

constexpr std::chrono::hours kOffsetMax{24 * 3650};
constexpr double kRateMin = 0.01;
constexpr double kRateMax = 100;
// A loaded machine lets the probe wait between two looks at two clocks.
constexpr double kOffsetErrorSeconds = 2;
constexpr double kRateErrorShare = 0.3;
constexpr int kStatusMissing = 69;
constexpr char kServiceVariable[] = "MUSTER_CLOCK_OF";

// One program with the clock, which is asked three times, each time beside the node's own clock.
// The first time waits for its start.
constexpr char kProbe[] =
    "command -v faketime > /dev/null || exit 69; "
    "{ echo now; sleep 0.3; date +%s.%N >&3; echo now; sleep 0.5; date +%s.%N >&3; echo now; } "
    "3>&2 | faketime -f \"$1\" date -f - +%s.%N";

// Looks for ten seconds for a process that was started with the variable $1 and has the library.
constexpr char kFindProcess[] =
    "for i in $(seq 100); do for p in /proc/[0-9]*; do "
    "grep -qszxF \"$1\" $p/environ && grep -qsF libfaketime $p/maps && exit 0; "
    "done; sleep 0.1; done; exit 1";

std::string specOf(const FakeClock& clock) {
  char text[64];
  snprintf(text, sizeof text, "%+.3f x%.4f", std::chrono::duration<double>(clock.offset).count(),
           clock.rate);
  return text;
}

[[noreturn]] void fail(NodeError::Kind kind, const Node& node, const FakeClock& clock,
                       const std::string& why) {
  throw NodeError(kind, node.name(), "run with clock \"" + specOf(clock) + "\"", why);
}

void check(const Node& node, const FakeClock& clock) {
  constexpr auto kInvalid = NodeError::Kind::kInvalid;
  if (clock.offset > kOffsetMax || clock.offset < -kOffsetMax) {
    fail(kInvalid, node, clock, "offset: is above ten years");
  }
  if (!(clock.rate >= kRateMin && clock.rate <= kRateMax)) {
    fail(kInvalid, node, clock, "rate: is not between 0.01 and 100");
  }
}

void witness(const Node& node, const FakeClock& clock) {
  constexpr auto kBroken = NodeError::Kind::kInfrastructure;
  Result probed = node.run({"sh", "-c", kProbe, "sh", specOf(clock)});
  if (probed.outcome.exitStatus() == kStatusMissing) {
    fail(NodeError::Kind::kUnsupported, node, clock,
         "the node has no program faketime; install its package faketime");
  }
  double first = 0, second = 0, third = 0, realSecond = 0, realThird = 0;
  std::istringstream(probed.out) >> first >> second >> third;
  std::istringstream(probed.err) >> realSecond >> realThird;
  if (third == 0 || realThird <= realSecond) {
    fail(kBroken, node, clock, "the probe printed no times: " + probed.err);
  }
  // What the rate has added since the probe began is part of the difference.
  double offset = std::chrono::duration<double>(clock.offset).count();
  double error = std::abs(second - realSecond - offset);
  if (error > kOffsetErrorSeconds * std::max(1.0, clock.rate)) {
    fail(kBroken, node, clock, "the clock is off by " + std::to_string(error) + " s");
  }
  double rate = (third - second) / (realThird - realSecond);
  if (std::abs(rate - clock.rate) > kRateErrorShare * clock.rate) {
    fail(kBroken, node, clock, "the clock runs at rate " + std::to_string(rate));
  }
}

}  // namespace

Argv withClock(const Node& node, const FakeClock& clock, const Argv& argv,
               std::source_location where) {
  return harness::at(where, [&] {
    if (argv.empty()) fail(NodeError::Kind::kInvalid, node, clock, "argv: is empty");
    check(node, clock);
    witness(node, clock);
    Argv whole = {"faketime", "-f", specOf(clock)};
    whole.insert(whole.end(), argv.begin(), argv.end());
    return whole;
  });
}

Change restartWithClock(const Node& node, const FakeClock& clock, const std::string& service,
                        std::source_location where) {
  return harness::at(where, [&] {
    check(node, clock);
    witness(node, clock);
    std::string library = node.output({"faketime", "-f", specOf(clock), "printenv", "LD_PRELOAD"});
    while (!library.empty() && library.back() == '\n') library.pop_back();
    Change given = change(node, ServiceEnvironment{service,
                                                   {{"LD_PRELOAD", library},
                                                    {"FAKETIME", specOf(clock)},
                                                    {kServiceVariable, service}}});
    try {
      node.service(service).restart();
      std::string variable = std::string(kServiceVariable) + "=" + service;
      if (!node.run({"sh", "-c", kFindProcess, "sh", variable}).succeeded()) {
        fail(NodeError::Kind::kInfrastructure, node, clock,
             "no process of service " + service + " has the clock after its restart");
      }
    } catch (...) {
      given.undo();
      throw;
    }
    return given;
  });
}

void PrintTo(const FakeClock& clock, std::ostream* out) {
  *out << "clock \"" << specOf(clock) << "\"";
}

}  // namespace muster
