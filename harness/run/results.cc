#include "harness/run/results.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "harness/run/fields.h"
#include "schema/support/base/exit_status.h"

namespace harness::run {
namespace {

using enum support::TestExitStatus;

// Gathers the tests of all files. A test has a record of the runner, of its program, or both.
class Gatherer {
 public:
  explicit Gatherer(const RunRecord& run) : run_(run) {}

  RunResult gather() {
    for (size_t i = 0; i < run_.files.size(); ++i) {
      if (!isNested(run_.files[i])) takeFile(static_cast<int>(i));
    }
    for (TestResult& test : result_.tests) decide(test);
    judgeRun();
    return std::move(result_);
  }

 private:
  void takeFile(int index) {
    const RecordFile& file = run_.files[static_cast<size_t>(index)];
    const std::vector<Item>& items = file.items();
    for (size_t i = 0; i < items.size(); ++i) {
      const Item& item = items[i];
      for (int64_t at : {item.announcedAt, item.begunAt, item.overAt}) {
        result_.length = std::max(result_.length, run_.timeOf(file, at));
      }
      if (item.kind == "test") {
        takeTest(index, static_cast<int>(i));
      } else if (item.kind == "run" || item.kind == "program") {
        takeFailures(file, item, result_.failures);
        takeEnd(file, item);
        takeExonerations(file, item);
      }
    }
  }

  void takeFailures(const RecordFile& file, const Item& item, std::vector<Failure>& failures) {
    for (const Json& line : file.additions(item, "failure")) {
      failures.push_back({.text = textOf(line, "text"),
                          .file = textOf(line, "file"),
                          .line = numberOf(line, "line", 0),
                          .at = run_.timeOf(file, numberOf<int64_t>(line, "at", 0)),
                          .isInfrastructure = isSet(line, "infrastructure")});
    }
  }

  // The run, or a program of it, was cancelled or could not do its work.
  void takeEnd(const RecordFile& file, const Item& item) {
    if (auto outcome = outcomeOf(textOf(file.fields(item), "outcome"))) ends_.push_back(*outcome);
  }

  void takeExonerations(const RecordFile& file, const Item& item) {
    for (const Json& line : file.additions(item, "exonerated")) {
      exonerations_[textOf(line, "test")] = {textOf(line, "kind"), textOf(line, "because")};
    }
  }

  TestResult& testOf(const Json& fields, const std::string& component) {
    std::string suite = textOf(fields, "suite");
    std::string name = textOf(fields, "name");
    auto [place, isNew] = tests_.try_emplace({component, suite, name}, result_.tests.size());
    if (isNew) {
      result_.tests.push_back({.component = component, .suite = suite, .name = name});
    }
    TestResult& test = result_.tests[place->second];
    if (test.file.empty()) {
      test.file = textOf(fields, "file");
      test.line = numberOf(fields, "line", 0);
    }
    if (test.labels.empty()) test.labels = textsOf(fields, "labels");
    if (test.requirements.empty()) test.requirements = textsOf(fields, "requirements");
    if (test.owner.empty()) test.owner = textOf(fields, "owner");
    return test;
  }

  // What one record says of an attempt.
  struct Said {
    Item::State state = Item::State::kAnnounced;
    bool hasBegun = false;
    Outcome outcome = Outcome::kFailed;
    std::string because = {};
  };

  // An attempt, and what the records say of it.
  struct Told {
    Attempt attempt = {};
    std::vector<Said> said = {};
  };

  Told& toldOf(const std::string& id, int number, int repeat) {
    std::vector<Told>& all = told_[id];
    for (Told& told : all) {
      if (told.attempt.number == number && told.attempt.repeat == repeat) return told;
    }
    all.push_back({.attempt = {.number = number, .repeat = repeat}});
    return all.back();
  }

  void takeTest(int index, int place) {
    const RecordFile& file = run_.files[static_cast<size_t>(index)];
    const Item& item = file.items()[static_cast<size_t>(place)];
    Json fields = file.fields(item);
    std::string component = textOf(fields, "component");
    if (component.empty()) component = textOf(file.header(), "component");
    std::string id = testOf(fields, component).id();
    Told& told = toldOf(id, numberOf(fields, "attempt", numberOf(file.header(), "attempt", 1)),
                        numberOf(fields, "repeat", numberOf(file.header(), "repeat", 1)));
    Attempt& attempt = told.attempt;
    if (!tellsOfOthers(file)) {
      attempt.file = index;
      attempt.item = place;
      attempt.program = file.name();
    }
    if (attempt.program.empty()) attempt.program = textOf(fields, "writer");
    if (attempt.nodes.empty()) attempt.nodes = textsOf(fields, "nodes");
    if (attempt.begin == Item::kNever) attempt.begin = run_.timeOf(file, item.begunAt);
    if (item.overAt != Item::kNever && item.begunAt != Item::kNever) {
      attempt.end = std::max(attempt.end, run_.timeOf(file, item.overAt));
    }
    attempt.seconds = std::max(attempt.seconds, numberOf(fields, "seconds", 0.0));
    takeFailures(file, item, attempt.failures);
    told.said.push_back(saidOf(file, item, fields));
  }

