#include "harness/report/format.h"

#include <algorithm>
#include <filesystem>

#include "harness/report/csv.h"
#include "harness/report/json.h"
#include "harness/report/junit.h"
#include "harness/report/markdown.h"
#include "harness/report/perfetto.h"
#include "harness/report/requirements.h"
#include "harness/report/tap.h"

namespace harness::report {

const std::vector<Format>& formats() {
  static const std::vector<Format> kFormats = {
      {"junit", "junit.xml", "JUnit XML, for Jenkins and GitLab", junitText},
      {"json", "report.json", "one JSON document", jsonText},
      {"tap", "report.tap", "TAP 13 and 14", tapText},
      {"markdown", "report.md", "a summary in Markdown, for a pull request", markdownText},
      {"csv", "attempts.csv", "a row for each attempt of a test", csvText},
      {"perfetto", "trace.pftrace", "a trace for ui.perfetto.dev", perfettoTrace, false},
      {"requirements-csv", "requirements.csv", "a row for each requirement of each test",
       requirementsCsv},
      {"requirements-markdown", "requirements.md", "requirements and their tests in Markdown",
       requirementsMarkdown},
  };
  return kFormats;
}

const Format* findFormat(const std::string& name) {
  auto found = std::find_if(formats().begin(), formats().end(),
                            [&](const Format& format) { return name == format.name; });
  return found == formats().end() ? nullptr : &*found;
}

std::string pathOf(const RunFacts& run, const Artifact& artifact, const FormatOptions& options) {
  namespace fs = std::filesystem;
  fs::path path = fs::absolute(fs::path(run.directory) / artifact.path).lexically_normal();
  if (options.base.empty()) return path.string();
  fs::path relative = path.lexically_relative(fs::absolute(options.base).lexically_normal());
  bool isBelow = !relative.empty() && *relative.begin() != "..";
  return isBelow ? relative.string() : path.string();
}

}  // namespace harness::report
