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

HtmlDetails::HtmlDetails(HtmlContext& context) : context_(context) {
  children_.resize(context.run.files.size());
  for (size_t i = 0; i < context.run.files.size(); ++i) index(static_cast<int>(i));
}

// Says of each item what belongs to it, and of each test which attempt it is, as results.cc does.
void HtmlDetails::index(int fileIndex) {
  const run::RecordFile& file = context_.run.files[static_cast<size_t>(fileIndex)];
  std::vector<std::vector<int>>& children = children_[static_cast<size_t>(fileIndex)];
  children.resize(file.items().size());
  bool isNested = run::isNested(file);
  for (size_t i = 0; i < file.items().size(); ++i) {
    const run::Item& item = file.items()[i];
    if (item.in >= 0) children[static_cast<size_t>(item.in)].push_back(static_cast<int>(i));
    if (isNested) continue;
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
JsonList HtmlDetails::itemsBelow(int place, const Record& record) {
  const auto& children = children_[static_cast<size_t>(record.file)];
  JsonList items;
  std::vector<std::pair<int, int>> open;
  auto addChildren = [&](int item, int parent) {
    const std::vector<int>& own = children[static_cast<size_t>(item)];
    for (auto child = own.rbegin(); child != own.rend(); ++child) open.emplace_back(*child, parent);
  };
  addChildren(record.item, -1);
  while (!open.empty()) {
    auto [item, parent] = open.back();
    open.pop_back();
    addChildren(item, static_cast<int>(items.size()));
    items.add(htmlItem(context_, {.file = record.file, .item = item, .test = place}, parent));
  }
  return items;
}

void HtmlDetails::takeRecord(const Record& record, Json& object) {
  const run::RecordFile& file = context_.run.files[static_cast<size_t>(record.file)];
  const run::Item& item = file.items()[static_cast<size_t>(record.item)];
  for (Json& line : file.additions(item)) {
    std::string what = textOf(line, "what");
    object[hasOwnPlace(what) ? what : "further"].push_back(
        htmlAddition(context_, file, std::move(line)));
  }
}

std::string HtmlDetails::attempt(int place, const run::Attempt& attempt, const std::string& id) {
  Json object = {{"number", attempt.number},
                 {"repeat", attempt.repeat},
                 {"outcome", static_cast<int>(attempt.outcome)},
                 {"because", attempt.because},
                 {"running", attempt.isRunning},
                 {"seconds", attempt.seconds},
                 {"b", attempt.begin},
                 {"e", attempt.end},
                 {"nodes", attempt.nodes},
                 {"program", attempt.program},
                 {"run", context_.at.run}};
  JsonList trees;
  for (const Record& record : attempts_[{id, attempt.number, attempt.repeat}]) {
    takeRecord(record, object);
    JsonList items = itemsBelow(place, record);
    if (items.size() > 0) trees.add(items.done());
  }
  if (attempt.begin != run::Item::kNever) addSlice(place, attempt, id);
  JsonObject whole;
  whole.fieldsOf(dumped(object));
  if (trees.size() > 0) whole.json("trees", trees.done());
  return whole.done();
}

void HtmlDetails::addSlice(int place, const run::Attempt& attempt, const std::string& id) {
  context_.parts.timeline.add(
      {.run = context_.at.run,
       .group = HtmlTimeline::kTests,
       .lane = "tests",
       .begin = attempt.begin,
       .end = attempt.end < 0 ? context_.at.length : attempt.end,
       .state = static_cast<SliceState>(static_cast<int>(SliceState::kOutcome) +
                                        static_cast<int>(attempt.outcome)),
       .text = id,
       .test = place,
       .file = context_.at.fileBase + std::max(attempt.file, 0),
       .item = std::max(attempt.item, 0)});
}

Json HtmlDetails::exonerationsOf(const std::string& id) const {
  auto found = exonerations_.find(id);
  return found == exonerations_.end() ? Json() : found->second;
}

std::string HtmlDetails::outside(int fileIndex) {
  const run::RecordFile& file = context_.run.files[static_cast<size_t>(fileIndex)];
  // A nested program's tests are none of the run's, and belong to what it did.
  bool isNested = run::isNested(file);
  JsonList items;
  std::vector<int> places(file.items().size(), -1);
  std::vector<bool> isInTest(file.items().size());
  for (size_t i = 0; i < file.items().size(); ++i) {
    const run::Item& item = file.items()[i];
    bool isParentInTest = item.in >= 0 && isInTest[static_cast<size_t>(item.in)];
    isInTest[i] = !isNested && (item.kind == "test" || isParentInTest);
    if (isInTest[i]) continue;
    int parent = item.in >= 0 ? places[static_cast<size_t>(item.in)] : -1;
    places[i] = static_cast<int>(items.size());
    items.add(htmlItem(context_, {.file = fileIndex, .item = static_cast<int>(i)}, parent));
  }
  return items.done();
}

}  // namespace harness::report
