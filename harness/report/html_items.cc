#include "harness/report/html_items.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "harness/os/files.h"
#include "harness/report/html_series.h"
#include "harness/report/json_text.h"
#include "harness/report/log_level.h"
#include "harness/run/log_time.h"
#include "harness/run/record_line.h"
#include "schema/support/base/text.h"

namespace harness::report {
namespace {

using run::RecordLine;

constexpr size_t kTitleBytesMax = 8 * 1024;

// How far outside of the run a line may be whose zone is assumed.
constexpr int64_t kBesideRun = 60'000'000'000;

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
std::string titleOf(const std::string& kind, const RecordLine& fields) {
  if (kind == "command" || kind == "program") {
    std::string argv = joined(fields.texts("argv"));
    if (!argv.empty()) return argv;
  }
  if (kind == "test") return fields.text("suite") + "." + fields.text("name");
  for (const char* name : {"text", "source", "path", "node", "component", "command"}) {
    std::string text = fields.text(name);
    if (!text.empty()) return text;
  }
  return kind;
}

// A command may have arguments of any length, and the report says so where it cuts them.
std::string title(HtmlContext& context, const std::string& kind, const RecordLine& fields) {
  std::string text = titleOf(kind, fields);
  if (text.size() <= kTitleBytesMax) return text;
  std::string kept(support::beginningOf(text, kTitleBytesMax));
  context.parts.textBytesCut += text.size() - kept.size();
  return kept + " (" + std::to_string(text.size() - kept.size()) + " bytes left out)";
}

std::vector<std::string> nodesOf(const RecordLine& fields) {
  std::vector<std::string> nodes = fields.texts("nodes");
  std::string node = fields.text("node");
  if (nodes.empty() && !node.empty()) nodes.push_back(node);
  return nodes;
}

SliceState stateOf(const run::Item& item, const RecordLine& fields) {
  if (item.begunAt == run::Item::kNever) return SliceState::kCut;
  if (item.state == run::Item::State::kBegun) return SliceState::kRunning;
  if (item.state == run::Item::State::kAborted) return SliceState::kCut;
  if (!fields.text("error").empty() || fields.number("signal").value_or(0) != 0) {
    return SliceState::kFailed;
  }
  if (auto exit = fields.number("exit")) {
    return *exit == 0 ? SliceState::kPlain : SliceState::kNonZero;
  }
  if (item.kind == "command" && fields.has("outcome")) return SliceState::kFailed;
  std::string outcome = fields.text("outcome");
  return outcome.empty() || outcome == "passed" ? SliceState::kPlain : SliceState::kFailed;
}

std::string laneOf(const std::string& kind) {
  if (kind == "node") return kind;
  return kind + "s";
}

// A record need not say it: then the line itself may.
std::string levelOf(const Json& line) {
  std::string level = textOf(line, "level");
  if (!level.empty()) return level;
  LogLevel own = logLevelIn(textOf(line, "text"));
  return own == LogLevel::kError ? "error" : own == LogLevel::kWarning ? "warning" : "";
}

SliceState levelState(const std::string& level) {
  LogLevel known = logLevelOf(level);
  if (known == LogLevel::kError) return SliceState::kFailed;
  return known == LogLevel::kWarning ? SliceState::kWarning : SliceState::kPlain;
}

// The time of a line, in nanoseconds since the run's begin, and how its zone was found out.
struct LineTime {
  int64_t at = 0;

