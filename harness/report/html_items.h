// Makes the HTML report's form of one item of a record: an object for the page of its test, and
// what the timeline shows of it. It does not know how items belong together (html_details.h).
#pragma once

#include <string>
#include <unordered_set>

#include "harness/report/fields.h"
#include "harness/report/html_artifacts.h"
#include "harness/report/html_blocks.h"
#include "harness/report/html_nodes.h"
#include "harness/report/html_sources.h"
#include "harness/report/html_timeline.h"
#include "harness/run/run_record.h"

namespace harness::report {

// What the items of all runs of a report add to.
struct HtmlParts {
  HtmlBlocks& blocks;
  HtmlTimeline& timeline;
  HtmlSources& sources;
  HtmlArtifacts::Totals artifacts = {};

  // Faults and plots, which the page needs at once, and what has no place in the timeline.
  Json faults = Json::array();
  Json plots = Json::array();
  size_t linesWithoutTime = 0;

  // Those whose zone is assumed.
  size_t linesWithoutZone = 0;
  size_t linesCut = 0;
  size_t textBytesCut = 0;
};

// What the items of one run need. All of it lives as long as the report is made.
struct HtmlContext {
  HtmlParts& parts;
  const run::RunRecord& run;
  HtmlRunPlace at;
  HtmlNodes& nodes;
  HtmlArtifacts& artifacts;
  std::unordered_set<std::string> seriesRead = {};

  int nodeOf(const std::string& name) { return parts.timeline.nodeOf(at.run, name); }
};

// Where an item stands: its file is one of its run.
struct ItemPlace {
  int file = 0;
  int item = 0;

  // The place of its test in the report; -1: none.
  int test = -1;
};

// The most of one text, and of a log's lines, that the report has. It says what it leaves out.
inline constexpr size_t kHtmlTextBytesMax = 64 * 1024;
inline constexpr size_t kHtmlLogLinesMax = 20'000;

// Returns the JSON text of an object: `p` is `parent`, `i` the item's id, `k` its kind,
// `t` its text, `n` its nodes, `b` and `e` its begin and end, `s` a SliceState, `w` why it has no
// end, `f` further fields, `a` what was added to it, `l` the lines of a log, `art` an artifact.
std::string htmlItem(HtmlContext& context, const ItemPlace& place, int parent);

// Returns a failure or another addition with its time, and with the source lines around its place.
Json htmlAddition(HtmlContext& context, const run::RecordFile& file, Json line);

// Cuts long texts, and says in `cut` how many bytes each has lost.
void boundTexts(HtmlContext& context, Json& fields);

}  // namespace harness::report
