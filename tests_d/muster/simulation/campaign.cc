#include "tests_d/muster/simulation/campaign.h"

#include <signal.h>

namespace simulation {
namespace {

constexpr size_t kFailuresKept = 10;

}  // namespace

Campaign runCampaign(uint64_t first, uint64_t step, uint64_t count, OnFailure onFailure) {
  // A simulated process may write into a pipe that has lost its reader.
  signal(SIGPIPE, SIG_IGN);
  kj::UnixEventPort pipes;
  Campaign campaign;
  for (uint64_t i = 0; i < count; ++i) {
    Report report = runSeed(pipes, first + i * step, World::Trace::kOff);
    ++campaign.seeds;
    campaign.hash = mixed(campaign.hash ^ report.hash);
    campaign.steps += report.steps;
    campaign.simulatedNs += report.simulatedNs;
    campaign.coverage.add(report.coverage);
    if (report.violation.empty()) continue;
    ++campaign.failed;
    if (campaign.failures.size() < kFailuresKept) campaign.failures.push_back(report);
    if (onFailure == OnFailure::kStop) break;
  }
  return campaign;
}

std::string traceText(const Report& report) {
  std::string text;
  for (const std::string& line : report.trace) text += line + "\n";
  text += "seed " + std::to_string(report.seed) + ": " +
          (report.violation.empty() ? "every invariant held" : report.violation) + "\n";
  return text;
}

}  // namespace simulation
