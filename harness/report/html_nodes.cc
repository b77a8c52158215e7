#include "harness/report/html_nodes.h"

#include <algorithm>

namespace harness::report {

HtmlNodes::HtmlNodes(const run::RunRecord& run, const HtmlRunPlace& at, HtmlTimeline& timeline)
    : run_(run), at_(at), timeline_(timeline) {
  for (size_t i = 0; i < run.files.size(); ++i) {
    const run::RecordFile& file = run.files[i];
    for (size_t j = 0; j < file.items().size(); ++j) {
      if (file.items()[j].kind == "node") take(file, static_cast<int>(i), static_cast<int>(j));
    }
  }
  for (auto& [name, node] : nodes_) {
    std::sort(node.clocks.begin(), node.clocks.end(),
              [](const Clock& one, const Clock& other) { return one.at < other.at; });
  }
}

void HtmlNodes::take(const run::RecordFile& file, int fileIndex, int itemIndex) {
  const run::Item& item = file.items()[static_cast<size_t>(itemIndex)];
  Json fields = file.fields(item);
  std::string name = textOf(fields, "node");
  if (name.empty()) return;
  Node& node = nodes_[name];
  // Several programs describe one node, mostly in the same words.
  if (std::find(node.facts.begin(), node.facts.end(), fields) == node.facts.end()) {
    node.facts.push_back(std::move(fields));
  }
  for (const Json& line : file.additions(item, "clock")) {
    node.clocks.push_back({.at = run_.timeOf(file, numberOf(line, "at").value_or(0)),
                           .offset = numberOf(line, "offset").value_or(0),
                           .error = numberOf(line, "error").value_or(0)});
  }
  takeLosses(file,
             {.run = at_.run,
              .group = timeline_.nodeOf(at_.run, name),
              .lane = "connection",
              .state = SliceState::kFailed,
              .file = at_.fileBase + fileIndex,
              .item = itemIndex},
             node);
}

void HtmlNodes::takeLosses(const run::RecordFile& file, const Slice& form, Node& node) {
  const run::Item& item = file.items()[static_cast<size_t>(form.item)];
  int64_t over = run_.timeOf(file, item.overAt);
  int64_t lostAt = run::Item::kNever;
  std::string because;
  auto addLoss = [&](int64_t until) {
    Slice slice = form;
    slice.begin = lostAt;
    slice.end = until;
    slice.text = "lost: " + because;
    timeline_.add(slice);
    node.losses.push_back({lostAt, until, because});
    lostAt = run::Item::kNever;
  };
  for (const Json& line : file.additions(item)) {
    std::string what = textOf(line, "what");
    int64_t at = run_.timeOf(file, numberOf(line, "at").value_or(0));
    if (what == "lost" && lostAt == run::Item::kNever) {
      lostAt = at;
      because = textOf(line, "because");
    } else if (what == "found" && lostAt != run::Item::kNever) {
      addLoss(at);
    }
  }
  if (lostAt != run::Item::kNever) addLoss(over == run::Item::kNever ? at_.length : over);
}

int64_t HtmlNodes::timeOf(const std::string& node, int64_t wall) const {
  int64_t time = wall - run_.wall;
  auto found = nodes_.find(node);
  if (found == nodes_.end() || found->second.clocks.empty()) return time;
  const std::vector<Clock>& clocks = found->second.clocks;
  const Clock* best = &clocks.front();
  for (const Clock& clock : clocks) {
    if (clock.at <= time - clock.offset) best = &clock;
  }
  return time - best->offset;
}

std::optional<int64_t> HtmlNodes::utcOffsetOf(const std::string& node) const {
  auto found = nodes_.find(node);
  if (found == nodes_.end()) return std::nullopt;
  for (const Json& facts : found->second.facts) {
    if (auto offset = numberOf(facts, "utcOffset")) return offset;
  }
  return std::nullopt;
}

Json HtmlNodes::toJson(const std::string& name) const {
  Json node = {{"name", name}, {"run", at_.run}};
  auto found = nodes_.find(name);
  if (found == nodes_.end()) return node;
  node["facts"] = found->second.facts;
  node["losses"] = found->second.losses;
  node["clocks"] = Json::array();
  for (const Clock& clock : found->second.clocks) {
    node["clocks"].push_back({clock.at, clock.offset, clock.error});
  }
  return node;
}

}  // namespace harness::report
