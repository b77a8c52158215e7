// Reads the lines of sources around a place, for the HTML report.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "harness/report/fields.h"

namespace harness::report {

class HtmlSources {
 public:
  // `wall` is the run's begin in nanoseconds: a source that was changed later may have other lines.
  HtmlSources(std::vector<std::string> directories, int64_t wall)
      : directories_(std::move(directories)), wall_(wall) {}

  // Lines before and behind the place.
  static constexpr int kLinesAround = 4;

  // Returns `first` (the number of the first line), `lines`, and `changed` if the file is newer
  // than the run. Null: there is no such file, or no such line in it.
  Json around(const std::string& file, int line);

 private:
  struct Source {
    std::vector<std::string> lines = {};
    bool isChanged = false;
  };

  const Source& sourceOf(const std::string& file);

  std::vector<std::string> directories_;
  int64_t wall_;
  std::unordered_map<std::string, Source> sources_;
};

}  // namespace harness::report
