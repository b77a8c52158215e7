#include "harness/report/log_patterns.h"

#include <re2/re2.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "harness/report/fields.h"
#include "schema/support/base/text.h"

namespace harness::report {
namespace {

using run::Item;
using run::RecordFile;

// A service that logs what it was sent has a new pattern on each line.
constexpr size_t kPatternsMax = 200'000;
constexpr size_t kLineBytesMax = 1000;

const RE2& changing() {
  // Longer forms come before those that are parts of them.
  static const RE2 kChanging(
      // A hardware address.
      R"(\b[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}\b|)"
      // 2026-12-01T02:45:01.25Z, 12:45:01,250 and "Dec  1 02:45:01".
      R"((?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? )?)"
      R"((?:(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +\d+,? )?)"
      R"((?:\d{4}[-/]\d\d[-/]\d\d[T ])?\d\d:\d\d:\d\d(?:[.,]\d+)?(?: ?Z|[+-]\d\d:?\d\d)?)"
      // A UUID.
      R"(|\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b)"
      // An IPv6 address, with a port or prefix length.
      R"(|\[?\b[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{0,4}){2,7}(?:/\d+)?\]?(?::\d+)?)"
      // An IPv4 address, with a port or prefix length.
      R"(|\b\d{1,3}(?:\.\d{1,3}){3}(?:[:/]\d+)?)"
      // Hexadecimal words: marked ones, and long ones such as hashes.
      R"(|\b0[xX][0-9a-fA-F]+\b|\b[0-9a-fA-F]{8,}\b)"
      // A number, also at the end of a name.
      R"(|\d+(?:\.\d+)*)");
  return kChanging;
}

class Gatherer {
 public:
  explicit Gatherer(const run::RunRecord& run) : run_(run) {}

  LogPatterns gather() {
    for (const RecordFile& file : run_.files) {
      for (const Item& item : file.items()) {
        bool isFile = item.kind == "artifact" && textOf(file.fields(item), "type") == "log";
        if (item.kind == "log" || isFile) takeLog(file, item);
      }
    }
    return std::move(all_);
  }

 private:
  void takeLog(const RecordFile& file, const Item& item) {
    Json fields = file.fields(item);
    std::string node = textOf(fields, "node");
    std::string path = textOf(fields, "path");
    std::string source = textOf(fields, "source");
    if (source.empty()) source = std::filesystem::path(path).filename();
    if (!path.empty() && takeFile(path, node, source)) return;
    for (const Json& line : file.additions(item, "line")) {
      std::string own = textOf(line, "node");
      take(textOf(line, "text"), own.empty() ? node : own, source);
    }
  }

  // Returns whether the log could be read. One that several tests name is read once.
  bool takeFile(const std::string& path, const std::string& node, const std::string& source) {
    std::filesystem::path whole = std::filesystem::path(run_.directory) / path;
    if (read_.count(whole.string()) != 0) return true;
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(whole, ignored)) return false;
    std::ifstream stream(whole);
    if (!stream) return false;
    read_.insert(whole.string());
    std::string line;
    while (std::getline(stream, line)) take(line, node, source);
    return true;
  }

  void take(const std::string& line, const std::string& node, const std::string& source) {
    if (line.empty()) return;
    ++all_.lines;
    std::string pattern = patternOf(line);
    auto found = all_.patterns.find(pattern);
    if (found == all_.patterns.end()) {
      if (all_.patterns.size() >= kPatternsMax) {
        ++all_.leftOut;
        return;
      }
      LogPattern made{.line = std::string(support::beginningOf(line, kLineBytesMax)),
                      .node = node,
                      .source = source};
      found = all_.patterns.emplace(std::move(pattern), std::move(made)).first;
    }
    ++found->second.count;
  }

  const run::RunRecord& run_;
  LogPatterns all_;
  std::set<std::string> read_;
};

}  // namespace

std::string patternOf(const std::string& line) {
  std::string pattern(support::beginningOf(line, kLineBytesMax));
  RE2::GlobalReplace(&pattern, changing(), "#");
  return pattern;
}

LogPatterns logPatternsOf(const run::RunRecord& run) {
  return Gatherer(run).gather();
}

}  // namespace harness::report
