#include "harness/cli/selection_words.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <random>

#include "harness/cli/arguments.h"
#include "harness/cli/command_error.h"
#include "harness/cli/known_history.h"
#include "harness/os/error.h"
#include "harness/run/run_directory.h"
#include "harness/selection/error.h"
#include "harness/selection/listing.h"
#include "schema/support/base/suggestion.h"

namespace harness {
namespace {

using selection::Selector;
using selection::Selectors;

const std::vector<std::string>& orders() {
  static const std::vector<std::string> kOrders = {"declared", "longest", "shuffled"};
  return kOrders;
}

std::string directoryOfPrograms(const Arguments& arguments) {
  if (arguments.has(kBinDirectory)) return arguments[kBinDirectory];
  return std::filesystem::read_symlink("/proc/self/exe").parent_path().string();
}

// Empty: there is none.
std::string lastRun() {
  try {
    return run::findRun(run::kLatestLink);
  } catch (const SystemError&) {
    return "";  // A first run has none before it.
  }
}

std::optional<int> numberOf(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr || *text == '\0') return std::nullopt;
  char* end = nullptr;
  long number = std::strtol(text, &end, 10);
  if (*end == '\0' && number >= 0 && number <= INT32_MAX) return static_cast<int>(number);
  throw CommandError(kExitUsage,
                     std::string(variable) + ": \"" + text + "\" is not a number from 0");
}

// As gtest reads the variables, whose index begins at 0.
std::optional<selection::Shard> shardOf(const Arguments& arguments) {
  if (arguments.has(kShard)) return selection::shardFrom(arguments[kShard]);
  auto count = numberOf("GTEST_TOTAL_SHARDS");
  auto index = numberOf("GTEST_SHARD_INDEX");
  if (!count && !index) return std::nullopt;
  if (!count || !index || *index >= *count) {
    throw CommandError(kExitUsage,
                       "GTEST_SHARD_INDEX is to be set together with GTEST_TOTAL_SHARDS, and below "
                       "it");
  }
  return selection::Shard{*index + 1, *count};
}

// Takes the seconds of the tests from the history.
void setSeconds(Selectors& selectors, const std::vector<selection::ListedTest>& tests) {
  std::vector<std::string> ids;
  for (const selection::ListedTest& test : tests) ids.push_back(test.id());
  KnownTimes times = knownTimes(ids);
  selectors.seconds = std::move(times.seconds);
  if (!selectors.seconds.empty()) return;
  selectors.order = selection::Order::kDeclared;
  std::cerr << "muster: --order longest: "
            << (times.problem.empty() ? "no run has a pass of any of the tests" : times.problem)
            << "; the order is as declared\n";
}

void setShuffled(Selectors& selectors, const Arguments& arguments) {
  selectors.order = selection::Order::kShuffled;
  bool isGiven = arguments.has(kShuffleSeed);
  selectors.seed =
      isGiven ? static_cast<uint64_t>(arguments[kShuffleSeed]) : std::random_device()();
  if (!isGiven) std::cerr << "muster: the order has --shuffle-seed " << selectors.seed << "\n";
}

void setOrder(Selectors& selectors, const Arguments& arguments) {
  std::string order = arguments[kOrder];
  if (arguments.has(kShuffleSeed) && !order.empty() && order != "shuffled") {
    throw CommandError(kExitUsage, "--shuffle-seed and --order " + order + " exclude each other");
  }
  if (order == "longest") selectors.order = selection::Order::kLongest;
  if (order == "shuffled" || arguments.has(kShuffleSeed)) setShuffled(selectors, arguments);
}

int statusOf(const selection::SelectionError& error) {
  switch (error.kind()) {
    case selection::SelectionError::Kind::kSelector:
      return kExitUsage;
    case selection::SelectionError::Kind::kNothing:
      return support::kExitNothingRan;
    case selection::SelectionError::Kind::kInput:
      return kExitNoInput;
    case selection::SelectionError::Kind::kTests:
      break;
  }
  return support::kExitInfrastructure;
}

}  // namespace

std::string shardProblem(const std::string& value) {
  return selection::shardFrom(value) ? "" : "is not a shard such as 2/5, from 1/5 to 5/5";
}

std::string orderProblem(const std::string& value) {
  bool isKnown = std::find(orders().begin(), orders().end(), value) != orders().end();
  return isKnown ? "" : "is not an order" + support::suggestion(value, orders());
}

OptionList withSelection(OptionList own) {
  for (const Option* option : OptionList{&kBinDirectory, &kTestNames, &kTestDirectory, &kTestLabel,
                                         &kTestOwner, &kRequirement, &kExpression, &kListFile,
                                         &kFailed, &kChanged, &kShard, &kOrder, &kShuffleSeed}) {
    own.push_back(option);
  }
  return own;
}

std::vector<TestProgram> testProgramsOf(const Arguments& arguments) {
  std::string directory = directoryOfPrograms(arguments);
  std::vector<TestProgram> programs = findTestPrograms(directory);
  if (!programs.empty()) return programs;
  throw CommandError(kExitNoInput, "there are no programs named COMPONENT_tests in " + directory +
                                       "; say where with --bin-dir");
}

Selectors selectorsOf(const Arguments& arguments) {
  Selectors selectors;
  auto add = [&selectors](Selector::Kind kind, const std::vector<std::string>& texts,
                          const std::string& origin) {
    for (const std::string& text : texts) selectors.selectors.push_back({kind, text, origin});
  };
  add(Selector::Kind::kWord, arguments.words(), "select tests");
  add(Selector::Kind::kTest, arguments[kTestNames], kTestNames.spelling());
  add(Selector::Kind::kDirectory, arguments[kTestDirectory], kTestDirectory.spelling());
  add(Selector::Kind::kLabel, arguments[kTestLabel], kTestLabel.spelling());
  add(Selector::Kind::kOwner, arguments[kTestOwner], kTestOwner.spelling());
  add(Selector::Kind::kRequirement, arguments[kRequirement], kRequirement.spelling());
  add(Selector::Kind::kExpression, arguments[kExpression], kExpression.spelling());
  selectors.listFiles = arguments[kListFile];
  selectors.lastRun = lastRun();
  selectors.changedSince = arguments[kChanged];
  selectors.shard = shardOf(arguments);
  try {
    if (arguments.has(kFailed)) selectors.failedOf = run::findRun(arguments[kFailed]);
    setOrder(selectors, arguments);
  } catch (const SystemError& error) {
    throw CommandError(kExitNoInput, error.what());
  }
  return selectors;
}

selection::Choice chooseTests(const Arguments& arguments) {
  Selectors selectors = selectorsOf(arguments);
  std::vector<selection::ListedProgram> programs;
  for (const TestProgram& program : testProgramsOf(arguments)) {
    programs.push_back({program.component, program.path});
  }
  try {
    std::vector<selection::ListedTest> tests = selection::listTests(programs);
    if (selectors.order == selection::Order::kLongest) setSeconds(selectors, tests);
    selection::Choice choice = selection::choose(tests, selectors);
    for (const std::string& note : choice.notes) std::cerr << "muster: " << note << "\n";
    return choice;
  } catch (const selection::SelectionError& error) {
    throw CommandError(statusOf(error), error.what());
  }
}

}  // namespace harness
