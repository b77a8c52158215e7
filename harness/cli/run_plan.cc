#include "harness/cli/run_plan.h"

#include <algorithm>
#include <set>

#include "harness/cli/table.h"
#include "harness/values/failure_text.h"
#include "harness/verdict/waivers.h"

namespace harness {
namespace {

using selection::ListedNeeds;
using selection::ListedTest;

class Planner {
 public:
  explicit Planner(const PlanInput& input) : input_(input), nodes_(input.cluster) {
    for (const ListedTest& test : input.tests) listed_[test.id()] = &test;
  }

  RunPlan plan() {
    plan_.nodesFrom = nodes_.origin();
    plan_.order = input_.order;
    plan_.repeat = input_.options.repeat;
    for (const runner::PlannedProgram& program : input_.programs) addProgram(program);
    for (const ListedTest& test : input_.choice.disabled) {
      if (!listed_.contains(test.id())) plan_.disabled.push_back(test.id());
    }
    noteUnknown();
    noteWaivers();
    noteGates();
    if (!input_.times.problem.empty()) plan_.notes.push_back(input_.times.problem);
    return std::move(plan_);
  }

 private:
  static const ListedNeeds* nodesNeededBy(const ListedTest& test) {
    return test.needs && !test.needs->nodes.empty() ? &*test.needs : nullptr;
  }

  void addProgram(const runner::PlannedProgram& program) {
    std::vector<ListedNeeds> needs;
    for (const runner::PlannedTest& test : program.tests) {
      const ListedNeeds* some =
          nodesNeededBy(*listed_.at(runner::testId(program.component, test.name)));
      if (some != nullptr) needs.push_back(*some);
    }
    ProgramNodes nodes;
    if (!needs.empty()) nodes = nodes_.nodesFor(needs);
    for (const std::string& text : nodes.degraded) note(program.component + ": " + text);
    PlanProgram planned{.component = program.component, .path = program.path, .nodes = nodes.nodes};
    for (const auto& tests : runner::processesOf(program, input_.options.processFor)) {
      PlanProcess process;
      for (const runner::PlannedTest& test : tests) {
        addTest(*listed_.at(runner::testId(program.component, test.name)), nodes, process);
      }
      planned.processes.push_back(std::move(process));
    }
    noteLimitOf(planned);
    plan_.programs.push_back(std::move(planned));
  }

  void addTest(const ListedTest& test, const ProgramNodes& nodes, PlanProcess& process) {
    PlanTest planned{.id = test.id(), .isDisruptive = test.isDisruptive};
    auto seconds = input_.times.seconds.find(planned.id);
    if (seconds != input_.times.seconds.end()) planned.seconds = seconds->second;
    if (const ListedNeeds* needs = nodesNeededBy(test)) {
      planned.obstacle = nodes.obstacle.empty() ? nodes_.whyUnmet(*needs) : nodes.obstacle;
      for (const auto& [role, count] : needs->nodes) {
        process.needs[role] = std::max(process.needs[role], count);
      }
      for (const std::string& one : nodes_.unknownOf(*needs)) unknown_.insert(one);
    }
    addProbation(planned);
    addWaivers(planned);
    addAbsentBefore(planned);
    process.tests.push_back(std::move(planned));
  }

  void addProbation(PlanTest& test) const {
    auto found = input_.options.onProbation.find(test.id);
    if (found == input_.options.onProbation.end()) return;
    test.times = found->second.passesMissing;
    test.notes.push_back("on probation until " + found->second.expires + " (" +
                         found->second.owner + "): must pass " + std::to_string(test.times) +
                         (test.times == 1 ? " time" : " times"));
  }

  void addWaivers(PlanTest& test) const {
    for (const verdict::Waiver& waiver : input_.options.waivers) {
      if (!verdict::isAbout(waiver, test.id) || verdict::hasExpired(waiver, input_.today)) continue;
      std::string text = std::string(waiver.isQuarantine ? "quarantined" : "waived") + " until " +
                         waiver.expires + " (" + (waiver.bug.empty() ? "" : waiver.bug + ": ") +
                         waiver.reason + "; " + waiver.owner + ")";
      std::string when;
      for (const auto& [what, bounds] : waiver.when) {
        for (const verdict::VersionBound& bound : bounds) {
          when += (when.empty() ? " where " : ", ") + what + " " + bound.comparison + " " +
                  bound.version;
        }
      }
      test.notes.push_back(text + when + (waiver.isStrict ? "; strict" : ""));
    }
  }

