#include "harness/report/html_details.h"

#include <algorithm>

namespace harness::report {
namespace {

// Additions of a test that the page shows in places of their own.
constexpr const char* kOwnPlaces[] = {"failure", "skip", "property", "output", "hidden"};

bool hasOwnPlace(const std::string& what) {
  return std::any_of(std::begin(kOwnPlaces), std::end(kOwnPlaces),
                     [&](const char* each) { return what == each; });
}

}  // namespace

HtmlDetails::HtmlDetails(HtmlContext& context, const run::RunResult& result)
    : context_(context), result_(result) {
  children_.resize(context.run.files.size());
  for (size_t i = 0; i < context.run.files.size(); ++i) index(static_cast<int>(i));
}

// Says of each item what belongs to it, and of each test which attempt it is, as results.cc does.
void HtmlDetails::index(int fileIndex) {
  const run::RecordFile& file = context_.run.files[static_cast<size_t>(fileIndex)];
  std::vector<std::vector<int>>& children = children_[static_cast<size_t>(fileIndex)];
  children.resize(file.items().size());
  for (size_t i = 0; i < file.items().size(); ++i) {
    const run::Item& item = file.items()[i];
    if (item.in >= 0) children[static_cast<size_t>(item.in)].push_back(static_cast<int>(i));
    if (run::isNested(file)) continue;
    if (item.kind == "test") indexTest({.file = fileIndex, .item = static_cast<int>(i)});
    if (item.kind != "run") continue;
    for (Json& line : file.additions(item, "exonerated")) {
      Json& all = exonerations_[textOf(line, "test")];
      all.push_back(htmlAddition(context_, file, std::move(line)));
    }
  }
}

void HtmlDetails::indexTest(const Record& record) {
  const run::RecordFile& file = context_.run.files[static_cast<size_t>(record.file)];
  Json fields = file.fields(file.items()[static_cast<size_t>(record.item)]);
  std::string component = textOf(fields, "component");
  if (component.empty()) component = textOf(file.header(), "component");
  run::TestResult named{
      .component = component, .suite = textOf(fields, "suite"), .name = textOf(fields, "name")};
  auto numberIn = [&](const char* name) {
    return numberOf(fields, name).value_or(numberOf(file.header(), name).value_or(1));
  };
  attempts_[{named.id(), numberIn("attempt"), numberIn("repeat")}].push_back(record);
}

// The items stand in one list, each with the place of the one that it belongs to: a tree may be
// deeper than a stack.
Json HtmlDetails::itemsBelow(int place, const Record& record) {
  const auto& children = children_[static_cast<size_t>(record.file)];
  Json items = Json::array();
  std::vector<std::pair<int, int>> open;
  auto addChildren = [&](int item, int parent) {
    const std::vector<int>& own = children[static_cast<size_t>(item)];
    for (auto child = own.rbegin(); child != own.rend(); ++child) open.emplace_back(*child, parent);
  };
  addChildren(record.item, -1);
  while (!open.empty()) {
    auto [item, parent] = open.back();
    open.pop_back();
    Json object = htmlItem(context_, {.file = record.file, .item = item, .test = place});
    object["p"] = parent;
    addChildren(item, static_cast<int>(items.size()));
    items.push_back(std::move(object));
  }
  return items;
}

void HtmlDetails::takeRecord(int place, const Record& record, Json& object) {
  const run::RecordFile& file = context_.run.files[static_cast<size_t>(record.file)];
  const run::Item& item = file.items()[static_cast<size_t>(record.item)];
  for (Json& line : file.additions(item)) {
    std::string what = textOf(line, "what");
    object[hasOwnPlace(what) ? what : "further"].push_back(
        htmlAddition(context_, file, std::move(line)));
  }
  Json items = itemsBelow(place, record);
  if (!items.empty()) object["trees"].push_back(std::move(items));
}

Json HtmlDetails::attempt(int place, const run::Attempt& attempt, const std::string& id) {
  Json object = {{"number", attempt.number},
                 {"repeat", attempt.repeat},
                 {"outcome", static_cast<int>(attempt.outcome)},
                 {"because", attempt.because},
                 {"running", attempt.isRunning},
                 {"seconds", attempt.seconds},
                 {"b", attempt.begin},
                 {"e", attempt.end},
                 {"nodes", attempt.nodes},
                 {"program", attempt.program}};
  for (const Record& record : attempts_[{id, attempt.number, attempt.repeat}]) {
    takeRecord(place, record, object);
  }
  if (attempt.begin == run::Item::kNever) return object;
  context_.timeline.add({.group = HtmlTimeline::kTests,
                         .lane = "tests",
                         .begin = attempt.begin,
                         .end = attempt.end < 0 ? context_.length : attempt.end,
                         .state = static_cast<SliceState>(static_cast<int>(SliceState::kOutcome) +
                                                          static_cast<int>(attempt.outcome)),
                         .text = id,
                         .test = place,
                         .file = std::max(attempt.file, 0),
                         .item = std::max(attempt.item, 0)});
  return object;
}

Json HtmlDetails::test(int place) {
  const run::TestResult& test = result_.tests[static_cast<size_t>(place)];
  Json object = {{"requirements", test.requirements},
                 {"file", test.file},
                 {"line", test.line},
                 {"because", test.because}};
  if (auto found = exonerations_.find(test.id()); found != exonerations_.end()) {
    object["exonerated"] = found->second;
  }
  for (const run::Attempt& each : test.attempts) {
    object["attempts"].push_back(attempt(place, each, test.id()));
  }
  return object;
}

Json HtmlDetails::outside(int fileIndex) {
  const run::RecordFile& file = context_.run.files[static_cast<size_t>(fileIndex)];
  // A nested program's tests are none of the run's, and belong to what it did.
  bool isNested = run::isNested(file);
  Json items = Json::array();
  std::vector<int> places(file.items().size(), -1);
  std::vector<bool> isInTest(file.items().size());
  for (size_t i = 0; i < file.items().size(); ++i) {
    const run::Item& item = file.items()[i];
    bool isParentInTest = item.in >= 0 && isInTest[static_cast<size_t>(item.in)];
    isInTest[i] = !isNested && (item.kind == "test" || isParentInTest);
    if (isInTest[i]) continue;
    Json object = htmlItem(context_, {.file = fileIndex, .item = static_cast<int>(i)});
    object["p"] = item.in >= 0 ? places[static_cast<size_t>(item.in)] : -1;
    places[i] = static_cast<int>(items.size());
    items.push_back(std::move(object));
  }
  return items;
}

}  // namespace harness::report
