// Puts tests in an order, and lets each come behind those that it names in `after`
// (muster/about.h). It leaves none out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "harness/selection/listed_test.h"

namespace harness::selection {

// What `after` of all tests means.
class Sequence {
 public:
  // `tests` must outlive it. Throws SelectionError kTests with the place of the test if `after`
  // names nothing, and with all names of a cycle.
  explicit Sequence(const std::vector<ListedTest>& tests);

  // Returns the places in `order`, but each behind those of them that must run before, which move
  // forward for it. What must run before a test that is not among them counts, too.
  std::vector<size_t> applied(const std::vector<size_t>& order) const;

  // Returns the places of the tests that the test at `place` names in `after`.
  std::vector<size_t> namedBy(size_t place) const;

 private:
  class Walk;

  // The tests that one name means.
  using Group = std::vector<size_t>;
  // By component and name.
  using Names = std::map<std::pair<std::string, std::string>, size_t>;

  Names groupNames();
  size_t groupFor(const ListedTest& test, const std::string& name, const Names& names) const;

  const std::vector<ListedTest>& tests_;
  std::vector<Group> groups_;
  // The groups behind which each test comes.
  std::vector<std::vector<size_t>> after_;
};

// Returns the numbers below `count` in an order that the seed decides, the same on every machine.
std::vector<size_t> shuffledPlaces(size_t count, uint64_t seed);

}  // namespace harness::selection
