#include "harness/cli/bisect_plan.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "harness/cli/arguments.h"
#include "harness/cli/command_error.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/run_choice.h"
#include "harness/cli/run_words.h"
#include "harness/cli/selection_words.h"
#include "harness/os/shell_words.h"
#include "harness/run/fields.h"
#include "harness/run/program_variables.h"
#include "harness/selection/error.h"
#include "harness/selection/listing.h"

namespace harness {
namespace {

namespace fs = std::filesystem;

using run::Json;

// Arguments of a program that belong to one run of it.
constexpr const char* kOwnArguments[] = {
    "--gtest_filter=", "--gtest_output=", "--run-dir=", "--run-id=", "--gtest_repeat=", "--hold-"};

// How a run was started.
struct Start {
  std::vector<std::string> words = {};
  std::string directory = {};

  // That of a program which was started by hand. Empty: `muster run` was.
  std::string program = {};
  std::string component = {};
};

Json fieldsOfFirst(const run::RecordFile& file, const std::string& kind) {
  for (const run::Item& item : file.items()) {
    if (item.kind == kind) return file.fields(item);
  }
  return Json::object();
}

// The words of a program that was started by hand become those of `muster run` for it.
Start startOfProgram(const run::RecordFile& file) {
  std::vector<std::string> argv = run::textsOf(fieldsOfFirst(file, "program"), "argv");
  Start start{.program = argv.empty() ? "" : fs::absolute(argv.front()).string(),
              .component = run::textOf(file.header(), "component")};
  start.words = {"run", "--process-for", "program", "--"};
  for (size_t i = 1; i < argv.size(); ++i) {
    bool isOwn = std::any_of(std::begin(kOwnArguments), std::end(kOwnArguments),
                             [&](const char* own) { return argv[i].starts_with(own); });
    if (!isOwn) start.words.push_back(argv[i]);
  }
  return start;
}

Start startOf(const run::RunRecord& record) {
  const run::RecordFile* runner = record.runner();
  if (runner == nullptr) return startOfProgram(record.files.front());
  Json fields = fieldsOfFirst(*runner, "run");
  std::vector<std::string> command = run::textsOf(fields, "command");
  Start start{.directory = run::textOf(fields, "directory")};
  if (!command.empty()) start.words.assign(command.begin() + 1, command.end());
  return start;
}

Arguments argumentsOf(const run::RunRecord& record, const Start& start) {
  try {
    CommandLine line = parseCommandLine(start.words);
    if (line.arguments && line.command == &kRun) return *line.arguments;
  } catch (const CommandError&) {
    // It is told below.
  }
  throw CommandError(
      kExitData, "run " + record.id + " has no command line of `muster run` that can be repeated");
}

// One time that the test failed, and what had begun before.
struct Failed {
  const run::Attempt* attempt = nullptr;
  std::vector<std::string> earlier = {};
};

const run::Attempt* failedAttempt(const run::TestResult& test) {
  for (const run::Attempt& attempt : test.attempts) {
    bool isFailed = attempt.outcome == run::Outcome::kFailed ||
                    attempt.outcome == run::Outcome::kCrashed ||
                    attempt.outcome == run::Outcome::kTimedOut;
    if (isFailed && attempt.begin != run::Item::kNever) return &attempt;
  }
  return nullptr;
}

// Those of the same repetition: each test is to run once.
std::vector<std::string> begunBefore(const run::RunResult& result, const std::string& id,
                                     const run::Attempt& failed) {
  std::vector<std::pair<int64_t, std::string>> begun;
  for (const run::TestResult& test : result.tests) {
    if (test.id() == id) continue;
    for (const run::Attempt& attempt : test.attempts) {
      bool isBefore = attempt.begin != run::Item::kNever && attempt.begin < failed.begin;
      if (!isBefore || attempt.repeat != failed.repeat || attempt.number != 1) continue;
      begun.emplace_back(attempt.begin, test.id());
    }
  }
  std::sort(begun.begin(), begun.end());
  std::vector<std::string> ids;
  for (auto& [begin, name] : begun) ids.push_back(std::move(name));
  return ids;
}

std::map<std::string, selection::ListedTest> testsById(const Arguments& arguments,
                                                       const Start& start,
                                                       const std::set<std::string>& components) {
  std::vector<selection::ListedProgram> programs;
  if (!start.program.empty()) {
    programs.push_back({start.component, start.program});
  } else {
    for (const TestProgram& program : testProgramsOf(arguments)) {
      if (components.contains(program.component)) {
        programs.push_back({program.component, program.path});
      }
    }
  }
  std::map<std::string, selection::ListedTest> tests;
  try {
    for (selection::ListedTest& test : selection::listTests(programs)) {
      std::string id = test.id();
      tests[id] = std::move(test);
    }
  } catch (const selection::SelectionError& error) {
    throw CommandError(kExitNoInput, error.what());
  }
  return tests;
}

// What each step asks for, and no more: whether one test fails.
void simplify(runner::RunnerOptions& options) {
  options.repeat = 1;
  options.untilFail = options.retriesOnFresh = options.endsOnInfrastructure = false;
  options.retries = options.failuresMax = 0;
  options.waivers.clear();
  options.onProbation.clear();
  options.gates = {};
  options.holdMax = std::chrono::nanoseconds(0);
  options.environment.erase(run::kHoldVariable);
  options.environment.erase(run::kFreezeVariable);
  options.wrapper = {};
  options.output = runner::ProgramOutput::kFailures;
  options.shown = runner::Shown::kNothing;
  std::erase_if(options.arguments, [](const std::string& argument) {
    return argument.starts_with("--gtest_output=");
  });
}

std::string wordFor(runner::ProcessFor what) {
  if (what == runner::ProcessFor::kCase) return "case";
  return what == runner::ProcessFor::kSuite ? "suite" : "program";
}

std::string wordsOf(const Arguments& arguments, const Start& start,
                    const runner::RunnerOptions& options) {
  std::string words = " --process-for " + wordFor(options.processFor);
  std::string programs = arguments[kBinDirectory];
  if (!start.program.empty()) programs = fs::path(start.program).parent_path();
  if (!programs.empty()) words += " --bin-dir " + shellWord(programs);
  std::string cluster = arguments[kCluster];
  if (!cluster.empty()) words += " --cluster " + shellWord(cluster);
  if (!options.arguments.empty()) words += " --";
  for (const std::string& argument : options.arguments) {
    words += " " + shellWord(argument);
  }
  return words;
}

}  // namespace

BisectPlan readBisectPlan(const run::RunRecord& record, const std::string& wanted) {
  run::RunResult result = run::resultOf(record);
  std::vector<std::string> ids;
  for (const run::TestResult& test : result.tests) ids.push_back(test.id());
  std::string id = testFor(ids, wanted);
  auto test = std::find_if(result.tests.begin(), result.tests.end(),
                           [&](const run::TestResult& each) { return each.id() == id; });
  const run::Attempt* failed = failedAttempt(*test);
  if (failed == nullptr) {
    throw CommandError(kExitData, "test " + id + " did not fail in run " + record.id + ": it has " +
                                      std::string(run::wordOf(test->outcome)));
  }
  Start start = startOf(record);
  if (!start.directory.empty()) fs::current_path(start.directory);
  Arguments arguments = argumentsOf(record, start);
  std::vector<std::string> earlier = begunBefore(result, id, *failed);
  std::set<std::string> components = {test->component};
  for (const std::string& each : earlier) components.insert(each.substr(0, each.find('/')));
  auto listed = testsById(arguments, start, components);
  if (!listed.contains(id)) throw CommandError(kExitNoInput, "no program has the test " + id);
  BisectPlan plan{.test = listed.at(id), .options = runnerOptions(arguments, record.id)};
  for (const std::string& each : earlier) {
    if (auto found = listed.find(each); found != listed.end()) {
      plan.earlier.push_back(found->second);
    } else {
      plan.gone.push_back(each);
    }
  }
  simplify(plan.options);
  plan.words = wordsOf(arguments, start, plan.options);
  return plan;
}

}  // namespace harness
