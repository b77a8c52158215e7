#include "harness/report/html_items.h"

#include <filesystem>

#include "harness/os/files.h"
#include "harness/report/html_series.h"
#include "schema/support/base/text.h"

namespace harness::report {
namespace {

constexpr size_t kTitleBytesMax = 8 * 1024;

std::string joined(const std::vector<std::string>& argv) {
  std::string text;
  for (const std::string& argument : argv) {
    if (!text.empty()) text += ' ';
    bool isPlain =
        !argument.empty() && argument.find_first_of(" \t\n'\"\\$|&;<>*?") == std::string::npos;
    text += isPlain ? argument : "'" + argument + "'";
  }
  return text;
}

// What the item is called in a list of items.
std::string titleOf(const std::string& kind, const Json& fields) {
  if (kind == "command" || kind == "program") {
    std::string argv = joined(textsOf(fields, "argv"));
    if (!argv.empty()) return argv;
  }
  if (kind == "test") return textOf(fields, "suite") + "." + textOf(fields, "name");
  for (const char* name : {"text", "source", "path", "node", "component", "command"}) {
    std::string text = textOf(fields, name);
    if (!text.empty()) return text;
  }
  return kind;
}

// A command may have arguments of any length, and the report says so where it cuts them.
std::string title(HtmlContext& context, const std::string& kind, const Json& fields) {
  std::string text = titleOf(kind, fields);
  if (text.size() <= kTitleBytesMax) return text;
  std::string kept(support::beginningOf(text, kTitleBytesMax));
  context.textBytesCut += text.size() - kept.size();
  return kept + " (" + std::to_string(text.size() - kept.size()) + " bytes left out)";
}

std::vector<std::string> nodesOf(const Json& fields) {
  std::vector<std::string> nodes = textsOf(fields, "nodes");
  std::string node = textOf(fields, "node");
  if (nodes.empty() && !node.empty()) nodes.push_back(node);
  return nodes;
}

SliceState stateOf(const run::Item& item, const Json& fields) {
  if (item.state == run::Item::State::kBegun) return SliceState::kRunning;
  if (item.state == run::Item::State::kAborted) return SliceState::kCut;
  if (!textOf(fields, "error").empty() || numberOf(fields, "signal").value_or(0) != 0) {
    return SliceState::kFailed;
  }
  if (auto exit = numberOf(fields, "exit")) {
    return *exit == 0 ? SliceState::kPlain : SliceState::kNonZero;
  }
  if (item.kind == "command" && fields.contains("outcome")) return SliceState::kFailed;
  std::string outcome = textOf(fields, "outcome");
  return outcome.empty() || outcome == "passed" ? SliceState::kPlain : SliceState::kFailed;
}

std::string laneOf(const std::string& kind) {
  if (kind == "node") return kind;
  return kind + "s";
}

SliceState levelState(const std::string& level) {
  static const std::unordered_set<std::string> kErrors = {"error", "err",   "crit",  "critical",
                                                          "alert", "emerg", "fatal", "panic"};
  std::string lower;
  for (char c : level) lower += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c);
  if (kErrors.contains(lower)) return SliceState::kFailed;
  return lower.starts_with("warn") ? SliceState::kWarning : SliceState::kPlain;
}

// Each line of a log is an instant in its node's lane, at the time that the node gave it.
Json linesOf(HtmlContext& context, const ItemPlace& place, const std::string& logNode,
             const std::vector<Json>& additions) {
  Json lines = Json::array();
  size_t cut = 0;
  for (const Json& line : additions) {
    if (textOf(line, "what") != "line") continue;
    if (lines.size() >= kHtmlLogLinesMax) {
      ++cut;
      continue;
    }
    std::string node = textOf(line, "node").empty() ? logNode : textOf(line, "node");
    std::string text = textOf(line, "text");
    Json at = nullptr;
    if (auto wall = numberOf(line, "wall")) {
      int64_t time = context.nodes.timeOf(node, *wall);
      at = time;
      context.timeline.add(
          {.group = node.empty() ? HtmlTimeline::kOther : context.timeline.nodeOf(node),
           .lane = "log",
           .begin = time,
           .end = time,
           .state = levelState(textOf(line, "level")),
           .text = text,
           .test = place.test,
           .file = place.file,
           .item = place.item});
    } else {
      ++context.linesWithoutTime;
    }
    lines.push_back({at, textOf(line, "level"), numberOf(line, "number").value_or(0),
                     std::string(support::beginningOf(text, kHtmlTextBytesMax)),
                     node == logNode ? "" : node});
  }
  context.linesCut += cut;
  return {{"lines", std::move(lines)}, {"cut", cut}};
}

// Most items have none, and their lines need not be parsed again to see it.
std::vector<Json> additionsOf(const run::RecordFile& file, const run::Item& item) {
  size_t verbs = 0;
  for (int64_t at : {item.announcedAt, item.begunAt, item.overAt}) {
    verbs += at != run::Item::kNever ? 1 : 0;
  }
  return item.lines.size() > verbs ? file.additions(item) : std::vector<Json>();
}

void takeSeries(HtmlContext& context, const std::string& path, const std::string& node) {
  namespace fs = std::filesystem;
  std::error_code error;
  fs::path directory = fs::weakly_canonical(context.run.directory, error);
  fs::path file = fs::weakly_canonical(directory / path, error);
  fs::path relative = file.lexically_relative(directory);
  // The record may name any file, and only those of the run are read.
  if (error || relative.empty() || *relative.begin() == "..") return;
  if (!context.seriesRead.insert(file).second) return;
  Json plots =
      seriesOf(readIfPresent(file), [&](int64_t wall) { return context.nodes.timeOf(node, wall); });
  for (Json& plot : plots) {
    plot["node"] = context.timeline.nodeOf(node);
    context.plots.push_back(std::move(plot));
  }
}

void addSlices(HtmlContext& context, const ItemPlace& place, const run::Item& item,
               const Json& object, const std::vector<std::string>& nodes) {
  if (item.begunAt == run::Item::kNever || item.kind == "log" || item.kind == "series") return;
  int64_t begin = object["b"];
  int64_t end = object["e"].get<int64_t>() < 0 ? context.length : object["e"].get<int64_t>();
  if (item.kind == "artifact") begin = end;
  Slice slice{.group = HtmlTimeline::kOther,
              .lane = laneOf(item.kind),
              .begin = begin,
              .end = end,
              .state = static_cast<SliceState>(object["s"].get<int>()),
              .text = object["t"],
              .test = place.test,
              .file = place.file,
              .item = place.item};
  if (item.kind == "step" || item.kind == "program") slice.group = HtmlTimeline::kTests;
  if (item.kind == "fault") {
    slice.group = HtmlTimeline::kFaults;
    Json touched = Json::array();
    for (const std::string& node : nodes) touched.push_back(context.timeline.nodeOf(node));
    context.faults.push_back({{"b", begin},
                              {"e", end},
                              {"t", object["t"]},
                              {"nodes", touched},
                              {"s", object["s"]},
                              {"test", place.test},
                              {"file", place.file},
                              {"item", place.item}});
  } else if (slice.group == HtmlTimeline::kOther && !nodes.empty()) {
    for (const std::string& node : nodes) {
      slice.group = context.timeline.nodeOf(node);
      context.timeline.add(slice);
    }
    return;
  }
  context.timeline.add(slice);
}

}  // namespace

