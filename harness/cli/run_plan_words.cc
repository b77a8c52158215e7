#include "harness/cli/run_plan_words.h"

#include <set>

#include "harness/cli/history_words.h"
#include "harness/values/failure_text.h"
#include "schema/support/base/text.h"

namespace harness {
namespace {

std::string counted(size_t count, const std::string& thing, const std::string& plural) {
  return std::to_string(count) + " " + (count == 1 ? thing : plural);
}

std::string timeText(double seconds) {
  if (seconds < 60) return secondsText(seconds);
  return ageText(std::chrono::nanoseconds(static_cast<int64_t>(seconds * 1e9)));
}

std::string padded(const std::string& text, size_t width) {
  return text.size() < width ? std::string(width - text.size(), ' ') + text : text;
}

std::string suiteOf(const PlanTest& test) {
  size_t slash = test.id.find('/');
  return test.id.substr(slash + 1, test.id.find('.', slash) - slash - 1);
}

// "KvTest", or "3 suites".
std::string suitesText(const PlanProcess& process) {
  std::set<std::string> suites;
  for (const PlanTest& test : process.tests) suites.insert(suiteOf(test));
  return suites.size() == 1 ? *suites.begin() : counted(suites.size(), "suite", "suites");
}

RunPlan aloneOf(const PlanProcess& process) {
  RunPlan alone;
  alone.programs.push_back({.processes = {process}});
  return alone;
}

// "12.3 s"; "at least 12.3 s (times of 3 of 4 tests are known)"; "unknown".
std::string estimateText(const RunPlan& plan) {
  size_t known = plan.countKnown();
  size_t runnable = plan.countRunnable();
  if (known == 0) return "unknown";
  if (known == runnable) return "about " + timeText(plan.seconds());
  return "at least " + timeText(plan.seconds()) + " (the times of " + std::to_string(known) +
         " of " + counted(runnable, "test", "tests") + " are known)";
}

std::string headText(const RunPlan& plan) {
  size_t tests = plan.countTests();
  size_t blocked = tests - plan.countRunnable();
  std::string text = "plan: " + counted(tests, "test", "tests") + " in " +
                     counted(plan.countProcesses(), "process", "processes") + " of " +
                     counted(plan.programs.size(), "program", "programs");
  if (plan.repeat > 1) text += ", " + std::to_string(plan.repeat) + " times";
  if (blocked > 0) text += "; " + counted(blocked, "test", "tests") + " cannot run";
  text += "\ntime: " + estimateText(plan) + "\norder: " + plan.order +
          "\nnodes: " + support::printable(plan.nodesFrom) + "\n";
  return text;
}

std::string testLine(const PlanTest& test) {
  std::string time = test.seconds ? timeText(*test.seconds) : "?";
  std::string text = padded(test.obstacle.empty() ? time : "-", 10) + "  " +
                     support::printable(test.id.substr(test.id.find('/') + 1));
  std::vector<std::string> notes = test.notes;
  if (test.isDisruptive) notes.insert(notes.begin(), "disruptive");
  if (!test.obstacle.empty()) notes.insert(notes.begin(), "cannot run: " + test.obstacle);
  for (const std::string& note : notes) {
    text += "\n" + std::string(14, ' ') + support::printable(note);
  }
  return text + "\n";
}

std::string withNodes(const RoleCounts& nodes) {
  return nodes.empty() ? "" : "  " + rolesText(nodes);
}

Json testJson(const PlanTest& test) {
  return {{"test", test.id},
          {"seconds", test.seconds ? Json(*test.seconds) : Json(nullptr)},
          {"times", test.times},
          {"disruptive", test.isDisruptive},
          {"cannot_run", test.obstacle},
          {"notes", test.notes}};
}

}  // namespace

std::string planText(const RunPlan& plan) {
  std::string text = headText(plan);
  size_t number = 0;
  for (const PlanProgram& program : plan.programs) {
    text += "\n" + program.component + "  " + support::printable(program.path) +
            withNodes(program.nodes) + "\n";
    for (const PlanProcess& process : program.processes) {
      text += "  process " + std::to_string(++number) + "  " +
              support::printable(suitesText(process)) + withNodes(process.needs) + "  " +
              estimateText(aloneOf(process)) + "\n";
      for (const PlanTest& test : process.tests) text += testLine(test);
    }
  }
  if (!plan.disabled.empty()) text += "\ndisabled, and not run:\n";
  for (const std::string& id : plan.disabled) text += "  " + support::printable(id) + "\n";
  if (!plan.notes.empty()) text += "\n";
  for (const std::string& note : plan.notes) text += "note: " + support::printable(note) + "\n";
  return text;
}

Json planJson(const RunPlan& plan) {
  Json programs = Json::array();
  for (const PlanProgram& program : plan.programs) {
    Json processes = Json::array();
    for (const PlanProcess& process : program.processes) {
      Json tests = Json::array();
      for (const PlanTest& test : process.tests) tests.push_back(testJson(test));
      processes.push_back({{"needs", process.needs}, {"tests", std::move(tests)}});
    }
    programs.push_back({{"component", program.component},
                        {"program", program.path},
                        {"nodes", program.nodes},
                        {"processes", std::move(processes)}});
  }
  return {{"tests", plan.countTests()},
          {"can_run", plan.countRunnable()},
          {"times_known", plan.countKnown()},
          {"seconds", plan.seconds()},
          {"repeat", plan.repeat},
          {"order", plan.order},
          {"nodes_from", plan.nodesFrom},
          {"programs", std::move(programs)},
          {"disabled", plan.disabled},
          {"notes", plan.notes}};
}

}  // namespace harness
