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

void HtmlSources::addDirectory(const std::string& directory) {
  std::error_code error;
  fs::path whole = fs::absolute(directory, error).lexically_normal();
  if (error || directory.empty()) return;
  // "build/." has an end that is no name.
  if (!whole.has_filename()) whole = whole.parent_path();
  auto add = [](std::vector<fs::path>& all, const fs::path& path) {
    if (std::find(all.begin(), all.end(), path) == all.end()) all.push_back(path);
  };
  add(directories_, whole);
  for (fs::path each = whole.parent_path(); each != each.root_path(); each = each.parent_path()) {
    add(above_, each);
  }
}

bool HtmlSources::read(const fs::path& path, Source& source) const {
  std::error_code error;
  if (!fs::is_regular_file(path, error) || fs::file_size(path, error) > kSourceBytesMax) {
    return false;
  }
  source.lines = linesOf(readIfPresent(path));
  source.isChanged = wall_ > 0 && changeOf(path) > wall_;
  return true;
}

// The longest end counts. A name alone is that of many files.
bool HtmlSources::findByEnd(const fs::path& file, Source& source) const {
  fs::path end = file.relative_path();
  while (std::distance(end.begin(), end.end()) > 1) {
    for (const auto* some : {&directories_, &above_}) {
      for (const fs::path& directory : *some) {
        if (!read(directory / end, source)) continue;
        source.found = (directory / end).string();
        return true;
      }
    }
    end = end.lexically_relative(*end.begin());
  }
  return false;
}

const HtmlSources::Source& HtmlSources::sourceOf(const std::string& file) {
  auto [place, isNew] = sources_.try_emplace(file);
  Source& source = place->second;
  if (!isNew || file.empty()) return source;
  fs::path path = fs::path(file).lexically_normal();
  if (path.is_absolute()) {
    if (read(path, source)) return source;
  } else {
    for (const fs::path& directory : directories_) {
      if (read(directory / path, source)) return source;
    }
  }
  findByEnd(path, source);
  return source;
}

Json HtmlSources::around(const std::string& file, int line) {
  const Source& source = sourceOf(file);
  int count = static_cast<int>(source.lines.size());
  if (line < 1 || line > count) return nullptr;
  int first = std::max(1, line - kLinesAround);
  int last = std::min(count, line + kLinesAround);
  Json around = {{"first", first}, {"changed", source.isChanged}};
  if (!source.found.empty()) around["found"] = support::printable(source.found);
  for (int i = first; i <= last; ++i) {
    around["lines"].push_back(source.lines[static_cast<size_t>(i - 1)]);
  }
  return around;
}

}  // namespace harness::report
