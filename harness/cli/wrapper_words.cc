#include "harness/cli/wrapper_words.h"

#include <filesystem>
#include <iostream>

#include "harness/cli/arguments.h"
#include "harness/cli/command_error.h"
#include "harness/fixture/options.h"
#include "harness/os/program_path.h"
#include "harness/os/shell_words.h"
#include "harness/run/program_variables.h"
#include "harness/runner/planned.h"
#include "schema/support/base/text.h"

namespace harness {
namespace {

// Programs take longer under a tracer: strace and valgrind stop them at each step.
constexpr double kTracerMultiplier = 5;

// Nobody debugs one test for longer.
constexpr char kDebuggedTestTime[] = "24h";

constexpr TextOption kDebugger({
    .name = "debugger",
    .value = "COMMAND",
    .help = "run the one process of the tests in a debugger: gdb, or COMMAND",
    .implied = "gdb",
});

constexpr TextOption kTracer({
    .name = "tracer",
    .value = "COMMAND",
    .help = "run each process of tests by COMMAND, such as 'strace -f -o {directory}/s'",
});

std::vector<std::string> wordsOf(const Option& option, const std::string& text) {
  auto words = shellWords(text);
  std::string where = option.spelling() + ": ";
  if (!words) {
    throw CommandError(kExitUsage,
                       where + "\"" + support::printable(text) + "\" has a quote without an end");
  }
  if (words->empty()) throw CommandError(kExitUsage, where + "there is no command");
  std::string path = programInPath(words->front());
  if (path.empty()) {
    throw CommandError(
        kExitUsage, where + "there is no program \"" + support::printable(words->front()) + "\"");
  }
  words->front() = path;
  return *words;
}

void setDebugger(runner::RunnerOptions& options, const Arguments& arguments) {
  if (options.holdMax.count() > 0 || options.untilFail || options.retries > 0) {
    throw CommandError(kExitUsage,
                       "--debugger excludes --hold-on-failure, --until-fail and --retries");
  }
  options.wrapper = {runner::Wrapper::Kind::kDebugger, wordsOf(kDebugger, arguments[kDebugger])};
  bool isGdb = std::filesystem::path(options.wrapper.words.front()).filename() == "gdb";
  if (isGdb && options.wrapper.words.size() == 1) options.wrapper.words.push_back("--args");
  options.output = runner::ProgramOutput::kLive;
  options.testMax = options.suiteMax = options.programMax = options.runMax =
      options.gates.lengthMost = std::chrono::nanoseconds(0);
  options.environment["MUSTER_TEST_TIME"] = kDebuggedTestTime;
  options.environment[run::kDebuggedVariable] = "1";
  // The debugger stops where an assertion fails. The words behind "--" may say otherwise.
  options.arguments.insert(options.arguments.begin(), "--gtest_break_on_failure");
}

// A tracer makes everything slow that waits for the program.
void setTracer(runner::RunnerOptions& options, const Arguments& arguments) {
  options.wrapper = {runner::Wrapper::Kind::kTracer, wordsOf(kTracer, arguments[kTracer])};
  if (options.waitMultiplier == 1) {
    options.waitMultiplier = kTracerMultiplier;
    options.environment[kWaitMultiplierVariable] = "5";
  }
  for (auto* limit : {&options.suiteMax, &options.programMax, &options.runMax}) {
    *limit = std::chrono::duration_cast<std::chrono::nanoseconds>(*limit * options.waitMultiplier);
  }
  std::cerr << "muster: --tracer: limits are multiplied by " << options.waitMultiplier
            << " (--wait-multiplier)\n";
}

}  // namespace

OptionList wrapperOptions() {
  return {&kDebugger, &kTracer};
}

void setWrapper(runner::RunnerOptions& options, const Arguments& arguments) {
  if (arguments.has(kDebugger) && arguments.has(kTracer)) {
    throw CommandError(kExitUsage, "--debugger and --tracer exclude each other");
  }
  if (arguments.has(kDebugger)) setDebugger(options, arguments);
  if (arguments.has(kTracer)) setTracer(options, arguments);
}

void refuseSeveral(const std::vector<runner::PlannedProgram>& programs,
                   const runner::RunnerOptions& options) {
  if (options.wrapper.kind != runner::Wrapper::Kind::kDebugger) return;
  size_t processes = runner::countProcesses(programs, options.processFor, options.repeat);
  if (processes == 1) return;
  throw CommandError(kExitUsage, "--debugger: the selected tests would run in " +
                                     std::to_string(processes) +
                                     " processes; select one, or those of one suite");
}

}  // namespace harness