  // "UTC+02:00": the line says no zone, and is read as if it were this one. Empty: it says its
  // zone.
  std::string assumed = {};
};

std::string zoneText(int64_t utcOffset) {
  int64_t minutes = std::abs(utcOffset) / 60'000'000'000;
  if (minutes == 0) return "UTC";
  char text[32];
  std::snprintf(text, sizeof text, "UTC%c%02d:%02d", utcOffset < 0 ? '-' : '+',
                static_cast<int>(minutes / 60), static_cast<int>(minutes % 60));
  return text;
}

// A time without a zone is that of the node, or else UTC. It is not believed where it is outside of
// the run: its program has another zone, or has written it long before.
std::optional<LineTime> timeOfLine(const HtmlContext& context, const std::string& node,
                                   const Json& line) {
  if (auto wall = numberOf(line, "wall")) return LineTime{context.nodes.timeOf(node, *wall)};
  int64_t offset = context.nodes.utcOffsetOf(node).value_or(0);
  auto wall = run::localTimeIn(textOf(line, "text"), offset);
  if (!wall) return std::nullopt;
  int64_t at = context.nodes.timeOf(node, *wall);
  bool isInRun = at >= -kBesideRun && at <= context.at.length + kBesideRun;
  if (!isInRun) return std::nullopt;
  return LineTime{at, zoneText(offset)};
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
    std::string level = levelOf(line);
    Json at = nullptr;
    if (auto time = timeOfLine(context, node, line)) {
      at = time->at;
      bool isAssumed = !time->assumed.empty();
      if (isAssumed) ++context.parts.linesWithoutZone;
      context.parts.timeline.add(
          {.run = context.at.run,
           .group = node.empty() ? HtmlTimeline::kOther : context.nodeOf(node),
           .lane = "log",
           .begin = time->at,
           .end = time->at,
           .state = levelState(level),
           .text = isAssumed ? text + " (no zone: read as " + time->assumed + ")" : text,
           .test = place.test,
           .file = context.at.fileBase + place.file,
           .item = place.item});
    } else {
      ++context.parts.linesWithoutTime;
    }
    lines.push_back({at, level, numberOf(line, "number").value_or(0),
                     std::string(support::beginningOf(text, kHtmlTextBytesMax)),
                     node == logNode ? "" : node});
  }
  context.parts.linesCut += cut;
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
    plot["node"] = context.nodeOf(node);
    context.parts.plots.push_back(std::move(plot));
  }
}

// What the timeline and the page of the test show alike.
struct Shown {
  std::string title = {};
  std::vector<std::string> nodes = {};
  int64_t begin = run::Item::kNever;
  int64_t end = run::Item::kNever;
  SliceState state = SliceState::kPlain;
};

void addFault(HtmlContext& context, const Slice& slice, const std::vector<std::string>& nodes) {
  Json touched = Json::array();
  for (const std::string& node : nodes) touched.push_back(context.nodeOf(node));
  context.parts.faults.push_back({{"b", slice.begin},
                                  {"e", slice.end},
                                  {"t", slice.text},
                                  {"nodes", touched},
                                  {"s", static_cast<int>(slice.state)},
                                  {"test", slice.test},
                                  {"file", slice.file},
                                  {"item", slice.item}});
}

void addSlices(HtmlContext& context, const ItemPlace& place, const run::Item& item,
               const Shown& shown) {
  // An artifact is written down when its test is over, whatever it tells about.
  bool hasNoTime = item.begunAt == run::Item::kNever || item.kind == "artifact";
  if (hasNoTime || item.kind == "log" || item.kind == "series" || item.kind == "run") return;
  // A program that the runner tells of tells of itself, too.
  if (item.kind == "program" && context.run.runner() != nullptr && place.file > 0) return;
  int64_t end = shown.end < 0 ? context.at.length : shown.end;
  Slice slice{.run = context.at.run,
              .group = HtmlTimeline::kOther,
              .lane = laneOf(item.kind),
              .begin = shown.begin,
              .end = end,
              .state = shown.state,
              .text = shown.title,
              .test = place.test,
              .file = context.at.fileBase + place.file,
              .item = place.item};
  if (item.kind == "step" || item.kind == "program") slice.group = HtmlTimeline::kTests;
  if (item.kind == "fault") {
    slice.group = HtmlTimeline::kFaults;
    addFault(context, slice, shown.nodes);
  } else if (slice.group == HtmlTimeline::kOther && !shown.nodes.empty()) {
    for (const std::string& node : shown.nodes) {
      slice.group = context.nodeOf(node);
      context.parts.timeline.add(slice);
    }
    return;
  }
  context.parts.timeline.add(slice);
}

