#include "harness/selection/order.h"

#include <algorithm>
#include <numeric>
#include <random>
#include <set>

#include "harness/selection/error.h"
#include "harness/selection/names.h"
#include "schema/support/base/suggestion.h"

namespace harness::selection {

// One way through the tests, depth first: what must run before a test comes out before it.
class Sequence::Walk {
 public:
  // `rank` says which of several comes first, by the place of each.
  Walk(const Sequence& sequence, std::vector<size_t> rank)
      : sequence_(sequence),
        rank_(std::move(rank)),
        marks_(sequence.tests_.size(), Mark::kNew),
        isGroupDone_(sequence.groups_.size(), false) {}

  void visit(size_t test) {
    if (marks_[test] == Mark::kDone) return;
    if (marks_[test] == Mark::kOpen) failCycle(test);
    marks_[test] = Mark::kOpen;
    path_.push_back(test);
    for (size_t group : sequence_.after_[test]) visitGroup(group);
    path_.pop_back();
    marks_[test] = Mark::kDone;
    order_.push_back(test);
  }

  const std::vector<size_t>& order() const { return order_; }

 private:
  enum class Mark : uint8_t { kNew, kOpen, kDone };

  void visitGroup(size_t group) {
    if (isGroupDone_[group]) return;
    Group members = sequence_.groups_[group];
    std::sort(members.begin(), members.end(),
              [this](size_t one, size_t other) { return rank_[one] < rank_[other]; });
    for (size_t member : members) visit(member);
    isGroupDone_[group] = true;
  }

  [[noreturn]] void failCycle(size_t again) const {
    auto begin = std::find(path_.begin(), path_.end(), again);
    std::string names;
    for (auto at = begin; at != path_.end(); ++at) {
      names += sequence_.tests_[*at].id() + " comes after ";
    }
    const ListedTest& test = sequence_.tests_[again];
    throw SelectionError(SelectionError::Kind::kTests,
                         test.place() + ": `after` makes a cycle: " + names + test.id());
  }

  const Sequence& sequence_;
  const std::vector<size_t> rank_;
  std::vector<Mark> marks_;
  std::vector<bool> isGroupDone_;
  std::vector<size_t> path_;
  std::vector<size_t> order_;
};

Sequence::Sequence(const std::vector<ListedTest>& tests) : tests_(tests), after_(tests.size()) {
  bool isAny = std::any_of(tests.begin(), tests.end(),
                           [](const ListedTest& test) { return !test.after.empty(); });
  if (!isAny) return;
  Names names = groupNames();
  for (size_t i = 0; i < tests.size(); ++i) {
    for (const std::string& name : tests[i].after) {
      after_[i].push_back(groupFor(tests[i], name, names));
    }
  }
  std::vector<size_t> all(tests.size());
  std::iota(all.begin(), all.end(), 0);
  applied(all);
}

Sequence::Names Sequence::groupNames() {
  Names names;
  for (size_t i = 0; i < tests_.size(); ++i) {
    std::vector<std::string> own = suiteNames(tests_[i]);
    for (std::string& name : fullNames(tests_[i])) own.push_back(std::move(name));
    for (const std::string& name : own) {
      auto [group, isNew] = names.try_emplace({tests_[i].component, name}, groups_.size());
      if (isNew) groups_.emplace_back();
      groups_[group->second].push_back(i);
    }
  }
  return names;
}

// A name of the test's own component comes before one of another, since both may have a slash.
size_t Sequence::groupFor(const ListedTest& test, const std::string& name,
                          const Names& names) const {
  auto found = names.find({test.component, name});
  size_t slash = name.find('/');
  if (found == names.end() && slash != std::string::npos) {
    found = names.find({name.substr(0, slash), name.substr(slash + 1)});
  }
  if (found != names.end()) return found->second;
  std::set<std::string> known;
  for (const auto& [each, group] : names) {
    known.insert(each.first + "/" + each.second);
    if (each.first == test.component) known.insert(each.second);
  }
  throw SelectionError(SelectionError::Kind::kTests,
                       test.place() + ": " + test.id() + " comes after \"" + name +
                           "\", and there is none" +
                           support::nearestSuggestion(name, {known.begin(), known.end()}));
}

std::vector<size_t> Sequence::applied(const std::vector<size_t>& order) const {
  // Tests that are not in the order come last, and only show what comes before them.
  std::vector<size_t> rank(tests_.size(), order.size());
  for (size_t i = 0; i < order.size(); ++i) rank[order[i]] = i;
  Walk walk(*this, rank);
  for (size_t place : order) walk.visit(place);
  std::vector<size_t> found;
  std::copy_if(walk.order().begin(), walk.order().end(), std::back_inserter(found),
               [&](size_t place) { return rank[place] < order.size(); });
  return found;
}

std::vector<size_t> Sequence::namedBy(size_t place) const {
  std::set<size_t> named;
  for (size_t group : after_[place]) named.insert(groups_[group].begin(), groups_[group].end());
  return {named.begin(), named.end()};
}

std::vector<size_t> shuffledPlaces(size_t count, uint64_t seed) {
  std::vector<size_t> places(count);
  std::iota(places.begin(), places.end(), 0);
  // std::shuffle may differ between libraries.
  std::mt19937_64 random(seed);
  for (size_t i = count; i > 1; --i) std::swap(places[i - 1], places[random() % i]);
  return places;
}

}  // namespace harness::selection