void boundTexts(HtmlContext& context, Json& fields) {
  Json cut = Json::object();
  for (auto& [name, value] : fields.items()) {
    if (!value.is_string()) continue;
    const auto& text = value.get_ref<const std::string&>();
    if (text.size() <= kHtmlTextBytesMax) continue;
    cut[name] = text.size() - kHtmlTextBytesMax;
    context.textBytesCut += text.size() - kHtmlTextBytesMax;
    value = std::string(support::endOf(text, kHtmlTextBytesMax));
  }
  if (!cut.empty()) fields["cut"] = std::move(cut);
}

Json htmlAddition(HtmlContext& context, const run::RecordFile& file, Json line) {
  line["at"] = context.run.timeOf(file, numberOf(line, "at").value_or(0));
  for (const char* name : {"n", "add"}) line.erase(name);
  int row = static_cast<int>(numberOf(line, "line").value_or(0));
  if (textOf(line, "what") == "failure" && row > 0) {
    Json source = context.sources.around(textOf(line, "file"), row);
    if (!source.is_null()) line["source"] = std::move(source);
  }
  boundTexts(context, line);
  return line;
}

Json htmlItem(HtmlContext& context, const ItemPlace& place) {
  const run::RecordFile& file = context.run.files[static_cast<size_t>(place.file)];
  const run::Item& item = file.items()[static_cast<size_t>(place.item)];
  Json fields = file.fields(item);
  std::vector<Json> additions = additionsOf(file, item);
  std::vector<std::string> nodes = nodesOf(fields);
  int64_t over = context.run.timeOf(file, item.overAt);
  int64_t begun = item.begunAt != run::Item::kNever ? item.begunAt : item.announcedAt;
  Json object = {{"i", std::to_string(place.file) + "." + std::to_string(place.item)},
                 {"k", item.kind},
                 {"t", title(context, item.kind, fields)},
                 {"b", context.run.timeOf(file, begun)},
                 {"e", over},
                 {"s", static_cast<int>(stateOf(item, fields))}};
  if (!nodes.empty()) object["n"] = nodes;
  std::string because = item.because.empty() ? textOf(fields, "because") : item.because;
  if (!because.empty()) object["w"] = because;
  if (item.begunAt == run::Item::kNever) object["s"] = static_cast<int>(SliceState::kCut);
  addSlices(context, place, item, object, nodes);
  std::string node = nodes.empty() ? "" : nodes.front();
  if (item.kind == "log") object["l"] = linesOf(context, place, node, additions);
  if (item.kind == "series") takeSeries(context, textOf(fields, "path"), node);
  if (item.kind == "artifact" || item.kind == "series") {
    object["art"] = context.artifacts.take(textOf(fields, "path"), context.blocks);
  }
  for (Json& line : additions) {
    if (item.kind == "log" && textOf(line, "what") == "line") continue;
    object["a"].push_back(htmlAddition(context, file, std::move(line)));
  }
  for (const char* name : {"argv", "node", "nodes", "text", "because"}) fields.erase(name);
  boundTexts(context, fields);
  if (!fields.empty()) object["f"] = std::move(fields);
  return object;
}

}  // namespace harness::report
