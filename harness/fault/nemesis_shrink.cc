#include "harness/fault/nemesis_shrink.h"

#include <algorithm>

namespace harness::nemesis {
namespace {

constexpr Milliseconds kDurationLeast{500};

// The first fault need not come later.
constexpr Milliseconds kFirstMost{1000};

class Shrinker {
 public:
  Shrinker(const Plan& plan, const std::function<bool(const Plan&)>& fails, size_t runsMost,
           const std::function<bool()>& mayGoOn)
      : shrunk_{plan}, fails_(fails), runsMost_(runsMost), mayGoOn_(mayGoOn) {}

  Shrunk run() {
    leaveOutSteps();
    beginEarly();
    halveDurations();
    shrunk_.isDone = goesOn();
    return std::move(shrunk_);
  }

 private:
  bool goesOn() const { return !isStopped_; }

  // Takes the candidate if it fails too.
  bool take(const Plan& candidate) {
    if (isStopped_ || shrunk_.runs >= runsMost_ || !mayGoOn_()) {
      isStopped_ = true;
      return false;
    }
    ++shrunk_.runs;
    if (!fails_(candidate)) return false;
    shrunk_.plan = candidate;
    return true;
  }

  // Leaves out one of `parts` parts of the steps after the other. False: each is needed. The last
  // ones come first, because a test that fails early tells so early.
  bool leaveOutOneOf(size_t parts) {
    const std::vector<Step> steps = shrunk_.plan.steps;
    for (size_t part = parts; part-- > 0 && goesOn();) {
      size_t begin = part * steps.size() / parts;
      size_t end = (part + 1) * steps.size() / parts;
      Plan candidate = shrunk_.plan;
      candidate.steps.erase(candidate.steps.begin() + static_cast<long>(begin),
                            candidate.steps.begin() + static_cast<long>(end));
      if (take(candidate)) return true;
    }
    return false;
  }

  void leaveOutSteps() {
    size_t parts = 2;
    while (shrunk_.plan.steps.size() > 1 && goesOn()) {
      parts = std::min(parts, shrunk_.plan.steps.size());
      if (leaveOutOneOf(parts)) {
        parts = std::max<size_t>(parts - 1, 2);
      } else if (parts < shrunk_.plan.steps.size()) {
        parts *= 2;
      } else {
        return;
      }
    }
  }

  void beginEarly() {
    Plan candidate = shrunk_.plan;
    if (candidate.steps.empty() || candidate.steps.front().at <= kFirstMost) return;
    Milliseconds early = candidate.steps.front().at - kFirstMost;
    for (Step& step : candidate.steps) step.at -= early;
    take(candidate);
  }

  void halveDurations() {
    for (size_t i = 0; i < shrunk_.plan.steps.size(); ++i) {
      bool isShorter = true;
      while (isShorter && shrunk_.plan.steps[i].duration >= 2 * kDurationLeast && goesOn()) {
        Plan candidate = shrunk_.plan;
        candidate.steps[i].duration /= 2;
        isShorter = take(candidate);
      }
    }
  }

  Shrunk shrunk_;
  const std::function<bool(const Plan&)>& fails_;
  size_t runsMost_;
  const std::function<bool()>& mayGoOn_;
  bool isStopped_ = false;
};

}  // namespace

Shrunk shrink(const Plan& plan, const std::function<bool(const Plan&)>& fails, size_t runsMost,
              const std::function<bool()>& mayGoOn) {
  return Shrinker(plan, fails, runsMost, mayGoOn).run();
}

}  // namespace harness::nemesis
