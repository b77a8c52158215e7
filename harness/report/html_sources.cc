#include "harness/report/html_sources.h"

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "harness/os/files.h"
#include "schema/support/base/text.h"

namespace harness::report {
namespace {

namespace fs = std::filesystem;

// What is larger is no source of a test.
constexpr uintmax_t kSourceBytesMax = 4u << 20;
constexpr size_t kLineBytesMax = 400;

std::vector<std::string> linesOf(const std::string& content) {
  std::vector<std::string> lines;
  size_t begin = 0;
  while (begin < content.size()) {
    size_t end = std::min(content.find('\n', begin), content.size());
    std::string_view line = std::string_view(content).substr(begin, end - begin);
    lines.push_back(
        support::printable(support::beginningOf(line, kLineBytesMax), support::Lines::kMany));
    begin = end + 1;
  }
  return lines;
}

int64_t changeOf(const fs::path& path) {
  std::error_code error;
  fs::file_time_type time = fs::last_write_time(path, error);
  if (error) return 0;
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::file_clock::to_sys(time).time_since_epoch())
      .count();
}

}  // namespace

const HtmlSources::Source& HtmlSources::sourceOf(const std::string& file) {
  auto [place, isNew] = sources_.try_emplace(file);
  if (!isNew || file.empty()) return place->second;
  std::vector<fs::path> candidates;
  if (fs::path(file).is_absolute()) {
    candidates.emplace_back(file);
  } else {
    for (const std::string& directory : directories_)
      candidates.push_back(fs::path(directory) / file);
  }
  for (const fs::path& path : candidates) {
    std::error_code error;
    if (!fs::is_regular_file(path, error) || fs::file_size(path, error) > kSourceBytesMax) continue;
    place->second.lines = linesOf(readIfPresent(path));
    place->second.isChanged = wall_ > 0 && changeOf(path) > wall_;
    break;
  }
  return place->second;
}

Json HtmlSources::around(const std::string& file, int line) {
  const Source& source = sourceOf(file);
  int count = static_cast<int>(source.lines.size());
  if (line < 1 || line > count) return nullptr;
  int first = std::max(1, line - kLinesAround);
  int last = std::min(count, line + kLinesAround);
  Json around = {{"first", first}, {"changed", source.isChanged}};
  for (int i = first; i <= last; ++i) {
    around["lines"].push_back(source.lines[static_cast<size_t>(i - 1)]);
  }
  return around;
}

}  // namespace harness::report
