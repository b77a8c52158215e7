// Gathers what the HTML report has of one of its runs, and knows nothing of the others. Times count
// from the begin of the run: runs of several topologies may lie days apart.
#pragma once

#include <string>

#include "harness/report/html_details.h"

namespace harness::report {

class HtmlRun {
 public:
  // `report` is the file that is written. `parts` and `run` must outlive this.
  HtmlRun(HtmlParts& parts, const run::RunRecord& run, const HtmlRunPlace& at,
          const std::string& report, HtmlArtifacts::Limits limits)
      : nodes_(run, at, parts.timeline),
        artifacts_(run.directory, report, limits, parts.artifacts),
        context_{.parts = parts, .run = run, .at = at, .nodes = nodes_, .artifacts = artifacts_},
        details_(context_) {}
  HtmlRun(const HtmlRun&) = delete;
  HtmlRun& operator=(const HtmlRun&) = delete;

  const run::RunRecord& record() const { return context_.run; }
  const HtmlNodes& nodes() const { return nodes_; }
  HtmlDetails& details() { return details_; }

 private:
  HtmlNodes nodes_;
  HtmlArtifacts artifacts_;
  HtmlContext context_;
  HtmlDetails details_;
};

}  // namespace harness::report
