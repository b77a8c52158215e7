#include "harness/history/attempt_events.h"

#include <algorithm>
#include <array>

#include "harness/run/fields.h"

namespace harness::history {
namespace {

using run::Item;
using run::Json;
using run::textOf;

constexpr size_t kLogLinesMost = 10;

std::string wordsOf(const Json& fields, const char* name) {
  std::string text;
  auto found = fields.find(name);
  if (found == fields.end() || !found->is_array()) return text;
  for (const Json& word : *found) {
    if (word.is_string()) text += (text.empty() ? "" : " ") + word.get<std::string>();
  }
  return text;
}

bool isEvent(const std::string& kind) {
  constexpr std::array<std::string_view, 5> kKinds = {"step", "command", "call", "wait", "fault"};
  return std::find(kKinds.begin(), kKinds.end(), kind) != kKinds.end();
}

// An item is in an earlier one only, so that every way up ends.
bool isWithin(const run::RecordFile& file, const Item& item, int outer) {
  int at = item.in;
  while (at > outer) at = file.items()[static_cast<size_t>(at)].in;
  return at == outer;
}

int depthOf(const run::RecordFile& file, const Item& item, int outer) {
  int depth = 0;
  for (int at = item.in; at != outer;) {
    const Item& each = file.items()[static_cast<size_t>(at)];
    if (isEvent(each.kind)) ++depth;
    at = each.in;
  }
  return depth;
}

Event eventOf(const run::RecordFile& file, const Item& item, int outer) {
  Json fields = file.fields(item);
  Event event{.kind = item.kind,
              .depth = depthOf(file, item, outer),
              .node = textOf(fields, "node"),
              .text = textOf(fields, "text"),
              .outcome = textOf(fields, "error")};
  if (event.text.empty()) event.text = wordsOf(fields, "argv");
  if (event.node.empty()) event.node = wordsOf(fields, "nodes");
  if (event.outcome.empty()) event.outcome = textOf(fields, "outcome");
  if (event.outcome.empty()) event.outcome = item.because;
  int64_t begin = file.items()[static_cast<size_t>(outer)].begunAt;
  if (item.begunAt != Item::kNever && begin != Item::kNever) event.begin = item.begunAt - begin;
  bool isOver = item.begunAt != Item::kNever && item.overAt != Item::kNever;
  if (isOver) event.length = item.overAt - item.begunAt;
  return event;
}

void takeLog(const run::RecordFile& file, const Item& item, std::vector<LogLine>& lines) {
  Json fields = file.fields(item);
  std::vector<Json> all = file.additions(item, "line");
  size_t first = all.size() - std::min(all.size(), kLogLinesMost);
  for (size_t i = first; i < all.size(); ++i) {
    std::string node = textOf(all[i], "node");
    std::string source = textOf(fields, "source");
    lines.push_back({.node = node.empty() ? textOf(fields, "node") : node,
                     .source = source.empty() ? textOf(fields, "path") : source,
                     .text = textOf(all[i], "text")});
  }
}

Artifact artifactOf(const run::RecordFile& file, const Item& item) {
  Json fields = file.fields(item);
  Artifact artifact{.path = textOf(fields, "path"),
                    .type = textOf(fields, "type"),
                    .node = textOf(fields, "node")};
  auto bytes = fields.find("bytes");
  if (bytes != fields.end() && bytes->is_number_integer()) artifact.bytes = bytes->get<int64_t>();
  return artifact;
}

}  // namespace

AttemptEvents eventsOf(const run::RunRecord& run, const run::Attempt& attempt) {
  AttemptEvents all;
  if (attempt.file < 0 || attempt.item < 0) return all;
  const run::RecordFile& file = run.files[static_cast<size_t>(attempt.file)];
  for (const Item& item : file.items()) {
    if (!isWithin(file, item, attempt.item)) continue;
    if (isEvent(item.kind)) all.events.push_back(eventOf(file, item, attempt.item));
    if (item.kind == "log") takeLog(file, item, all.lines);
    if (item.kind == "artifact") all.artifacts.push_back(artifactOf(file, item));
  }
  return all;
}

std::vector<Artifact> artifactsOutsideTests(const run::RunRecord& run) {
  std::vector<Artifact> artifacts;
  for (const run::RecordFile& file : run.files) {
    const std::vector<Item>& items = file.items();
    for (const Item& item : items) {
      if (item.kind != "artifact") continue;
      bool isOfTest = item.in >= 0 && items[static_cast<size_t>(item.in)].kind == "test";
      if (!isOfTest) artifacts.push_back(artifactOf(file, item));
    }
  }
  return artifacts;
}

}  // namespace harness::history
