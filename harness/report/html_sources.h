// Reads the lines of sources around a place, for the HTML report.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <unordered_map>
#include <vector>

#include "harness/report/fields.h"

namespace harness::report {

class HtmlSources {
 public:
  // `wall` is the run's begin in nanoseconds: a source that was changed later may have other lines.
  explicit HtmlSources(int64_t wall) : wall_(wall) {}

  // Sources are looked for below this directory from now on, and below those that it is in: a run
  // may have been started in a directory of builds. A file that is not where it was compiled, such
  // as one of a tree that was moved, is found by the end of its path, of which a directory is part.
  void addDirectory(const std::string& directory);

  // Lines before and behind the place.
  static constexpr int kLinesAround = 4;

  // Returns `first` (the number of the first line), `lines`, `changed` if the file is newer than
  // the run, and `found` (its path now) if it was found by the end of its path. Null: there is no
  // such file, or no such line in it.
  Json around(const std::string& file, int line);

 private:
  struct Source {
    std::vector<std::string> lines = {};
    bool isChanged = false;
    // Empty: it is where the record says.
    std::string found = {};
  };

  const Source& sourceOf(const std::string& file);

  bool read(const std::filesystem::path& path, Source& source) const;
  bool findByEnd(const std::filesystem::path& file, Source& source) const;

  // Those that were added, and those that they are in.
  std::vector<std::filesystem::path> directories_;
  std::vector<std::filesystem::path> above_;
  int64_t wall_;
  std::unordered_map<std::string, Source> sources_;
};

}  // namespace harness::report
