#include "harness/selection/selected.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <set>
#include <sstream>

#include "harness/selection/error.h"
#include "harness/selection/names.h"
#include "schema/support/base/suggestion.h"

namespace harness::selection {
namespace {

using Kind = Selector::Kind;
using Tests = std::vector<ListedTest>;
using Condition = std::function<bool(const ListedTest&)>;

constexpr char kTestsDirectory[] = "tests_d";

[[noreturn]] void fail(const Selector& selector, const std::string& problem) {
  throw SelectionError(SelectionError::Kind::kSelector, selector.origin + ": " + problem);
}

std::string inQuotes(const std::string& text) {
  return "\"" + text + "\"";
}

Selected where(const Tests& tests, const Condition& condition) {
  Selected selected(tests.size());
  std::transform(tests.begin(), tests.end(), selected.begin(), condition);
  return selected;
}

bool isAny(const Selected& selected) {
  return std::find(selected.begin(), selected.end(), true) != selected.end();
}

void unite(const Selected& more, Selected& all) {
  for (size_t i = 0; i < all.size(); ++i) all[i] = all[i] || more[i];
}

std::string nearest(const std::string& word, const std::set<std::string>& known) {
  return support::nearestSuggestion(word, {known.begin(), known.end()});
}

// What a word could have been meant for.
std::set<std::string> knownWords(const TestIndex& index) {
  std::set<std::string> known;
  for (const auto& [name, places] : index.components) known.insert(name);
  for (const auto& [name, places] : index.names) known.insert(name);
  for (const ListedTest& test : index.tests) {
    // As much of a path as it takes to name the directory of the component.
    std::filesystem::path directory = std::filesystem::path(test.file).parent_path();
    known.insert(directory.filename());
    known.insert(directory.parent_path().filename() / directory.filename());
    known.insert(std::filesystem::path(test.file).filename());
  }
  return known;
}

// Adds the tests of a name, and tells whether there are any.
bool addNamed(const TestIndex::Places& places, const std::string& name, Selected& selected) {
  auto found = places.find(name);
  if (found == places.end()) return false;
  for (size_t place : found->second) selected[place] = true;
  return true;
}

// A path that is there is meant from the working directory, and any other within the tests' paths.
Selected atPath(const Tests& tests, const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) {
    std::string absolute = std::filesystem::absolute(path, ignored);
    Selected selected =
        where(tests, [&absolute](const ListedTest& test) { return isAt(test, absolute); });
    if (isAny(selected)) return selected;
  }
  return where(tests, [&path](const ListedTest& test) { return isAt(test, path); });
}

std::vector<std::string> parts(const std::string& list) {
  std::vector<std::string> found;
  std::istringstream all(list);
  for (std::string part; std::getline(all, part, ':');) found.push_back(part);
  return found;
}

// One part of a pattern must select something by itself, since a misspelt one is else unseen.
Selected byPart(const Selector& selector, const std::string& part, const TestIndex& index) {
  Selected selected = where(index.tests, [&part](const ListedTest& test) {
    return fits(test.fullName(), part) || fits(test.id(), part);
  });
  if (isAny(selected)) return selected;
  bool isName = part.find_first_of("*?") == std::string::npos;
  std::string whole = part == selector.text ? "" : " of the pattern " + inQuotes(selector.text);
  fail(selector,
       inQuotes(part) + whole + " fits no test" + (isName ? nearest(part, knownWords(index)) : ""));
}

// As gtest reads its filter: parts divided by colons, and behind the first dash those that are left
// out.
Selected byPattern(const Selector& selector, const TestIndex& index) {
  size_t dash = selector.text.find('-');
  std::string wanted = selector.text.substr(0, dash);
  Selected selected(index.tests.size(), wanted.empty());
  for (const std::string& part : parts(wanted)) unite(byPart(selector, part, index), selected);
  if (dash == std::string::npos) return selected;
  for (const std::string& part : parts(selector.text.substr(dash + 1))) {
    Selected left = byPart(selector, part, index);
    for (size_t i = 0; i < left.size(); ++i) selected[i] = selected[i] && !left[i];
  }
  if (!isAny(selected)) fail(selector, "the pattern leaves out every test that it selects");
  return selected;
}

Selected byWord(const Selector& selector, const TestIndex& index) {
  const std::string& word = selector.text;
  Selected selected(index.tests.size(), false);
  if (addNamed(index.components, word, selected)) return selected;
  if (addNamed(index.names, word, selected)) return selected;
  selected = atPath(index.tests, word);
  if (isAny(selected)) return selected;
  if (word.find_first_of("*?:") != std::string::npos) return byPattern(selector, index);
  fail(selector, "there is no component, suite, test, file or directory " + inQuotes(word) +
                     nearest(word, knownWords(index)));
}

// Adds the tests of a name or of a pattern of names, and tells whether there are any.
bool addByName(const TestIndex& index, const std::string& name, Selected& selected) {
  if (name.find_first_of("*?") == std::string::npos) {
    bool isTest = addNamed(index.testNames, name, selected);
    return addNamed(index.names, name, selected) || isTest;
  }
  // As the source has its names, and as gtest has them.
  auto isMeant = [&name](const ListedTest& test) {
    std::vector<std::string> all = fullNames(test);
    for (std::string& each : suiteNames(test)) all.push_back(std::move(each));
    for (std::string& each : testNames(test)) all.push_back(std::move(each));
    all.push_back(test.id());
    return std::any_of(all.begin(), all.end(),
                       [&](const std::string& each) { return fits(each, name); });
  };
  Selected more = where(index.tests, isMeant);
  unite(more, selected);
  return isAny(more);
}

// Names divided by blanks, each of a test, of SUITE.TEST or of a suite, or a pattern of such.
Selected byTestNames(const Selector& selector, const TestIndex& index) {
  Selected selected(index.tests.size(), false);
  std::istringstream names(selector.text);
  bool isEmpty = true;
  for (std::string name; names >> name; isEmpty = false) {
    if (addByName(index, name, selected)) continue;
    std::set<std::string> known = knownWords(index);
    for (const auto& [test, places] : index.testNames) known.insert(test);
    fail(selector, "there is no test " + inQuotes(name) + nearest(name, known));
  }
  if (isEmpty) fail(selector, "the name of a test is missing");
  return selected;
}

Selected byDirectory(const Selector& selector, const TestIndex& index) {
  std::string path = selector.text;
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  Selected selected = atPath(index.tests, std::string(kTestsDirectory) + "/" + path);
  if (!isAny(selected)) selected = atPath(index.tests, path + "/");
  if (isAny(selected)) return selected;
  fail(selector, "no test stands in a directory " + inQuotes(selector.text) +
                     nearest(path, knownWords(index)));
}

using Values = std::function<std::vector<std::string>(const ListedTest&)>;

Selected byValue(const Selector& selector, const Tests& tests, const char* what,
                 const Values& valuesOf) {
  Selected selected = where(tests, [&](const ListedTest& test) {
    std::vector<std::string> values = valuesOf(test);
    return std::find(values.begin(), values.end(), selector.text) != values.end();
  });
  if (isAny(selected)) return selected;
  std::set<std::string> known;
  for (const ListedTest& test : tests) {
    for (std::string& value : valuesOf(test)) known.insert(std::move(value));
  }
  fail(selector, std::string("no test has ") + what + " " + inQuotes(selector.text) +
                     nearest(selector.text, known));
}

Selected byExpression(const Selector& selector, const Tests& tests, const LastRun& lastRun) {
  try {
    Expression expression = Expression::parse(selector.text);
    expression.check(tests);
    if (expression.needsOutcomes() && lastRun.name.empty()) {
      fail(selector, "outcome() means the last run, and there is none in ./muster-runs");
    }
    Selected selected = where(
        tests, [&](const ListedTest& test) { return expression.matches(test, lastRun.outcomes); });
    if (isAny(selected)) return selected;
    fail(selector, "no test is selected by " + inQuotes(selector.text));
  } catch (const ExpressionError& error) {
    fail(selector, error.what());
  }
}

}  // namespace