  // Tests that are absent for one reason are said together.
  void addAbsentBefore(PlanTest& test) const {
    auto found = input_.choice.absentBefore.find(test.id);
    if (found == input_.choice.absentBefore.end()) return;
    std::map<std::string, std::vector<std::string>> byReason;
    for (const selection::AbsentBefore& absent : found->second) {
      byReason[absent.why].push_back(absent.id);
    }
    for (const auto& [why, ids] : byReason) {
      std::string others = ids.size() == 1   ? ""
                           : ids.size() == 2 ? " and 1 other"
                                             : " and " + std::to_string(ids.size() - 1) + " others";
      test.notes.push_back("comes after " + ids.front() + others + ", which " +
                           (ids.size() == 1 ? "is " : "are ") + why);
    }
  }

  void noteUnknown() {
    if (unknown_.empty()) return;
    std::vector<std::string> all(unknown_.begin(), unknown_.end());
    note("whether the nodes can bear what tests need is found out when these run: " +
         joined(all, ", "));
  }

  void noteWaivers() {
    for (const verdict::Waiver& waiver : input_.options.waivers) {
      std::string name = "waiver " + waiver.place + " (" + waiver.reason + ")";
      bool isMet = std::any_of(input_.tests.begin(), input_.tests.end(), [&](const auto& test) {
        return verdict::isAbout(waiver, test.id());
      });
      if (verdict::hasExpired(waiver, input_.today)) {
        note(name + " expired on " + waiver.expires + ", and holds no more");
      } else if (!isMet) {
        note(name + " meets no test of this run");
      }
    }
  }

  void noteGates() {
    size_t runnable = plan_.countRunnable();
    size_t least = input_.options.gates.testsLeast;
    if (runnable < least) {
      note("gate: " + std::to_string(runnable) + " tests can run, and at least " +
           std::to_string(least) + " must");
    }
    for (const verdict::Environment& environment : input_.options.gates.environments) {
      const auto& own = input_.options.properties;
      std::pair<std::string, std::string> wanted(environment.property, environment.value);
      if (std::find(own.begin(), own.end(), wanted) != own.end()) continue;
      note("gate: this run is not said to be one of " + environment.text());
    }
    noteLimit("--run-time-limit", input_.options.runMax, plan_.seconds());
    noteLimit("--max-duration", input_.options.gates.lengthMost, plan_.seconds());
  }

  void noteLimitOf(const PlanProgram& program) {
    RunPlan alone;
    alone.programs.push_back(program);
    noteLimit("--program-time-limit", input_.options.programMax, alone.seconds());
  }

  void noteLimit(const std::string& option, std::chrono::nanoseconds limit, double seconds) {
    auto needed = std::chrono::nanoseconds(static_cast<int64_t>(seconds * 1e9));
    if (limit.count() == 0 || needed <= limit) return;
    note(option + " is " + ageText(limit) + ", and the tests take at least " + ageText(needed));
  }

  void note(const std::string& text) {
    bool isKnown = std::find(plan_.notes.begin(), plan_.notes.end(), text) != plan_.notes.end();
    if (!isKnown) plan_.notes.push_back(text);
  }

  const PlanInput& input_;
  const NodeProspect nodes_;
  std::map<std::string, const ListedTest*> listed_;
  std::set<std::string> unknown_;
  RunPlan plan_;
};

template <typename Visit>
void forEachTest(const RunPlan& plan, Visit visit) {
  for (const PlanProgram& program : plan.programs) {
    for (const PlanProcess& process : program.processes) {
      for (const PlanTest& test : process.tests) visit(test);
    }
  }
}

}  // namespace

size_t RunPlan::countTests() const {
  size_t count = 0;
  forEachTest(*this, [&](const PlanTest&) { ++count; });
  return count;
}

size_t RunPlan::countProcesses() const {
  size_t count = 0;
  for (const PlanProgram& program : programs) count += program.processes.size();
  return count;
}

size_t RunPlan::countRunnable() const {
  size_t count = 0;
  forEachTest(*this, [&](const PlanTest& test) { count += test.obstacle.empty() ? 1 : 0; });
  return count;
}

size_t RunPlan::countKnown() const {
  size_t count = 0;
  forEachTest(
      *this, [&](const PlanTest& test) { count += test.obstacle.empty() && test.seconds ? 1 : 0; });
  return count;
}

double RunPlan::seconds() const {
  double sum = 0;
  forEachTest(*this, [&](const PlanTest& test) {
    // What is on probation is proved in the first of several repeats.
    if (test.obstacle.empty()) sum += test.seconds.value_or(0) * (repeat + test.times - 1);
  });
  return sum;
}

RunPlan planRun(const PlanInput& input) {
  return Planner(input).plan();
}

}  // namespace harness
