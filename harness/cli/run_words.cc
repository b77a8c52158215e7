#include "harness/cli/run_words.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "harness/cli/arguments.h"
#include "harness/cli/command_error.h"
#include "harness/cli/gate_words.h"
#include "harness/cli/known_history.h"
#include "harness/cli/nemesis_words.h"
#include "harness/cli/options.h"
#include "harness/cli/wrapper_words.h"
#include "harness/cluster/run_id.h"
#include "harness/fault/nemesis_draw.h"
#include "harness/fixture/options.h"
#include "harness/os/process.h"
#include "harness/provision/choice.h"
#include "harness/run/program_variables.h"
#include "harness/run/run_directory.h"
#include "harness/values/wait_time.h"
#include "harness/verdict/waivers.h"

namespace harness {
namespace {

std::string processForProblem(const std::string& text) {
  bool isKnown = text == "case" || text == "suite" || text == "program";
  return isKnown ? "" : "is neither case, suite nor program";
}

std::string retryOnProblem(const std::string& text) {
  return text == "used" || text == "fresh" ? "" : "is neither used nor fresh";
}

std::string propertyProblem(const std::string& text) {
  size_t equals = text.find('=');
  bool isProperty = equals != std::string::npos && equals > 0 && equals + 1 < text.size();
  return isProperty ? "" : "is not NAME=VALUE";
}

runner::ProcessFor processFor(const std::string& text) {
  if (text == "case") return runner::ProcessFor::kCase;
  return text == "suite" ? runner::ProcessFor::kSuite : runner::ProcessFor::kProgram;
}

constexpr TextOption kRunDirectory({
    .name = "run-dir",
    .value = "DIRECTORY",
    .help = "where the record of the run goes; by default ./muster-runs/ID",
    .completes = WordKind::kDirectories,
});

constexpr TextOption kProcessFor({
    .name = "process-for",
    .value = "case|suite|program",
    .help = "what has a process of its own",
    .initial = "suite",
    .problem = processForProblem,
});

constexpr Flag kLive({
    .name = "live",
    .help = "let programs print to standard output, and keep nothing of it",
});

constexpr DurationOption kTestTimeLimit({
    .name = "test-time-limit",
    .value = "TIME",
    .help = "how long a test may take, unless it says so itself",
    .initial = "10m",
});

constexpr DurationOption kSuiteTimeLimit({
    .name = "suite-time-limit",
    .value = "TIME",
    .help = "how long each suite may take; by default as long as its program",
});

constexpr DurationOption kProgramTimeLimit({
    .name = "program-time-limit",
    .value = "TIME",
    .help = "how long all suites of a program may take",
    .initial = "1h",
});

constexpr DurationOption kRunTimeLimit({
    .name = "run-time-limit",
    .value = "TIME",
    .help = "how long the run may take; then what has not begun is not run",
});

constexpr CountOption kRepeat(
    {
        .name = "repeat",
        .value = "NUMBER",
        .help = "run every test that often",
        .initial = "1",
    },
    {.least = 1, .most = 1'000'000});

constexpr Flag kUntilFail({
    .name = "until-fail",
    .help = "repeat without end, until a test fails",
});

constexpr CountOption kRetries(
    {
        .name = "retries",
        .value = "NUMBER",
        .help = "try a test that failed again that often; it is flaky if it passes then",
        .initial = "0",
    },
    {.least = 0, .most = 100});

constexpr TextOption kRetryOn({
    .name = "retry-on",
    .value = "used|fresh",
    .help = "the nodes of a retry; a test that passes on fresh ones only is polluted",
    .initial = "used",
    .problem = retryOnProblem,
});

constexpr ListOption kWaivers({
    .name = "waivers",
    .value = "FILE",
    .help = "failures that are foretold; may be given several times",
    .completes = WordKind::kFiles,
});

constexpr CountOption kProbation(
    {
        .name = "probation",
        .value = "NUMBER",
        .help = "how often tests that --waivers puts on probation must pass in a row",
        .initial = "10",
    },
    {.least = 1, .most = 1000});

constexpr ListOption kProperty({
    .name = "property",
    .value = "NAME=VALUE",
    .help = "say where the run is, such as topology=3x1; may be given several times",
    .problem = propertyProblem,
});

constexpr CountOption kMinTests(
    {
        .name = "min-tests",
        .value = "NUMBER",
        .help = "fail if fewer tests have run",
    },
    {.least = 1, .most = 1'000'000});

constexpr Flag kRequireProbes({
    .name = "require-probes",
    .help = "fail if a probe of the programs was not met",
});

constexpr DurationOption kMaxDuration({
    .name = "max-duration",
    .value = "TIME",
    .help = "fail if the run has taken longer",
});

constexpr CountOption kMaxFail(
    {
        .name = "max-fail",
        .value = "NUMBER",
        .help = "end the run when this number of tests has failed",
    },
    {.least = 1, .most = 1'000'000});

constexpr Flag kFailFast({
    .name = "fail-fast",
    .help = "end the run at the first test that fails",
});

constexpr Flag kAbortOnInfrastructure({
    .name = "abort-on-infrastructure",
    .help = "end the run at the first test that could not be tried",
});

constexpr DurationOption kHoldOnFailure({
    .name = "hold-on-failure",
    .value = "TIME",
    .help = "hold a failing test, with its nodes, so that you can look; 30m by default",
    .implied = "30m",
});

constexpr TextOption kHoldFreeze({
    .name = "hold-freeze",
    .value = "NAME,...",
    .help = "freeze its processes meanwhile, and programs and units of these names",
    .implied = "1",
});

constexpr Flag kEndLeftovers({
    .name = "end-leftovers",
    .help = "end at once what earlier programs that were killed have left",
});

constexpr Flag kAdopt({
    .name = "adopt",
    .help = "keep what they have left until the next program ends",
});

constexpr Flag kCheckNodes({
    .name = "check-nodes",
    .help = "let a test fail that leaves its nodes changed",
});

constexpr TextOption kWaitMultiplier({
    .name = "wait-multiplier",
    .value = "NUMBER",
    .help = "let waits take as many times what the tests say, from 0.01 to 100",
    .problem = waitMultiplierProblem,
});

constexpr TextOption kNemesisPlan({
    .name = "nemesis",
    .value = "gentle|rough|FILE",
    .help = "let faults strike the nodes during the tests: those of a seed, or of a stored plan",
    .problem = nemesisProblem,
    .completes = WordKind::kNemesisPlans,
});

constexpr CountOption kNemesisSeed(
    {
        .name = "nemesis-seed",
        .value = "NUMBER",
        .help = "the seed of the plans of --nemesis; by default that of each program",
    },
    {.least = 1, .most = INT64_MAX});

constexpr DurationOption kNemesisDuration(
    {
        .name = "nemesis-duration",
        .value = "TIME",
        .help = "the length of the plans of --nemesis, from 7s to 24h; by default 2m",
    },
    {.least = nemesis::kDurationLeast, .most = nemesis::kDurationMost});

// The programs may have another working directory than we.
void setNemesis(std::map<std::string, std::string>& environment, const Arguments& arguments) {
  if (arguments.has(kNemesisPlan)) {
    std::string plan = arguments[kNemesisPlan];
    std::vector<std::string> drawn = nemesis::generators();
    bool isFile = std::find(drawn.begin(), drawn.end(), plan) == drawn.end();
    environment[kNemesisVariable] = isFile ? std::filesystem::absolute(plan).string() : plan;
  }
  if (arguments.has(kNemesisSeed)) {
    environment[kNemesisSeedVariable] = std::to_string(arguments[kNemesisSeed]);
  }
  if (arguments.has(kNemesisDuration)) {
    environment[kNemesisDurationVariable] =
        std::to_string(arguments[kNemesisDuration].count()) + "ns";
  }
}

std::map<std::string, std::string> environmentOf(const Arguments& arguments) {
  std::map<std::string, std::string> environment;
  if (arguments[kEndLeftovers] && arguments[kAdopt]) {
    throw CommandError(kExitUsage, "--end-leftovers and --adopt exclude each other");
  }
  if (arguments[kEndLeftovers]) environment[kEndLeftoversVariable] = "1";
  if (arguments[kAdopt]) environment[kAdoptVariable] = "1";
  if (arguments[kCheckNodes]) environment[kCheckNodesVariable] = "1";
  if (arguments.has(kWaitMultiplier)) {
    environment[kWaitMultiplierVariable] = arguments[kWaitMultiplier];
  }
  setNemesis(environment, arguments);
  std::string cluster = clusterText(arguments[kCluster]);
  if (!cluster.empty()) {
    environment[kClusterVariable] =
        looksLikeFile(cluster) ? std::filesystem::absolute(cluster).string() : cluster;
  }
  return environment;
}

bool isSet(const char* variable) {
  const char* value = std::getenv(variable);
  return value && *value;
}

// A run that a test has started has a directory of its own.
std::string runDirectory(const Arguments& arguments, const std::string& runId) {
  if (arguments.has(kRunDirectory)) {
    return std::filesystem::absolute(arguments[kRunDirectory]).string();
  }
  if (isSet(kRunDirectoryVariable) && !isSet(run::kWriterVariable)) {
    return std::filesystem::absolute(std::getenv(kRunDirectoryVariable)).string();
  }
  return run::defaultRunDirectory(runId);
}

bool hasArgument(const std::vector<std::string>& arguments, std::string_view beginning) {
  return std::any_of(arguments.begin(), arguments.end(),
                     [&](const std::string& argument) { return argument.starts_with(beginning); });
}

// gtest writes one report for a process, and a debugger that is attached needs the terminal.
void adaptToArguments(runner::RunnerOptions& options) {
  options.hasOwnReport = hasArgument(options.arguments, "--gtest_output=") ||
                         isSet("GTEST_OUTPUT") || isSet("XML_OUTPUT_FILE");
  if (options.hasOwnReport) options.processFor = runner::ProcessFor::kProgram;
  if (hasArgument(options.arguments, "--gtest_break_on_failure")) {
    options.output = runner::ProgramOutput::kLive;
  }
}

void setHold(runner::RunnerOptions& options, const Arguments& arguments) {
  if (arguments.has(kHoldFreeze) && !arguments.has(kHoldOnFailure)) {
    throw CommandError(kExitUsage, "--hold-freeze: nothing is held without --hold-on-failure");
  }
  if (!arguments.has(kHoldOnFailure)) return;
  options.holdMax = arguments[kHoldOnFailure];
  options.environment[run::kHoldVariable] = std::to_string(options.holdMax.count()) + "ns";
  if (arguments.has(kHoldFreeze)) {
    options.environment[run::kFreezeVariable] = arguments[kHoldFreeze];
  }
}

void setVerdict(runner::RunnerOptions& options, const Arguments& arguments) {
  options.retriesOnFresh = arguments[kRetryOn] == "fresh";
  if (options.retriesOnFresh && !options.holdsNodes) {
    throw CommandError(kExitUsage,
                       "--retry-on fresh needs nodes that are made for the run, and --cluster "
                       "names others");
  }
  for (const std::string& file : arguments[kWaivers]) {
    auto more = readOrFail([&] { return verdict::readWaivers(file); });
    options.waivers.insert(options.waivers.end(), more.begin(), more.end());
  }
  if (arguments.has(kProbation) && !arguments.has(kWaivers)) {
    throw CommandError(kExitUsage, "--probation is for the tests that --waivers FILE names");
  }
  options.gates = gatesOf(arguments);
  if (arguments[kRequireProbes]) options.gates.requiresProbes = true;
  if (arguments.has(kMinTests)) {
    options.gates.testsLeast = static_cast<size_t>(arguments[kMinTests]);
  }
  if (arguments.has(kMaxDuration)) options.gates.lengthMost = arguments[kMaxDuration];
  for (const std::string& property : arguments[kProperty]) {
    size_t equals = property.find('=');
    options.properties.emplace_back(property.substr(0, equals), property.substr(equals + 1));
  }
}

}  // namespace

OptionList runOptions() {
  OptionList options = {&kRunDirectory,   &kProcessFor,
                        &kLive,           &kTestTimeLimit,
                        &kSuiteTimeLimit, &kProgramTimeLimit,
                        &kRunTimeLimit,   &kRepeat,
                        &kUntilFail,      &kRetries,
                        &kRetryOn,        &kWaivers,
                        &kProbation,      &kProperty,
                        &kGates,          &kRequireEnvironment,
                        &kMinTests,       &kMaxDuration,
                        &kRequireProbes,  &kFailFast,
                        &kMaxFail,        &kAbortOnInfrastructure,
                        &kHoldOnFailure,  &kHoldFreeze,
                        &kEndLeftovers,   &kAdopt,
                        &kCheckNodes,     &kWaitMultiplier,
                        &kNemesisPlan,    &kNemesisSeed,
                        &kNemesisDuration};
  for (const Option* option : wrapperOptions()) options.push_back(option);
  return options;
}

runner::RunnerOptions runnerOptions(const Arguments& arguments, const std::string& runId) {
  runner::RunnerOptions options;
  options.runId = runId;
  options.runDirectory = runDirectory(arguments, runId);
  options.command = ownCommandLine();
  options.arguments = arguments.rest();
  std::erase_if(options.arguments, [](const std::string& argument) {
    return argument.starts_with("--gtest_filter=");
  });
  options.environment = environmentOf(arguments);
  options.environment[kRunIdVariable] = runId;
  options.environment[kRunDirectoryVariable] = options.runDirectory;
  options.holdsNodes = clusterText(arguments[kCluster]).empty();
  options.processFor = processFor(arguments[kProcessFor]);
  if (arguments[kLive]) options.output = runner::ProgramOutput::kLive;
  options.testMax = arguments[kTestTimeLimit];
  // A test that says its own time keeps it otherwise.
  if (arguments.has(kTestTimeLimit))
    options.environment["MUSTER_TEST_TIME"] = std::to_string(options.testMax.count()) + "ns";
  options.programMax = arguments[kProgramTimeLimit];
  if (arguments.has(kSuiteTimeLimit)) options.suiteMax = arguments[kSuiteTimeLimit];
  if (arguments.has(kRunTimeLimit)) options.runMax = arguments[kRunTimeLimit];
  options.repeat = static_cast<int>(arguments[kRepeat]);
  options.untilFail = arguments[kUntilFail];
  options.retries = static_cast<int>(arguments[kRetries]);
  if (arguments.has(kMaxFail)) options.failuresMax = static_cast<int>(arguments[kMaxFail]);
  if (arguments[kFailFast]) options.failuresMax = 1;
  options.endsOnInfrastructure = arguments[kAbortOnInfrastructure];
  setHold(options, arguments);
  setVerdict(options, arguments);
  const char* multiplier = std::getenv(kWaitMultiplierVariable);
  std::string given = multiplier ? multiplier : "";
  if (arguments.has(kWaitMultiplier)) given = arguments[kWaitMultiplier];
  options.waitMultiplier = waitMultiplierFrom(given).value_or(1);
  setWrapper(options, arguments);
  adaptToArguments(options);
  return options;
}

verdict::ProbationPlan probationFor(const Arguments& arguments,
                                    const std::vector<std::string>& tests) {
  std::vector<verdict::Probation> probations;
  for (const std::string& file : arguments[kWaivers]) {
    auto more = readOrFail([&] { return verdict::readProbations(file); });
    probations.insert(probations.end(), more.begin(), more.end());
  }
  if (probations.empty()) return {};
  return verdict::planProbation(probations, tests, knownPasses(tests).passes,
                                static_cast<int>(arguments[kProbation]), verdict::today());
}

}  // namespace harness
