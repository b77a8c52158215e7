#include "harness/selection/choose.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <numeric>
#include <set>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "harness/os/error.h"
#include "harness/run/results.h"
#include "harness/run/run_record.h"
#include "harness/selection/changed.h"
#include "harness/selection/error.h"
#include "harness/selection/list_file.h"
#include "harness/selection/order.h"
#include "harness/selection/selected.h"

namespace harness::selection {
namespace {

using Places = std::vector<size_t>;
using Tests = std::vector<ListedTest>;
using SuiteKey = std::pair<std::string, std::string>;

std::string componentOf(const ListedTest& test) {
  return test.component;
}

SuiteKey suiteOf(const ListedTest& test) {
  return {test.component, test.suite};
}

run::RunResult resultsOf(const std::string& directory) {
  try {
    return run::resultOf(run::readRun(directory));
  } catch (const SystemError& error) {
    throw SelectionError(SelectionError::Kind::kInput, error.what());
  }
}

std::string runName(const std::string& directory) {
  return std::filesystem::path(directory).filename();
}

LastRun lastRunOf(const std::string& directory) {
  LastRun last;
  if (directory.empty()) return last;
  last.name = runName(directory);
  for (const run::TestResult& test : resultsOf(directory).tests) {
    last.outcomes[test.id()] = test.outcome;
  }
  return last;
}

// Names the kinds of selectors, for the error of an empty intersection.
const char* wordOf(Selector::Kind kind) {
  switch (kind) {
    case Selector::Kind::kWord:
      return "the words";
    case Selector::Kind::kTest:
      return "--test";
    case Selector::Kind::kDirectory:
      return "--directory";
    case Selector::Kind::kLabel:
      return "--label";
    case Selector::Kind::kOwner:
      return "--owner";
    case Selector::Kind::kRequirement:
      return "--requirement";
    case Selector::Kind::kExpression:
      break;
  }
  return "--expression";
}

void requireUniqueIds(const Tests& tests) {
  std::unordered_map<std::string, const ListedTest*> known;
  for (const ListedTest& test : tests) {
    auto [other, isNew] = known.try_emplace(test.id(), &test);
    if (isNew) continue;
    throw SelectionError(SelectionError::Kind::kTests,
                         "two tests have the id " + test.id() + ": one of " +
                             other->second->program + " (" + other->second->place() + "), one of " +
                             test.program + " (" + test.place() + "); each id is to mean one test");
  }
}

class Chooser {
 public:
  Chooser(const Tests& tests, const Selectors& selectors)
      : tests_(tests),
        selectors_(selectors),
        sequence_(tests),
        index_(tests),
        selected_(tests.size(), true) {}

  Choice choose() {
    selectByKinds();
    selectByListFiles();
    if (!selectors_.failedOf.empty()) selectFailed();
    if (!selectors_.changedSince.empty()) selectChanged();
    if (std::find(selected_.begin(), selected_.end(), true) == selected_.end()) failEmpty();
    takeInOrder();
    return std::move(choice_);
  }

 private:
  // Restricts what is selected to what one more kind selects.
  void intersect(const std::string& kind, const Selected& more) {
    for (size_t i = 0; i < selected_.size(); ++i) selected_[i] = selected_[i] && more[i];
    counts_.emplace_back(kind, std::count(more.begin(), more.end(), true));
  }

  // The last run is read if an expression asks for it, and once.
  const LastRun& lastRun(const Selector& selector) {
    bool isAsked = selector.kind == Selector::Kind::kExpression &&
                   selector.text.find("outcome") != std::string::npos;
    if (isAsked && lastRun_.name.empty()) lastRun_ = lastRunOf(selectors_.lastRun);
    return lastRun_;
  }

  void selectByKinds() {
    std::map<Selector::Kind, Selected> kinds;
    for (const Selector& selector : selectors_.selectors) {
      Selected more = selectedBy(selector, index_, lastRun(selector));
      noteUnion(selector, more);
      auto [kind, isNew] = kinds.try_emplace(selector.kind, more);
      for (size_t i = 0; i < more.size() && !isNew; ++i) {
        kind->second[i] = kind->second[i] || more[i];
      }
    }
    for (const auto& [kind, selected] : kinds) intersect(wordOf(kind), selected);
  }

