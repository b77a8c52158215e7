#include "harness/report/run_facts.h"

#include <algorithm>
#include <ctime>

#include "harness/os/shell_words.h"
#include "harness/report/fields.h"
#include "schema/support/base/text.h"

namespace harness::report {
namespace {

using run::Item;
using run::RecordFile;

constexpr size_t kReasonBytesMax = 300;

// The output of a test may be as large as its program likes; its end tells more than its begin.
constexpr size_t kOutputBytesMax = 64 << 10;

// Returns a text, a number or a word as a text.
std::string anyOf(const Json& fields, const char* name) {
  auto found = fields.find(name);
  bool isPlain = found != fields.end() && (found->is_number() || found->is_boolean());
  return isPlain ? found->dump() : textOf(fields, name);
}

std::string commandOf(const std::vector<std::string>& argv) {
  std::string text;
  for (const std::string& word : argv) text += (text.empty() ? "" : " ") + shellWord(word);
  return text;
}

// All programs of a run have the same settings, as a rule.
void addProperty(RunFacts& facts, const std::string& name, const std::string& value) {
  std::pair<std::string, std::string> property(name, value);
  auto& all = facts.properties;
  if (std::find(all.begin(), all.end(), property) == all.end()) all.push_back(property);
}

// A program that was started by hand says what a runner would, and each program has its seed and
// its settings.
void takeRun(RunFacts& facts, const RecordFile& file, const Item& item) {
  Json fields = file.fields(item);
  if (facts.command.empty()) facts.command = commandOf(textsOf(fields, "command"));
  if (facts.command.empty()) facts.command = commandOf(textsOf(fields, "argv"));
  if (facts.seed.empty()) facts.seed = anyOf(fields, "seed");
  if (auto git = fields.find("git"); git != fields.end() && git->is_object()) {
    facts.revision = textOf(*git, "revision");
    facts.branch = textOf(*git, "branch");
    facts.isDirty = isSet(*git, "dirty");
  }
  for (const Json& line : file.additions(item, "property")) {
    addProperty(facts, textOf(line, "name"), anyOf(line, "value"));
  }
  auto settings = fields.find("configuration");
  if (settings == fields.end() || !settings->is_array()) return;
  for (const Json& setting : *settings) {
    addProperty(facts, textOf(setting, "name"), anyOf(setting, "value"));
  }
}

std::map<std::string, std::string> productOf(const Json& fields) {
  std::map<std::string, std::string> versions;
  auto product = fields.find("product");
  if (product == fields.end() || !product->is_object()) return versions;
  for (const auto& [name, version] : product->items()) {
    if (version.is_string()) versions[name] = version.get<std::string>();
  }
  return versions;
}

// A node is named by every program that connects to it.
void takeNode(RunFacts& facts, const RecordFile& file, const Item& item) {
  Json fields = file.fields(item);
  std::string name = textOf(fields, "node");
  auto isKnown = [&](const NodeFacts& node) { return node.name == name; };
  if (std::any_of(facts.nodes.begin(), facts.nodes.end(), isKnown)) return;
  facts.nodes.push_back({.name = name,
                         .role = textOf(fields, "role"),
                         .address = textOf(fields, "address"),
                         .agent = textOf(fields, "agent"),
                         .kernel = textOf(fields, "kernel"),
                         .system = textOf(fields, "system"),
                         .product = productOf(fields)});
}

bool namesFile(const std::string& kind) {
  return kind == "artifact" || kind == "log" || kind == "series";
}

std::string keyOf(const std::string& component, const std::string& suite, const std::string& name,
                  int64_t attempt, int64_t repeat) {
  return component + "/" + suite + "." + name + "\n" + std::to_string(attempt) + "\n" +
         std::to_string(repeat);
}

}  // namespace

std::string RunFacts::property(const std::string& name) const {
  for (const auto& [own, value] : properties) {
    if (own == name) return value;
  }
  return "";
}

RunFacts factsOf(const run::RunRecord& run) {
  RunFacts facts{.id = run.id, .directory = run.directory, .wall = run.wall};
  const Json& header = run.files.front().header();
  facts.host = textOf(header, "host");
  facts.muster = textOf(header, "muster");
  facts.seed = anyOf(header, "seed");
  for (const RecordFile& file : run.files) {
    if (isNested(file)) continue;
    for (const Item& item : file.items()) {
      if (item.kind == "run" || item.kind == "program") takeRun(facts, file, item);
      if (item.kind == "node") takeNode(facts, file, item);
    }
  }
  return facts;
}

std::string testKeyOf(const RecordFile& file, const Item& test) {
  Json fields = file.fields(test);
  std::string component = textOf(fields, "component");
  if (component.empty()) component = textOf(file.header(), "component");
  auto number = [&](const char* name) {
    return numberOf(fields, name).value_or(numberOf(file.header(), name).value_or(1));
  };
  return keyOf(component, textOf(fields, "suite"), textOf(fields, "name"), number("attempt"),
               number("repeat"));
}

// An item is announced after the one that it belongs to.
AttemptReader::AttemptReader(const run::RunRecord& run) : run_(run) {
  for (size_t i = 0; i < run_.files.size(); ++i) {
    const RecordFile& file = run_.files[i];
    const std::vector<Item>& items = file.items();
    std::vector<int> testOf(items.size(), -1);
    for (size_t k = 0; k < items.size(); ++k) {
      bool isTest = items[k].kind == "test";
      if (isTest) {
        testOf[k] = static_cast<int>(k);
      } else if (items[k].in >= 0) {
        testOf[k] = testOf[static_cast<size_t>(items[k].in)];
      }
      if (isTest && &file == run_.runner()) runnerTests_[testKeyOf(file, items[k])] = {i, k};
      if (testOf[k] < 0 || !namesFile(items[k].kind)) continue;
      artifacts_[{i, static_cast<size_t>(testOf[k])}].emplace_back(i, k);
    }
  }
}

void AttemptReader::take(AttemptFacts& facts, const Place& place) const {
  const RecordFile& file = run_.files[place.first];
  for (const Json& line : file.additions(file.items()[place.second])) {
    std::string what = textOf(line, "what");
    if (what == "property") {
      facts.properties.emplace_back(textOf(line, "name"), anyOf(line, "value"));
    }
    if (what == "output") facts.output += textOf(line, "text");
  }
  auto found = artifacts_.find(place);
  if (found == artifacts_.end()) return;
  for (const Place& each : found->second) {
    const Item& item = run_.files[each.first].items()[each.second];
    Json fields = run_.files[each.first].fields(item);
    std::string path = textOf(fields, "path");
    std::string type = textOf(fields, "type");
    if (path.empty()) continue;
    facts.artifacts.push_back({.path = path,
                               .type = type.empty() ? item.kind : type,
                               .node = textOf(fields, "node"),
                               .bytes = numberOf(fields, "bytes").value_or(0)});
  }
}

AttemptFacts AttemptReader::read(const run::TestResult& test, const run::Attempt& attempt) const {
  AttemptFacts facts;
  if (attempt.file >= 0 && attempt.item >= 0) {
    take(facts, {static_cast<size_t>(attempt.file), static_cast<size_t>(attempt.item)});
  }
  auto found = runnerTests_.find(
      keyOf(test.component, test.suite, test.name, attempt.number, attempt.repeat));
  if (found != runnerTests_.end()) take(facts, found->second);
  facts.output = support::endOf(facts.output, kOutputBytesMax);
  return facts;
}

std::string utcText(int64_t wall) {
  if (wall <= 0) return "";
  std::time_t seconds = wall / 1'000'000'000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text, size};
}

const run::Attempt& tellingAttemptOf(const run::TestResult& test) {
  const run::Attempt& deciding = test.deciding();
  if (deciding.outcome == test.outcome) return deciding;
  const run::Attempt* worst = &test.attempts.front();
  for (const run::Attempt& attempt : test.attempts) {
    if (worseOf(attempt.outcome, worst->outcome) != worst->outcome) worst = &attempt;
  }
  return *worst;
}

std::string textOf(const run::Failure& failure) {
  if (failure.file.empty()) return failure.text;
  return failure.file + ":" + std::to_string(failure.line) + ": " + failure.text;
}

std::string storyOf(const run::Attempt& attempt) {
  std::string story;
  auto add = [&](const std::string& text) {
    if (!text.empty()) story += (story.empty() ? "" : "\n") + text;
  };
  for (const run::Failure& failure : attempt.failures) add(textOf(failure));
  add(attempt.because);
  return story;
}

std::string firstLineOf(const std::string& text, size_t bytesMax) {
  std::string_view line = std::string_view(text).substr(0, text.find('\n'));
  return support::printable(support::beginningOf(line, bytesMax));
}

std::string reasonOf(const run::Attempt& attempt) {
  return firstLineOf(storyOf(attempt), kReasonBytesMax);
}

}  // namespace harness::report
