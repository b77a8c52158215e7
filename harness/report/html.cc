#include "harness/report/html.h"

#include <filesystem>
#include <memory>
#include <set>

#include "harness/os/files.h"
#include "harness/report/html_blocks.h"
#include "harness/report/html_index.h"
#include "harness/report/html_page.h"
#include "harness/report/html_run.h"
#include "harness/report/html_sources.h"

namespace harness::report {
namespace {

// Tests of one suite share a block, and small suites do, so that opening one test reads little.
constexpr size_t kSuiteBlockBytesMin = size_t{96} << 10;
constexpr size_t kBlockBytes = size_t{768} << 10;

// Where thousands of tests fail, those that fail first tell enough.
constexpr size_t kComparedMax = 200;
constexpr size_t kNewLinesMax = 500;

void replaceMark(std::string& page, const std::string& mark, std::string_view text) {
  page.replace(page.find(mark), mark.size(), text);
}

std::string escapedTitle(const std::string& text) {
  std::string escaped;
  for (char c : text) {
    if (c == '<') {
      escaped += "&lt;";
    } else if (c == '&') {
      escaped += "&amp;";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

// A run knows where it was started and where its programs are, mostly below their sources. The
// report may be made elsewhere.
void addDirectories(const MergedRuns& merged, const HtmlOptions& options, HtmlSources& sources) {
  for (const std::string& directory : options.sourceDirectories) sources.addDirectory(directory);
  for (const run::RunRecord& run : merged.runs) {
    for (const run::RecordFile& file : run.files) {
      for (const run::Item& item : file.items()) {
        if (item.kind != "run" && item.kind != "program") continue;
        run::RecordLine fields = file.plainFields(item);
        sources.addDirectory(fields.text("directory"));
        std::vector<std::string> argv = fields.texts("argv");
        if (!argv.empty()) sources.addDirectory(std::filesystem::path(argv[0]).parent_path());
      }
    }
  }
}

using Runs = std::vector<std::unique_ptr<HtmlRun>>;

Runs runsOf(const MergedRuns& merged, const HtmlOptions& options, const std::string& path,
            HtmlParts& parts) {
  Runs runs;
  HtmlRunPlace at;
  for (const run::RunRecord& run : merged.runs) {
    at.run = static_cast<int>(runs.size());
    at.length = merged.ends[runs.size()].length;
    runs.push_back(std::make_unique<HtmlRun>(
        parts, run, at, path,
        HtmlArtifacts::Limits{.bytesMax = options.artifactBytesMax,
                              .totalBytesMax = options.artifactsBytesMax}));
    at.fileBase += static_cast<int>(run.files.size());
  }
  return runs;
}

// Merged runs count from the begin of the first one.
void countFromOwnRun(run::Attempt& attempt, int64_t shift) {
  if (attempt.begin != run::Item::kNever) attempt.begin -= shift;
  if (attempt.end != run::Item::kNever) attempt.end -= shift;
}

class TestsWriter {
 public:
  TestsWriter(const MergedRuns& merged, const HtmlOptions& options, Runs& runs, HtmlBlocks& blocks)
      : merged_(merged), options_(options), runs_(runs), blocks_(blocks) {}

  Json write() {
    for (const Column& column : merged_.columns) {
      for (size_t i = 0; i < column.result.tests.size(); ++i) add(column, i);
    }
    return index_.toJson();
  }

 private:
  void add(const Column& column, size_t place) {
    run::TestResult test = column.result.tests[place];
    const std::vector<size_t>& runOfAttempt = column.runOfAttempt[place];
    if (suite_ != test.suite) blocks_.endBlockIfOver(kSuiteBlockBytesMin);
    blocks_.endBlockIfOver(kBlockBytes);
    suite_ = test.suite;
    Json newLines = newLinesOf(column, place);
    JsonList attempts;
    for (size_t i = 0; i < test.attempts.size(); ++i) {
      countFromOwnRun(test.attempts[i], merged_.shiftOf(runOfAttempt[i]));
      attempts.add(runs_[runOfAttempt[i]]->details().attempt(count_, test.attempts[i], test.id()));
    }
    // The page comes last: what it needs besides, such as artifacts, is in the blocks before it.
    std::string page = pageOf(test, runOfAttempt, attempts, newLines);
    index_.add(test, {.column = column.name, .run = runOfAttempt[decidingPlace(test)]},
               blocks_.add(page));
    ++count_;
  }

  std::string pageOf(const run::TestResult& test, const std::vector<size_t>& runOfAttempt,
                     JsonList& attempts, const Json& newLines) {
    Json object = {{"requirements", test.requirements},
                   {"file", test.file},
                   {"line", test.line},
                   {"because", test.because}};
    for (size_t run : std::set<size_t>(runOfAttempt.begin(), runOfAttempt.end())) {
      for (Json& each : runs_[run]->details().exonerationsOf(test.id())) {
        object["exonerated"].push_back(std::move(each));
      }
    }
    if (!newLines.is_null()) object["newLines"] = newLines;
    JsonObject whole;
    return whole.fieldsOf(dumped(object)).json("attempts", attempts.done()).done();
  }

  // The attempts of the test that decides are those that are compared: they are of one run.
  Json newLinesOf(const Column& column, size_t place) {
    const run::TestResult& test = column.result.tests[place];
    if (!options_.newLines || run::isGreen(test.outcome) || compared_ >= kComparedMax) return {};
    size_t run = column.runOfAttempt[place][decidingPlace(test)];
    run::TestResult own = test;
    own.attempts.clear();
    for (size_t i = 0; i < test.attempts.size(); ++i) {
      if (column.runOfAttempt[place][i] == run) own.attempts.push_back(test.attempts[i]);
    }
    std::optional<NewLines> found = options_.newLines(run, own);
    if (!found) return {};
    ++compared_;
    Json lines = Json::array();
    for (const LogPattern& line : found->lines) {
      if (lines.size() >= kNewLinesMax) break;
      lines.push_back({line.count, line.node, line.source, line.line});
    }
    return {{"run", found->comparedWith},
            {"lines", std::move(lines)},
            {"count", found->lines.size()},
            {"leftOut", found->leftOut}};
  }

  static size_t decidingPlace(const run::TestResult& test) {
    return static_cast<size_t>(&test.deciding() - test.attempts.data());
  }

  const MergedRuns& merged_;
  const HtmlOptions& options_;
  Runs& runs_;
  HtmlBlocks& blocks_;
  HtmlIndex index_;
  std::string suite_;
  int count_ = 0;
  size_t compared_ = 0;
};

Json outsideOf(Runs& runs, HtmlBlocks& blocks) {
  Json all = Json::array();
  for (const auto& run : runs) {
    for (size_t i = 0; i < run->record().files.size(); ++i) {
      blocks.endBlockIfOver(kBlockBytes);
      all.push_back(toJson(blocks.add(run->details().outside(static_cast<int>(i)))));
    }
  }
  return all;
}

Json nodesOf(const Runs& runs, const HtmlTimeline& timeline) {
  Json all = Json::array();
  for (const HtmlTimeline::Node& node : timeline.nodes()) {
    all.push_back(runs[static_cast<size_t>(node.run)]->nodes().toJson(node.name));
  }
  return all;
}

std::string titleOf(const MergedRuns& merged) {
  if (merged.runs.size() == 1) return "Muster run " + merged.runs.front().id;
  return std::to_string(merged.runs.size()) + " Muster runs";
}

std::string pageOf(const MergedRuns& merged, HtmlBlocks& index, HtmlBlocks& blocks,
                   size_t indexBytes) {
  std::string page(kPageShell);
  replaceMark(page, "@TITLE@", escapedTitle(titleOf(merged)));
  replaceMark(page, "@STYLE@", kPageStyle);
  replaceMark(page, "@INDEX_BYTES@", std::to_string(indexBytes));
  std::string packed;
  index.appendTo(packed);
  blocks.appendTo(packed);
  replaceMark(page, "@BLOCKS@", packed);
  replaceMark(page, "@SCRIPT@", kPageScript);
  return page;
}

}  // namespace

void writeHtml(const MergedRuns& merged, const HtmlOptions& options, const std::string& path) {
  HtmlBlocks blocks("b");
  HtmlTimeline timeline;
  HtmlSources sources(merged.wall);
  addDirectories(merged, options, sources);
  HtmlParts parts{.blocks = blocks, .timeline = timeline, .sources = sources};
  Runs runs = runsOf(merged, options, path, parts);
  Json all = TestsWriter(merged, options, runs, blocks).write();
  Json facts = htmlRunFacts(merged, sources);
  facts["outside"] = outsideOf(runs, blocks);
  facts["artifacts"] = {{"count", parts.artifacts.count},
                        {"inlined", parts.artifacts.inlined},
                        {"bytes", parts.artifacts.bytes}};
  facts["linesWithoutTime"] = parts.linesWithoutTime;
  facts["linesWithoutZone"] = parts.linesWithoutZone;
  facts["linesCut"] = parts.linesCut;
  facts["textBytesCut"] = parts.textBytesCut;
  Json head = timeline.write(blocks);
  facts["nodes"] = nodesOf(runs, timeline);
  head["faults"] = std::move(parts.faults);
  head["plots"] = std::move(parts.plots);
  facts["timeline"] = toJson(blocks.add(dumped(head)));
  facts["timelineCount"] = timeline.size();
  all["run"] = std::move(facts);
  std::string text = dumped(all);
  HtmlBlocks indexBlocks("i");
  indexBlocks.add(text);
  putFile(path, pageOf(merged, indexBlocks, blocks, text.size()), 0644);
}

}  // namespace harness::report