  // Whoever names a component and some tests of it may have meant these alone.
  void noteUnion(const Selector& some, const Selected& selected) {
    if (some.kind != Selector::Kind::kWord || index_.components.contains(some.text)) return;
    for (const Selector& whole : selectors_.selectors) {
      auto component = index_.components.find(whole.text);
      if (whole.kind != Selector::Kind::kWord || component == index_.components.end()) continue;
      bool isShared = std::any_of(component->second.begin(), component->second.end(),
                                  [&](size_t place) { return selected[place]; });
      if (!isShared) continue;
      choice_.notes.push_back("words are united: all tests of \"" + whole.text +
                              "\" are selected, not only those that \"" + some.text +
                              "\" means; for these alone, write -t '" + some.text + "'");
    }
  }

  // A test has the place of the first line that selects it.
  void selectByListFiles() {
    if (selectors_.listFiles.empty()) return;
    Selected listed(tests_.size(), false);
    for (const std::string& path : selectors_.listFiles) {
      for (const Selector& selector : readListFile(path)) {
        Selected more = selectedBy(selector, index_, lastRun(selector));
        for (size_t place : declared_) {
          if (more[place] && !listed[place]) listOrder_.push_back(place);
        }
        for (size_t i = 0; i < more.size(); ++i) listed[i] = listed[i] || more[i];
      }
    }
    intersect("--list-file", listed);
  }

  void selectFailed() {
    std::string run = runName(selectors_.failedOf);
    std::set<std::string> failed;
    for (const run::TestResult& test : resultsOf(selectors_.failedOf).tests) {
      if (!run::isGreen(test.outcome)) failed.insert(test.id());
    }
    if (failed.empty()) {
      throw SelectionError(SelectionError::Kind::kNothing,
                           "--failed: every test of run " + run + " is green");
    }
    Selected selected(tests_.size(), false);
    for (size_t i = 0; i < tests_.size(); ++i) {
      selected[i] = failed.erase(tests_[i].id()) != 0;
    }
    for (const std::string& id : failed) {
      choice_.notes.push_back("--failed: " + id + " of run " + run + " is no longer there");
    }
    if (std::find(selected.begin(), selected.end(), true) == selected.end()) {
      throw SelectionError(SelectionError::Kind::kSelector,
                           "--failed: none of the tests that were not green in run " + run +
                               " is still there, such as " + *failed.begin());
    }
    intersect("--failed", selected);
  }

  void selectChanged() {
    ChangedTests changed = changedTests(tests_, selectors_.changedSince);
    for (const std::string& note : changed.notes) choice_.notes.push_back("--changed: " + note);
    Selected selected = changed.isChanged;
    if (std::find(selected.begin(), selected.end(), true) == selected.end()) {
      throw SelectionError(SelectionError::Kind::kNothing, "--changed: no test has changed since " +
                                                               selectors_.changedSince + "; " +
                                                               changed.notes.front());
    }
    intersect("--changed", selected);
  }

  [[noreturn]] void failEmpty() const {
    if (counts_.empty()) {
      throw SelectionError(SelectionError::Kind::kNothing, "there are no tests to choose from");
    }
    std::string parts;
    for (const auto& [kind, count] : counts_) {
      parts += (parts.empty() ? "" : ", ") + kind + " (" + std::to_string(count) + " tests)";
    }
    throw SelectionError(SelectionError::Kind::kNothing, "no test is selected by all of " + parts);
  }

  // Components in the order of the list, and in each the disruptive tests last.
  Places declaredOrder() const {
    std::map<std::string, size_t> components;
    for (const ListedTest& test : tests_) components.try_emplace(test.component, components.size());
    Places places(tests_.size());
    std::iota(places.begin(), places.end(), 0);
    std::stable_sort(places.begin(), places.end(), [&](size_t one, size_t other) {
      return std::pair(components[tests_[one].component], tests_[one].isDisruptive) <
             std::pair(components[tests_[other].component], tests_[other].isDisruptive);
    });
    return places;
  }

  double secondsOf(size_t place) const {
    auto known = selectors_.seconds.find(tests_[place].id());
    // Nobody knows how long a new test takes: it had better not be the last.
    return known == selectors_.seconds.end() ? 1e18 : known->second;
  }

