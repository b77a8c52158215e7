// list: the tests of the programs, and what they say of themselves.
#include <filesystem>
#include <iostream>
#include <set>

#include "harness/cli/arguments.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/options.h"
#include "harness/cli/selection_words.h"
#include "harness/cli/table.h"
#include "harness/values/failure_text.h"
#include "schema/support/base/duration.h"
#include "schema/support/base/text.h"

namespace harness {
namespace {

using selection::Choice;
using selection::ListedTest;
using Cells = std::vector<std::string>;

constexpr Flag kComponentsOnly({.name = "components", .help = "list the components only"});
constexpr Flag kCountOnly({.name = "count", .help = "print the number of tests only"});
constexpr Flag kLong({.name = "long", .help = "print all that each test says of itself"});
constexpr Flag kCsv({.name = "csv",
                     .help = "print a line of comma-separated values for each test"});

constexpr char kNotes[] =
    R"(A SELECTOR is a component, COMPONENT/SUITE.TEST, SUITE.TEST, SUITE, a file or
a directory of tests, or a pattern of gtest such as 'Volume*:-*.Slow*'.
Selectors of one kind are united, and kinds intersect. Without any, all tests
are listed. No test runs, and no node is touched.

Exit status: 0 if there are tests; 3 if no test is selected by all selectors
together; 64 if a selector is wrong or selects nothing; 66 if there are no
programs; 2 if a program cannot list its tests.
)";

// Says the place as seen from the working directory.
std::string placeOf(const ListedTest& test) {
  std::error_code ignored;
  std::string here = std::filesystem::current_path(ignored).string() + "/";
  bool isBelow = test.file.starts_with(here);
  return (isBelow ? test.file.substr(here.size()) : test.file) + ":" + std::to_string(test.line);
}

// "client 1, server 3, systemd, capability mknod, power"
std::string needsText(const ListedTest& test) {
  if (!test.needs) return "";
  Cells parts;
  for (const auto& [role, count] : test.needs->nodes) {
    parts.push_back(role + " " + std::to_string(count));
  }
  if (test.needs->isSystemd) parts.emplace_back("systemd");
  for (const std::string& capability : test.needs->capabilities) {
    parts.push_back("capability " + capability);
  }
  for (const std::string& ability : test.needs->abilities) parts.push_back(ability);
  if (test.needs->memoryBytes > 0) {
    parts.push_back(std::to_string(test.needs->memoryBytes) + " bytes of memory");
  }
  return joined(parts, ", ");
}

std::string timeLimitText(const ListedTest& test) {
  return test.timeLimit.count() == 0 ? "" : support::durationText(test.timeLimit.count());
}

Json testJson(const ListedTest& test) {
  Json needs = nullptr;
  if (test.needs) {
    needs = {{"nodes", test.needs->nodes},
             {"systemd", test.needs->isSystemd},
             {"capabilities", test.needs->capabilities},
             {"abilities", test.needs->abilities},
             {"memory_bytes", test.needs->memoryBytes}};
  }
  Json limit = nullptr;
  if (test.timeLimit.count() > 0) {
    limit = std::chrono::duration<double>(test.timeLimit).count();
  }
  return {{"id", test.id()},
          {"component", test.component},
          {"suite", test.suite},
          {"name", test.name},
          {"file", test.file},
          {"line", test.line},
          {"type", test.type},
          {"value", test.value},
          {"disabled", test.isDisabled},
          {"labels", test.labels},
          {"owner", test.owner},
          {"requirements", test.requirements},
          {"time_limit_seconds", limit},
          {"after", test.after},
          {"disruptive", test.isDisruptive},
          {"needs", needs}};
}

void printAsJson(const Choice& choice) {
  Json tests = Json::array();
  for (const ListedTest& test : choice.tests) tests.push_back(testJson(test));
  Json disabled = Json::array();
  for (const ListedTest& test : choice.disabled) disabled.push_back(testJson(test));
  printJson({{"tests", std::move(tests)},
             {"disabled", std::move(disabled)},
             {"in_other_shards", choice.inOtherShards}});
}

// As RFC 4180 has it.
std::string csvLine(const Cells& cells) {
  std::string line;
  for (const std::string& cell : cells) {
    std::string text = support::printable(cell, support::Lines::kMany);
    if (text.find_first_of(",\"\n") != std::string::npos) {
      for (size_t at = 0; (at = text.find('"', at)) != std::string::npos; at += 2) {
        text.insert(at, 1, '"');
      }
      text = '"' + text + '"';
    }
    line += (line.empty() ? "" : ",") + text;
  }
  return line + "\r\n";
}

void printCsv(const Choice& choice) {
  std::cout << csvLine({"id", "component", "suite", "name", "file", "line", "labels", "owner",
                        "requirements", "needs", "time_limit", "after", "disruptive", "disabled"});
  auto print = [](const ListedTest& test) {
    std::cout << csvLine({test.id(), test.component, test.suite, test.name, test.file,
                          std::to_string(test.line), joined(test.labels, " "), test.owner,
                          joined(test.requirements, " "), needsText(test), timeLimitText(test),
                          joined(test.after, " "), test.isDisruptive ? "yes" : "no",
                          test.isDisabled ? "yes" : "no"});
  };
  for (const ListedTest& test : choice.tests) print(test);
  for (const ListedTest& test : choice.disabled) print(test);
}

void printLong(const ListedTest& test) {
  auto line = [](const char* name, const std::string& value) {
    if (!value.empty()) std::cout << "  " << name << support::printable(value) << "\n";
  };
  std::cout << support::printable(test.id()) << (test.isDisabled ? " (disabled)" : "") << "\n";
  line("place         ", placeOf(test));
  line("type          ", test.type);
  line("parameter     ", test.value);
  line("labels        ", joined(test.labels, " "));
  line("owner         ", test.owner);
  line("requirements  ", joined(test.requirements, " "));
  line("needs         ", needsText(test));
  line("time limit    ", timeLimitText(test));
  line("after         ", joined(test.after, " "));
  line("disruptive    ", test.isDisruptive ? "yes" : "");
}

void printTable(const Choice& choice) {
  std::vector<Cells> rows = {{"TEST", "LABELS", "NEEDS", "OWNER", "PLACE"}};
  auto add = [&rows](const ListedTest& test) {
    std::string labels = joined(test.labels, " ");
    if (test.isDisabled) labels += labels.empty() ? "(disabled)" : " (disabled)";
    rows.push_back({test.id(), labels, needsText(test), test.owner, placeOf(test)});
  };
  for (const ListedTest& test : choice.tests) add(test);
  for (const ListedTest& test : choice.disabled) add(test);
  std::cout << table(rows);
}

std::string countText(const Choice& choice) {
  std::set<std::string> components;
  for (const ListedTest& test : choice.tests) components.insert(test.component);
  std::string text = std::to_string(choice.tests.size()) + " tests of " +
                     std::to_string(components.size()) + " components";
  if (!choice.disabled.empty()) text += ", " + std::to_string(choice.disabled.size()) + " disabled";
  if (choice.inOtherShards > 0) {
    text += ", " + std::to_string(choice.inOtherShards) + " in other shards";
  }
  return text;
}

int listComponents(const Arguments& arguments) {
  if (!arguments.words().empty()) {
    throw CommandError(kExitUsage, "--components lists all components: \"" + arguments.word(0) +
                                       "\" is one selector too many");
  }
  Json names = Json::array();
  for (const TestProgram& program : testProgramsOf(arguments)) {
    names.push_back(program.component);
    if (!arguments[kJson]) std::cout << program.component << "\n";
  }
  if (arguments[kJson]) printJson({{"components", std::move(names)}});
  return kExitOk;
}

void refuseTwoForms(const Arguments& arguments) {
  Cells given;
  for (const Flag* flag : {&kJson, &kCsv, &kLong, &kCountOnly}) {
    if (arguments[*flag]) given.push_back(flag->spelling());
  }
  if (given.size() < 2) return;
  throw CommandError(kExitUsage, given[0] + " and " + given[1] + " exclude each other");
}

int run(const Arguments& arguments) {
  if (arguments[kComponentsOnly]) return listComponents(arguments);
  refuseTwoForms(arguments);
  Choice choice = chooseTests(arguments);
  if (arguments[kJson]) {
    printAsJson(choice);
  } else if (arguments[kCsv]) {
    printCsv(choice);
  } else if (arguments[kCountOnly]) {
    std::cout << choice.tests.size() << "\n";
  } else if (arguments[kLong]) {
    for (const ListedTest& test : choice.tests) printLong(test);
    for (const ListedTest& test : choice.disabled) printLong(test);
  } else {
    printTable(choice);
    std::cerr << countText(choice) << "\n";
  }
  return kExitOk;
}

}  // namespace

const Command kListTests = {
    .name = "list",
    .usage = "[SELECTOR...]",
    .summary = "list tests with their labels, needs, owners and places",
    .options =
        [] {
          return withSelection({&kComponentsOnly, &kCountOnly, &kLong, &kCsv, &kJson});
        },
    .run = run,
    .wordsMost = 10'000,
    .completes = WordKind::kTests,
    .notes = kNotes,
};

}  // namespace harness
