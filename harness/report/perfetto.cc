#include "harness/report/perfetto.h"

#include <algorithm>
#include <map>
#include <set>

#include "harness/report/fields.h"
#include "harness/report/perfetto_track.h"
#include "harness/report/run_facts.h"

namespace harness::report {
namespace {

using run::Item;
using run::RecordFile;

// Returns a text as it is, and another value as JSON.
std::string shownValueOf(const Json& fields, const char* name) {
  auto found = fields.find(name);
  bool isOther = found != fields.end() && !found->is_string();
  return isOther ? dumped(*found) : textOf(fields, name);
}

std::vector<std::string> nodesOf(const Json& fields) {
  std::vector<std::string> nodes = textsOf(fields, "nodes");
  std::string one = textOf(fields, "node");
  if (nodes.empty() && !one.empty()) nodes = {one};
  return nodes;
}

std::string nameOf(const Item& item, const Json& fields) {
  if (item.kind == "test") return textOf(fields, "suite") + "." + textOf(fields, "name");
  if (item.kind == "command") {
    std::string words;
    for (const std::string& word : textsOf(fields, "argv")) {
      words += (words.empty() ? "" : " ") + word;
    }
    return words.empty() ? item.kind : words;
  }
  std::string text = textOf(fields, "text");
  return text.empty() ? item.kind : text;
}

// The tracks of a node below its own.
const std::vector<std::pair<std::string, std::string>> kNodeTracks = {
    {"fault", "faults"}, {"command", "commands"}, {"call", "calls"}, {"wait", "waits"}};

// By how much the clock of a node was before ours.
struct Reading {
  // CLOCK_BOOTTIME of the trace.
  int64_t time = 0;
  uint32_t clock = 0;
  int64_t offset = 0;
};

// All runs are shown on the clock of the one that began first, apart by their wall clocks.
int64_t baseOf(const MergedRuns& merged) {
  for (const run::RunRecord& run : merged.runs) {
    if (run.wall == merged.wall) return run.files.front().clock();
  }
  return 0;
}

class RunTracks {
 public:
  RunTracks(TraceWriter& writer, const MergedRuns& merged, size_t place, uint32_t& nextClock)
      : writer_(writer), run_(merged.runs[place]), nextClock_(nextClock) {
    begin_ = baseOf(merged) + merged.shiftOf(place);
    length_ = run::resultOf(run_).length;
    gather();
  }

  const std::vector<Reading>& readings() const { return readings_; }

  void write() {
    uint64_t root = writer_.addTrack("run " + run_.id);
    uint64_t tests = writer_.addTrack("tests", root);
    for (auto& [program, slices] : programs_) {
      writer_.addSlices(writer_.addTrack(program, tests), std::move(slices), Overlap::kNests);
    }
    if (!faults_.empty()) {
      writer_.addSlices(writer_.addTrack("faults", root), std::move(faults_), Overlap::kByChance);
    }
    for (const std::string& node : nodeOrder_) addNode(root, node);
  }

 private:
  struct Node {
    // By the kind of their items.
    std::map<std::string, std::vector<TraceSlice>> slices = {};
    struct Instant {
      int64_t time = 0;
      uint32_t clock = kClockBoottime;
      std::string name = {};
      Annotations annotations = {};
    };
    // By the name of their track.
    std::map<std::string, std::vector<Instant>> instants = {};
    // 0: nothing is known of its clock.
    uint32_t clock = 0;
  };

  int64_t timeOf(const RecordFile& file, int64_t at) const {
    return begin_ + run_.timeOf(file, at);
  }

  Node& nodeOf(const std::string& name) {
    auto [found, isNew] = nodes_.try_emplace(name);
    if (isNew) nodeOrder_.push_back(name);
    return found->second;
  }

  // The clocks come first: lines of logs are placed by them.
  void gather() {
    for (const RecordFile& file : run_.files) {
      for (const Item& item : file.items()) {
        if (item.kind == "node") takeNode(file, item);
        if (item.kind == "test" && !tellsOfOthers(file)) recorded_.insert(testKeyOf(file, item));
      }
    }
    for (const RecordFile& file : run_.files) {
      for (const Item& item : file.items()) takeItem(file, item);
    }
  }

  void takeNode(const RecordFile& file, const Item& item) {
    Node& node = nodeOf(textOf(file.fields(item), "node"));
    for (const Json& line : file.additions(item)) {
      std::string what = textOf(line, "what");
      int64_t at = numberOf(line, "at").value_or(0);
      if (what == "clock") {
        if (node.clock == 0) node.clock = nextClock_++;
        readings_.push_back({timeOf(file, at), node.clock, numberOf(line, "offset").value_or(0)});
      } else if (what == "lost" || what == "found") {
        node.instants["connection"].push_back(
            {.time = timeOf(file, at),
             .name = what,
             .annotations = {{"because", textOf(line, "because")}}});
      }
    }
  }