  // Sorted by the ids, so that a seed means the same when the programs are listed in another order.
  Places shuffledOrder() const {
    Places places(tests_.size());
    std::iota(places.begin(), places.end(), 0);
    std::sort(places.begin(), places.end(),
              [&](size_t one, size_t other) { return tests_[one].id() < tests_[other].id(); });
    std::map<std::string, size_t> components = ranksOf<std::string>(places, componentOf);
    std::map<SuiteKey, size_t> suites = ranksOf<SuiteKey>(places, suiteOf);
    Places mixed;
    for (size_t at : shuffledPlaces(places.size(), selectors_.seed)) mixed.push_back(places[at]);
    std::stable_sort(mixed.begin(), mixed.end(), [&](size_t one, size_t other) {
      auto rank = [&](const ListedTest& test) {
        return std::pair(components[componentOf(test)], suites[suiteOf(test)]);
      };
      return rank(tests_[one]) < rank(tests_[other]);
    });
    return mixed;
  }

  // Gives each component or suite a rank that the seed decides.
  template <typename Key>
  std::map<Key, size_t> ranksOf(const Places& places, Key (*keyOf)(const ListedTest&)) const {
    std::map<Key, size_t> ranks;
    for (size_t place : places) ranks[keyOf(tests_[place])] = 0;
    std::vector<size_t> shuffled = shuffledPlaces(ranks.size(), selectors_.seed);
    auto next = shuffled.begin();
    for (auto& [key, rank] : ranks) rank = *next++;
    return ranks;
  }

  // Components and suites stay together: a test that is taken out of its suite would cost a
  // process, and one that is taken out of its component new nodes.
  Places longestOrder(Places places) const {
    std::map<std::string, double> components;
    std::map<SuiteKey, double> suites;
    std::map<std::string, size_t> first;
    std::map<SuiteKey, size_t> firstOfSuite;
    for (size_t place : places) {
      if (!selected_[place]) continue;
      const ListedTest& test = tests_[place];
      components[componentOf(test)] += secondsOf(place);
      suites[suiteOf(test)] += secondsOf(place);
      first.try_emplace(componentOf(test), first.size());
      firstOfSuite.try_emplace(suiteOf(test), firstOfSuite.size());
    }
    auto rank = [&](size_t place) {
      const ListedTest& test = tests_[place];
      return std::tuple(-components[componentOf(test)], first[componentOf(test)],
                        -suites[suiteOf(test)], firstOfSuite[suiteOf(test)], -secondsOf(place));
    };
    std::stable_sort(places.begin(), places.end(),
                     [&](size_t one, size_t other) { return rank(one) < rank(other); });
    return places;
  }

  Places wantedOrder() const {
    if (selectors_.order == Order::kShuffled) return shuffledOrder();
    const Places& places = listOrder_.empty() ? declared_ : listOrder_;
    return selectors_.order == Order::kLongest ? longestOrder(places) : places;
  }

  void takeInOrder() {
    Places wanted;
    for (size_t place : wantedOrder()) {
      if (selected_[place]) wanted.push_back(place);
    }
    for (size_t place : sequence_.applied(wanted)) {
      const ListedTest& test = tests_[place];
      std::string absent = whyAbsent(place);
      if (absent == kInOtherShard) {
        ++choice_.inOtherShards;
      } else if (absent == kDisabled) {
        choice_.disabled.push_back(test);
      } else {
        choice_.tests.push_back(test);
        noteAbsentBefore(place);
      }
    }
  }

  static constexpr char kInOtherShard[] = "in another shard";
  static constexpr char kDisabled[] = "disabled";

  // Empty: the test runs.
  std::string whyAbsent(size_t place) const {
    const ListedTest& test = tests_[place];
    if (!selected_[place]) return "not selected";
    if (selectors_.shard && !isInShard(test.id(), *selectors_.shard)) return kInOtherShard;
    return test.isDisabled ? kDisabled : "";
  }

  void noteAbsentBefore(size_t place) {
    for (size_t before : sequence_.namedBy(place)) {
      std::string why = whyAbsent(before);
      if (why.empty()) continue;
      choice_.absentBefore[tests_[place].id()].push_back({tests_[before].id(), why});
    }
  }

  const Tests& tests_;
  const Selectors& selectors_;
  const Sequence sequence_;
  const TestIndex index_;
  const Places declared_ = declaredOrder();
  Selected selected_;
  // How many tests each kind has selected.
  std::vector<std::pair<std::string, std::ptrdiff_t>> counts_;
  Places listOrder_;
  LastRun lastRun_;
  Choice choice_;
};

}  // namespace

Choice choose(const std::vector<ListedTest>& tests, const Selectors& selectors) {
  requireUniqueIds(tests);
  return Chooser(tests, selectors).choose();
}

}  // namespace harness::selection
