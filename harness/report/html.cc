#include "harness/report/html.h"

#include "harness/os/files.h"
#include "harness/report/html_artifacts.h"
#include "harness/report/html_blocks.h"
#include "harness/report/html_details.h"
#include "harness/report/html_index.h"
#include "harness/report/html_nodes.h"
#include "harness/report/html_page.h"
#include "harness/report/html_sources.h"
#include "harness/report/html_timeline.h"

namespace harness::report {
namespace {

// Tests of one suite share a block, and small suites do, so that opening one test reads little.
constexpr size_t kSuiteBlockBytesMin = size_t{96} << 10;
constexpr size_t kBlockBytes = size_t{768} << 10;

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

void addTests(HtmlDetails& details, const run::RunResult& result, HtmlBlocks& blocks,
              HtmlIndex& index) {
  const run::TestResult* last = nullptr;
  for (size_t i = 0; i < result.tests.size(); ++i) {
    const run::TestResult& test = result.tests[i];
    if (last != nullptr && last->suite != test.suite) blocks.endBlockIfOver(kSuiteBlockBytesMin);
    blocks.endBlockIfOver(kBlockBytes);
    // The page comes last: what it needs besides, such as artifacts, is in the blocks before it.
    std::string page = dumped(details.test(static_cast<int>(i)));
    index.add(test, blocks.add(page));
    last = &test;
  }
}

Json outsideOf(HtmlDetails& details, const run::RunRecord& run, HtmlBlocks& blocks) {
  Json all = Json::array();
  for (size_t i = 0; i < run.files.size(); ++i) {
    blocks.endBlockIfOver(kBlockBytes);
    std::string items = dumped(details.outside(static_cast<int>(i)));
    all.push_back(toJson(blocks.add(items)));
  }
  return all;
}

std::string pageOf(const run::RunRecord& run, HtmlBlocks& index, HtmlBlocks& blocks,
                   size_t indexBytes) {
  std::string page(kPageShell);
  replaceMark(page, "@TITLE@", escapedTitle("Muster run " + run.id));
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

void writeHtml(const run::RunRecord& run, const run::RunResult& result, const HtmlOptions& options,
               const std::string& path) {
  HtmlBlocks blocks("b");
  HtmlTimeline timeline;
  HtmlNodes nodes(run, result.length, timeline);
  HtmlSources sources(options.sourceDirectories, run.wall);
  HtmlArtifacts artifacts(
      run.directory, path,
      {.bytesMax = options.artifactBytesMax, .totalBytesMax = options.artifactsBytesMax});
  HtmlContext context{.run = run,
                      .length = result.length,
                      .blocks = blocks,
                      .timeline = timeline,
                      .nodes = nodes,
                      .sources = sources,
                      .artifacts = artifacts};
  HtmlDetails details(context, result);
  HtmlIndex index;
  addTests(details, result, blocks, index);
  Json facts = htmlRunFacts(run, result, sources);
  facts["outside"] = outsideOf(details, run, blocks);
  facts["artifacts"] = artifacts.summary();
  facts["linesWithoutTime"] = context.linesWithoutTime;
  facts["linesCut"] = context.linesCut;
  facts["textBytesCut"] = context.textBytesCut;
  Json head = timeline.write(blocks);
  facts["nodes"] = nodes.toJson(timeline.nodes());
  head["faults"] = std::move(context.faults);
  head["plots"] = std::move(context.plots);
  facts["timeline"] = toJson(blocks.add(dumped(head)));
  facts["timelineCount"] = timeline.size();
  Json all = index.toJson();
  all["run"] = std::move(facts);
  std::string text = dumped(all);
  HtmlBlocks indexBlocks("i");
  indexBlocks.add(text);
  putFile(path, pageOf(run, indexBlocks, blocks, text.size()), 0644);
}

}  // namespace harness::report