  void takeItem(const RecordFile& file, const Item& item) {
    Json fields = file.fields(item);
    if (item.kind == "log") takeLog(file, item, fields);
    if (item.begunAt == Item::kNever) return;
    TraceSlice slice = sliceOf(file, item, fields);
    if (item.kind == "test" || item.kind == "step") {
      // A test of which its program has a record is on the track of the program only.
      bool isTwice = tellsOfOthers(file) && recorded_.count(testKeyOf(file, item)) != 0;
      if (!isTwice) programs_[file.name()].push_back(slice);
      return;
    }
    if (item.kind == "fault") faults_.push_back(slice);
    auto isTrack = [&](const auto& track) { return track.first == item.kind; };
    if (std::none_of(kNodeTracks.begin(), kNodeTracks.end(), isTrack)) return;
    std::vector<std::string> nodes = nodesOf(fields);
    // What names no node is shown, too.
    if (nodes.empty()) nodes = {"no node"};
    for (const std::string& node : nodes) nodeOf(node).slices[item.kind].push_back(slice);
  }

  TraceSlice sliceOf(const RecordFile& file, const Item& item, const Json& fields) const {
    TraceSlice slice{.begin = timeOf(file, item.begunAt),
                     .end = begin_ + length_,
                     .name = nameOf(item, fields),
                     .category = item.kind};
    if (item.overAt != Item::kNever) slice.end = timeOf(file, item.overAt);
    slice.end = std::max(slice.end, slice.begin);
    for (const char* name : {"outcome", "because", "error", "exit", "signal", "faultKind",
                             "attempt", "repeat", "user", "directory", "out", "err"}) {
      slice.annotations.emplace_back(name, shownValueOf(fields, name));
    }
    if (!item.because.empty()) slice.annotations.emplace_back("aborted", item.because);
    if (item.overAt == Item::kNever) slice.annotations.emplace_back("end", "not recorded");
    // Reading a line costs as much as all else here, and commands are many.
    if (item.kind != "test") return slice;
    for (const Json& line : file.additions(item, "failure")) {
      slice.annotations.emplace_back("failure", textOf(line, "text"));
    }
    return slice;
  }

  // Times of lines are those of the node's clock. Without one that is known, a line stands where it
  // was read.
  void takeLog(const RecordFile& file, const Item& item, const Json& fields) {
    for (const Json& line : file.additions(item, "line")) {
      std::string name = textOf(line, "node");
      Node& node = nodeOf(name.empty() ? textOf(fields, "node") : name);
      int64_t wall = numberOf(line, "wall").value_or(0);
      bool isPlaced = wall > 0 && node.clock != 0;
      std::string track = "log " + textOf(fields, "source");
      node.instants[track].push_back(
          {.time = isPlaced ? wall : timeOf(file, numberOf(line, "at").value_or(0)),
           .clock = isPlaced ? node.clock : kClockBoottime,
           .name = textOf(line, "text"),
           .annotations = {{"level", textOf(line, "level")},
                           {"line", shownValueOf(line, "number")}}});
    }
  }

  void addNode(uint64_t root, const std::string& name) {
    Node& node = nodes_[name];
    uint64_t track = writer_.addTrack(name == "no node" ? name : "node " + name, root);
    for (const auto& [kind, title] : kNodeTracks) {
      auto found = node.slices.find(kind);
      if (found == node.slices.end()) continue;
      writer_.addSlices(writer_.addTrack(title, track), std::move(found->second),
                        Overlap::kByChance);
    }
    for (const auto& [title, instants] : node.instants) {
      uint64_t own = writer_.addTrack(title, track);
      for (const Node::Instant& instant : instants) {
        writer_.addInstant(own, instant.time, instant.clock, instant.name,
                           title == "connection" ? "node" : "log", instant.annotations);
      }
    }
  }

  TraceWriter& writer_;
  const run::RunRecord& run_;
  uint32_t& nextClock_;
  // CLOCK_BOOTTIME of the trace at the run's begin, and the run's length.
  int64_t begin_ = 0;
  int64_t length_ = 0;
  // The attempts that programs have recorded.
  std::set<std::string> recorded_;
  std::map<std::string, std::vector<TraceSlice>> programs_;
  std::vector<TraceSlice> faults_;
  std::map<std::string, Node> nodes_;
  std::vector<std::string> nodeOrder_;
  std::vector<Reading> readings_;
};

// The reader of a trace refuses snapshots that are not in the order of time.
void addClocks(TraceWriter& writer, const MergedRuns& merged, std::vector<Reading> readings) {
  int64_t base = baseOf(merged);
  writer.addClocks({{kClockBoottime, base}, {kClockRealtime, merged.wall}});
  std::stable_sort(readings.begin(), readings.end(),
                   [](const Reading& one, const Reading& other) { return one.time < other.time; });
  for (const Reading& reading : readings) {
    int64_t wall = merged.wall + reading.time - base;
    writer.addClocks({{kClockBoottime, reading.time},
                      {kClockRealtime, wall},
                      {reading.clock, wall + reading.offset}});
  }
}

}  // namespace

std::string perfettoTrace(const MergedRuns& merged, const FormatOptions& options) {
  static_cast<void>(options);
  TraceWriter writer;
  uint32_t nextClock = kClockOfNodes;
  std::vector<RunTracks> runs;
  std::vector<Reading> readings;
  for (size_t i = 0; i < merged.runs.size(); ++i) {
    runs.emplace_back(writer, merged, i, nextClock);
    const std::vector<Reading>& own = runs.back().readings();
    readings.insert(readings.end(), own.begin(), own.end());
  }
  addClocks(writer, merged, std::move(readings));
  for (RunTracks& run : runs) run.write();
  return writer.take();
}

}  // namespace harness::report