// Fields that the object of an item has in another form, or that are those of its lines.
bool isShownElsewhere(std::string_view name) {
  constexpr std::string_view kNames[] = {"argv", "node",     "nodes", "text", "because", "n", "at",
                                         "kind", "announce", "begin", "end",  "abort",   "in"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

// Most fields are copied as they are. Returns an empty text if there are none.
std::string furtherFields(HtmlContext& context, const RecordLine& fields) {
  JsonObject further;
  Json cut = Json::object();
  const std::vector<RecordLine::Field>& all = fields.fields();
  for (size_t i = 0; i < all.size(); ++i) {
    std::string_view name = all[i].name;
    auto hasName = [&](const RecordLine::Field& field) { return field.name == name; };
    auto next = all.begin() + static_cast<std::ptrdiff_t>(i) + 1;
    if (isShownElsewhere(name) || std::any_of(next, all.end(), hasName)) continue;
    // Escapes make a text longer here than it is.
    bool mayBeLong = all[i].json.size() > kHtmlTextBytesMax;
    std::string text = mayBeLong ? run::textOfJson(all[i].json) : std::string();
    if (text.size() <= kHtmlTextBytesMax) {
      further.json(name, all[i].json);
      continue;
    }
    size_t left = text.size() - kHtmlTextBytesMax;
    cut[std::string(name)] = left;
    context.parts.textBytesCut += left;
    further.text(name, support::endOf(text, kHtmlTextBytesMax));
  }
  if (!cut.empty()) further.value("cut", cut);
  return further.isEmpty() ? "" : further.done();
}

std::string listOf(const std::vector<std::string>& texts) {
  JsonList list;
  for (const std::string& text : texts) {
    std::string json;
    appendJsonText(json, text);
    list.add(json);
  }
  return list.done();
}

void addOwnParts(HtmlContext& context, const ItemPlace& place, const RecordLine& fields,
                 std::vector<Json> additions, JsonObject& object) {
  const run::RecordFile& file = context.run.files[static_cast<size_t>(place.file)];
  const run::Item& item = file.items()[static_cast<size_t>(place.item)];
  std::vector<std::string> nodes = nodesOf(fields);
  std::string node = nodes.empty() ? "" : nodes.front();
  if (item.kind == "log") object.value("l", linesOf(context, place, node, additions));
  if (item.kind == "series") takeSeries(context, fields.text("path"), node);
  if (item.kind == "artifact" || item.kind == "series") {
    object.value("art", context.artifacts.take(fields.text("path"), context.parts.blocks));
  }
  Json others = Json::array();
  for (Json& line : additions) {
    if (item.kind == "log" && textOf(line, "what") == "line") continue;
    others.push_back(htmlAddition(context, file, std::move(line)));
  }
  if (!others.empty()) object.value("a", others);
}

}  // namespace

void boundTexts(HtmlContext& context, Json& fields) {
  Json cut = Json::object();
  for (auto& [name, value] : fields.items()) {
    if (!value.is_string()) continue;
    const auto& text = value.get_ref<const std::string&>();
    if (text.size() <= kHtmlTextBytesMax) continue;
    cut[name] = text.size() - kHtmlTextBytesMax;
    context.parts.textBytesCut += text.size() - kHtmlTextBytesMax;
    value = std::string(support::endOf(text, kHtmlTextBytesMax));
  }
  if (!cut.empty()) fields["cut"] = std::move(cut);
}

Json htmlAddition(HtmlContext& context, const run::RecordFile& file, Json line) {
  line["at"] = context.run.timeOf(file, numberOf(line, "at").value_or(0));
  for (const char* name : {"n", "add"}) line.erase(name);
  int row = static_cast<int>(numberOf(line, "line").value_or(0));
  if (textOf(line, "what") == "failure" && row > 0) {
    Json source = context.parts.sources.around(textOf(line, "file"), row);
    if (!source.is_null()) line["source"] = std::move(source);
  }
  boundTexts(context, line);
  return line;
}

std::string htmlItem(HtmlContext& context, const ItemPlace& place, int parent) {
  const run::RecordFile& file = context.run.files[static_cast<size_t>(place.file)];
  const run::Item& item = file.items()[static_cast<size_t>(place.item)];
  RecordLine fields = file.plainFields(item);
  int64_t begun = item.begunAt != run::Item::kNever ? item.begunAt : item.announcedAt;
  Shown shown{.title = title(context, item.kind, fields),
              .nodes = nodesOf(fields),
              .begin = context.run.timeOf(file, begun),
              .end = context.run.timeOf(file, item.overAt),
              .state = stateOf(item, fields)};
  addSlices(context, place, item, shown);
  JsonObject object;
  object.number("p", parent)
      .text("i",
            std::to_string(context.at.fileBase + place.file) + "." + std::to_string(place.item))
      .text("k", item.kind)
      .text("t", shown.title)
      .number("b", shown.begin)
      .number("e", shown.end)
      .number("s", static_cast<int>(shown.state));
  if (!shown.nodes.empty()) object.json("n", listOf(shown.nodes));
  std::string because = item.because.empty() ? fields.text("because") : item.because;
  if (!because.empty()) object.text("w", because);
  addOwnParts(context, place, fields, additionsOf(file, item), object);
  std::string further = furtherFields(context, fields);
  if (!further.empty()) object.json("f", further);
  return object.done();
}

}  // namespace harness::report
