#include "harness/fault/nemesis_draw.h"

#include <algorithm>
#include <optional>

#include "harness/fault/nemesis_json.h"
#include "harness/fault/nemesis_random.h"
#include "harness/values/failure_text.h"

namespace harness::nemesis {
namespace {

// The times of a generator, in milliseconds.
struct Pace {
  std::string name;
  Harshness harshness;
  Range first;
  Range duration;

  // From the end of a fault to the beginning of the next for "gentle", and from one beginning to
  // the next for "rough".
  Range gap;
  size_t openMost;
};

const std::vector<Pace>& paces() {
  static const std::vector<Pace> all = {
      {"gentle", Harshness::kGentle, {500, 1'500}, {1'000, 5'000}, {2'000, 5'000}, 1},
      {"rough", Harshness::kRough, {300, 1'000}, {1'000, 10'000}, {500, 5'000}, 3},
  };
  return all;
}

// A draw that does not fit to what goes on is repeated.
constexpr int kTriesMost = 20;

class Drawer {
 public:
  Drawer(const Wish& wish, const Pace& pace)
      : wish_(wish), pace_(pace), random_(wish.seed ^ fnv1a(wish.stream)) {
    plan_.generator = wish.generator;
    plan_.seed = wish.seed;
    plan_.stream = wish.stream;
    plan_.duration = wish.duration;
    plan_.nodes = wish.nodes;
    all_ = targetsOf(wish.nodes);
    for (const Target& target : all_) {
      if (isGentle() && 2 < sizeOf(target.role)) spare_.push_back(target);
    }
    if (!isGentle()) spare_ = all_;
  }

  Plan plan() {
    choosePossible();
    if (possible_.empty()) return std::move(plan_);
    Milliseconds at(between(pace_.first));
    while (at < wish_.duration) {
      std::optional<Step> step = fittingStep(at);
      if (step) plan_.steps.push_back(*step);
      at += Milliseconds(between(pace_.gap));
      if (step && isGentle()) at += step->duration;
    }
    return std::move(plan_);
  }

 private:
  bool isGentle() const { return pace_.harshness == Harshness::kGentle; }
  int64_t between(const Range& range) { return random_.between(range.least, range.most); }

  int64_t sizeOf(const std::string& role) const {
    return std::count_if(all_.begin(), all_.end(),
                         [&](const Target& target) { return target.role == role; });
  }

  // Returns the nodes that the kind may strike.
  const std::vector<Target>& victimsOf(const Kind& kind) const {
    return kind.lane == Lane::kLink ? all_ : spare_;
  }

  // Empty: the kind can be drawn.
  std::string whyNot(const Kind& kind) const {
    if (isGentle() && kind.harshness == Harshness::kRough) return "it is not gentle";
    auto without = wish_.without.find(kind.name);
    if (without != wish_.without.end()) return without->second;
    auto lacking = wish_.lacking.find(kind.ability);
    if (lacking != wish_.lacking.end()) return lacking->second;
    if (kind.lane == Lane::kCut && all_.size() < 2) return "there is one node only";
    if (victimsOf(kind).empty()) return "no role has three nodes, of which one is a minority";
    return "";
  }

  void choosePossible() {
    for (const Kind& kind : kinds()) {
      std::string reason = whyNot(kind);
      if (reason.empty()) {
        possible_.push_back(&kind);
      } else {
        plan_.excluded[kind.name] = reason;
      }
    }
  }

  std::optional<Step> fittingStep(Milliseconds at) {
    // A long plan has thousands of steps, nearly all of which are over.
    std::erase_if(open_.steps, [at](const Step& step) { return step.at + step.duration <= at; });
    if (open_.steps.size() >= pace_.openMost) return std::nullopt;
    for (int i = 0; i < kTriesMost; ++i) {
      Step step = stepAt(at);
      if (step.at + step.duration > wish_.duration || !fits(open_, step)) continue;
      open_.steps.push_back(step);
      return step;
    }
    return std::nullopt;
  }

  Step stepAt(Milliseconds at) {
    const Kind& kind = *possible_[random_.below(possible_.size())];
    Step step{kind.name, at, Milliseconds(between(pace_.duration)), groupsFor(kind)};
    for (const Parameter& parameter : kind.parameters) {
      step.parameters[parameter.name] = between(isGentle() ? parameter.gentle : parameter.rough);
    }
    return step;
  }

  std::vector<std::vector<Target>> groupsFor(const Kind& kind) {
    const std::vector<Target>& victims = victimsOf(kind);
    if (kind.targets == Targets::kSides) return sides();
    Target victim = victims[random_.below(victims.size())];
    if (kind.targets == Targets::kOne) return {{victim}};
    std::vector<Target> others = all_;
    std::erase(others, victim);
    return {{victim}, {others[random_.below(others.size())]}};
  }

  // Deals all nodes to two sides, as cards are shuffled (Fisher and Yates).
  std::vector<std::vector<Target>> sides() {
    std::vector<Target> deck = all_;
    for (size_t i = deck.size() - 1; i > 0; --i) std::swap(deck[i], deck[random_.below(i + 1)]);
    auto middle = deck.begin() + static_cast<long>(1 + random_.below(deck.size() - 1));
    std::vector<std::vector<Target>> sides = {{deck.begin(), middle}, {middle, deck.end()}};
    for (auto& side : sides) std::sort(side.begin(), side.end());
    return sides;
  }

  const Wish& wish_;
  const Pace& pace_;
  Random random_;
  Plan plan_;

  // The steps of the plan that go on at the moment that is drawn for.
  Plan open_;
  std::vector<Target> all_;

  // The nodes that may be taken away.
  std::vector<Target> spare_;
  std::vector<const Kind*> possible_;
};

}  // namespace

std::vector<std::string> generators() {
  std::vector<std::string> names;
  for (const Pace& pace : paces()) names.push_back(pace.name);
  return names;
}

Plan draw(const Wish& wish) {
  if (wish.nodes.empty()) throw PlanError("topology: there are no nodes");
  if (wish.duration < kDurationLeast || wish.duration > kDurationMost) {
    throw PlanError("duration_ms: " + std::to_string(wish.duration.count()) + " is not from " +
                    std::to_string(kDurationLeast.count()) + " to " +
                    std::to_string(kDurationMost.count()));
  }
  for (const Pace& pace : paces()) {
    if (pace.name != wish.generator) continue;
    Plan plan = Drawer(wish, pace).plan();
    requireReadable(plan);
    return plan;
  }
  throw PlanError("generator: " + inQuotes(wish.generator) + " is none of " +
                  joined(generators(), ", "));
}

}  // namespace harness::nemesis
