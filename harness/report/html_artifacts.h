// Decides which artifacts of a run become part of its HTML report: small ones, within a total. The
// others are linked, and it says why. It reads nothing outside of the run's directory.
#pragma once

#include <filesystem>
#include <string>

#include "harness/report/fields.h"
#include "harness/report/html_blocks.h"

namespace harness::report {

class HtmlArtifacts {
 public:
  struct Limits {
    size_t bytesMax = 0;
    size_t totalBytesMax = 0;
  };

  // Those of all runs of the report: how many there were, how many of them are part of the report,
  // and their bytes.
  struct Totals {
    size_t count = 0;
    size_t inlined = 0;
    size_t bytes = 0;
  };

  // `directory` is the run's, and `report` the file that is written. `totals` must outlive this.
  HtmlArtifacts(std::string directory, std::string report, Limits limits, Totals& totals);

  // Returns `bytes` (its size), and either `extent` (its content in the blocks) or `link` and
  // `why`. `path` is relative to the run's directory.
  Json take(const std::string& path, HtmlBlocks& blocks);

 private:
  Json linked(const std::filesystem::path& file, const std::string& why) const;

  std::filesystem::path directory_;
  std::filesystem::path report_;
  Limits limits_;
  Totals& totals_;
};

}  // namespace harness::report
