#include "harness/runner/interference.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace harness::runner {
namespace {

using Ending = Interference::Ending;

// Thrown and caught here alone.
struct TrialsOver {};

class Search {
 public:
  Search(const InterferenceOptions& options, const Trial& trial)
      : options_(options), trial_(trial), smallest_(options.earlier) {
    std::iota(smallest_.begin(), smallest_.end(), 0);
  }

  Interference run() {
    Interference found;
    try {
      found.ending = search();
    } catch (const TrialsOver&) {
      found.ending = hasFailed_ ? Ending::kTrialsOver : Ending::kFailsNoMore;
    }
    bool hasTests = found.ending == Ending::kFound || found.ending == Ending::kTrialsOver;
    if (hasTests) found.tests = smallest_;
    found.trials = trials_;
    return found;
  }

 private:
  // How a trial ends that is made some times.
  struct Ends {
    int passes = 0;
    int failures = 0;
  };

  TrialEnd tryOnce(const Places& places) {
    if (trials_ >= options_.trialsMax) throw TrialsOver();
    ++trials_;
    TrialEnd end = trial_(places);
    if (end == TrialEnd::kFails) hasFailed_ = true;
    return end;
  }

  Ends tryAgain(const Places& places, int times) {
    Ends ends;
    for (int i = 0; i < times; ++i) {
      ++(tryOnce(places) == TrialEnd::kFails ? ends.failures : ends.passes);
    }
    return ends;
  }

  // Equal trials are made once while the set is made smaller.
  bool fails(const Places& places) {
    auto [known, isNew] = known_.try_emplace(places, false);
    if (isNew) known->second = tryOnce(places) == TrialEnd::kFails;
    if (known->second) smallest_ = places;
    return known->second;
  }

  // The two ends come first: without them nothing is to be found.
  Ending search() {
    const Places all = smallest_;
    bool hasFailed = tryOnce(all) == TrialEnd::kFails;
    if (!hasFailed) {
      bool failsLater = tryAgain(all, options_.again - 1).failures > 0;
      return failsLater ? Ending::kFlaky : Ending::kFailsNoMore;
    }
    Ends alone = tryAgain({}, all.empty() ? 0 : options_.again);
    if (alone.failures > 0 && alone.passes > 0) return Ending::kFlaky;
    if (alone.passes == 0) return Ending::kFailsAlone;
    known_[{}] = false;
    known_[all] = true;
    reduce();
    // It was seen to fail once.
    Ends again = tryAgain(Places(smallest_), options_.again - 1);
    return again.passes > 0 ? Ending::kFlaky : Ending::kFound;
  }

  // Parts of the set first, those next to the test before others; then what is left without one.
  // The parts become smaller until each is one test.
  void reduce() {
    size_t parts = 2;
    while (smallest_.size() >= 2) {
      Places set = smallest_;
      if (reduceToPart(set, parts)) {
        parts = 2;
      } else if (parts > 2 && reduceByPart(set, parts)) {
        parts = std::max<size_t>(parts - 1, 2);
      } else if (parts >= set.size()) {
        return;
      } else {
        parts = std::min(parts * 2, set.size());
      }
    }
  }

  static std::pair<size_t, size_t> boundsOf(const Places& set, size_t parts, size_t part) {
    return {set.size() * part / parts, set.size() * (part + 1) / parts};
  }

  bool reduceToPart(const Places& set, size_t parts) {
    for (size_t part = parts; part-- > 0;) {
      auto [begin, end] = boundsOf(set, parts, part);
      auto first = set.begin();
      if (fails({first + static_cast<long>(begin), first + static_cast<long>(end)})) return true;
    }
    return false;
  }

  bool reduceByPart(const Places& set, size_t parts) {
    for (size_t part = 0; part < parts; ++part) {
      auto [begin, end] = boundsOf(set, parts, part);
      Places rest = set;
      rest.erase(rest.begin() + static_cast<long>(begin), rest.begin() + static_cast<long>(end));
      if (fails(rest)) return true;
    }
    return false;
  }

  const InterferenceOptions options_;
  const Trial& trial_;
  std::map<Places, bool> known_;

  // The smallest set after which the test has failed.
  Places smallest_;
  int trials_ = 0;
  bool hasFailed_ = false;
};

}  // namespace

std::string_view wordOf(Ending ending) {
  switch (ending) {
    case Ending::kFound:
      return "found";
    case Ending::kFailsAlone:
      return "fails alone";
    case Ending::kFailsNoMore:
      return "fails no more";
    case Ending::kFlaky:
      return "flaky";
    case Ending::kTrialsOver:
      break;
  }
  return "too many runs";
}

Interference findInterference(const InterferenceOptions& options, const Trial& trial) {
  return Search(options, trial).run();
}

}  // namespace harness::runner