  static Said saidOf(const RecordFile& file, const Item& item, const Json& fields) {
    Said said{
        .state = item.state, .hasBegun = item.begunAt != Item::kNever, .because = item.because};
    if (item.state != Item::State::kEnded) return said;
    auto outcome = outcomeOf(textOf(fields, "outcome"));
    said.outcome = outcome.value_or(Outcome::kFailed);
    said.because = outcome ? textOf(fields, "because") : "its record has no outcome";
    if (!said.because.empty() || said.outcome != Outcome::kSkipped) return said;
    for (const Json& line : file.additions(item, "skip")) said.because = textOf(line, "text");
    return said;
  }

  // What a program has said of a test, and what the runner has seen of the program, are both true,
  // and the worse of them counts. A test that no record ends has not passed, whatever it was doing.
  static Attempt judged(Told told) {
    Attempt attempt = std::move(told.attempt);
    const Said* ending = nullptr;
    for (const Said& said : told.said) {
      if (said.state != Item::State::kEnded) continue;
      // The one of two equal ones counts that says why.
      bool isBetter = ending == nullptr ||
                      worseOf(said.outcome, ending->outcome) != ending->outcome ||
                      (said.outcome == ending->outcome && ending->because.empty());
      if (isBetter) ending = &said;
    }
    if (ending != nullptr) {
      attempt.outcome = ending->outcome;
      attempt.because = ending->because;
      return attempt;
    }
    for (const Said& said : told.said) {
      bool isOpen = said.state == Item::State::kAnnounced || said.state == Item::State::kBegun;
      attempt.isRunning = attempt.isRunning || isOpen;
      if (said.hasBegun) attempt.outcome = Outcome::kCrashed;
      if (attempt.because.empty() || attempt.because == kRecordEnds) attempt.because = said.because;
    }
    if (attempt.isRunning) attempt.outcome = Outcome::kNotRun;
    return attempt;
  }

  void decide(TestResult& test) {
    for (Told& told : told_[test.id()]) test.attempts.push_back(judged(std::move(told)));
    const Attempt* worst = &test.attempts.front();
    for (const Attempt& attempt : test.attempts) {
      if (worseOf(attempt.outcome, worst->outcome) != worst->outcome) worst = &attempt;
    }
    test.outcome = worst->outcome;
    test.because = worst->because;
    auto found = exonerations_.find(test.id());
    if (found == exonerations_.end()) return;
    const auto& [kind, because] = found->second;
    if (kind == "waiver" || kind == "probation") test.outcome = Outcome::kWaived;
    if (kind == "flaky") test.outcome = Outcome::kFlaky;
    if (kind == "polluted") test.outcome = Outcome::kPolluted;
    if (kind == "unexpected pass") test.outcome = Outcome::kUnexpectedlyPassed;
    test.because = because;
  }

  void judgeRun() {
    result_.isWhole = run_.problems.empty();
    result_.isRunning = run_.isRunning;
    std::vector<Outcome> outcomes;
    for (const TestResult& test : result_.tests) outcomes.push_back(test.outcome);
    for (const Failure& failure : result_.failures) {
      outcomes.push_back(failure.isInfrastructure ? Outcome::kInfrastructure : Outcome::kFailed);
    }
    for (Outcome outcome : ends_) {
      if (outcome != Outcome::kPassed && outcome != Outcome::kSkipped) outcomes.push_back(outcome);
    }
    result_.exitStatus = exitStatusOf(outcomes);
    bool isGreen = result_.exitStatus == kExitPassed || result_.exitStatus == kExitNothingRan;
    if (!result_.isWhole && isGreen) result_.exitStatus = kExitInfrastructure;
  }

  const RunRecord& run_;
  RunResult result_;
  std::map<std::tuple<std::string, std::string, std::string>, size_t> tests_;
  std::map<std::string, std::pair<std::string, std::string>> exonerations_;
  std::map<std::string, std::vector<Told>> told_;
  std::vector<Outcome> ends_;
};

}  // namespace

std::string TestResult::id() const {
  return (component.empty() ? "" : component + "/") + suite + "." + name;
}

const Attempt& TestResult::deciding() const {
  for (const Attempt& attempt : attempts) {
    if (attempt.outcome == outcome) return attempt;
  }
  return attempts.back();
}

size_t RunResult::count(Outcome outcome) const {
  return static_cast<size_t>(std::count_if(
      tests.begin(), tests.end(), [&](const TestResult& test) { return test.outcome == outcome; }));
}

RunResult resultOf(const RunRecord& run) {
  return Gatherer(run).gather();
}

}  // namespace harness::run