TestIndex::TestIndex(const Tests& all) : tests(all) {
  auto add = [](Places& places, const std::string& name, size_t place) {
    std::vector<size_t>& found = places[name];
    if (found.empty() || found.back() != place) found.push_back(place);
  };
  for (size_t i = 0; i < tests.size(); ++i) {
    add(components, tests[i].component, i);
    for (const std::string& name : harness::selection::testNames(tests[i])) {
      add(testNames, name, i);
    }
    std::vector<std::string> own = suiteNames(tests[i]);
    for (std::string& name : fullNames(tests[i])) own.push_back(std::move(name));
    for (const std::string& name : own) {
      add(names, name, i);
      add(names, tests[i].component + "/" + name, i);
    }
  }
}

Selected selectedBy(const Selector& selector, const TestIndex& index, const LastRun& lastRun) {
  const Tests& tests = index.tests;
  switch (selector.kind) {
    case Kind::kWord:
      return byWord(selector, index);
    case Kind::kTest:
      return byTestNames(selector, index);
    case Kind::kDirectory:
      return byDirectory(selector, index);
    case Kind::kLabel:
      return byValue(selector, tests, "the label",
                     [](const ListedTest& test) { return test.labels; });
    case Kind::kOwner:
      return byValue(selector, tests, "the owner", [](const ListedTest& test) {
        return test.owner.empty() ? std::vector<std::string>() : std::vector{test.owner};
      });
    case Kind::kRequirement:
      return byValue(selector, tests, "the requirement",
                     [](const ListedTest& test) { return test.requirements; });
    case Kind::kExpression:
      break;
  }
  return byExpression(selector, tests, lastRun);
}

}  // namespace harness::selection
