#include "harness/report/log_patterns.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "harness/report/fields.h"
#include "harness/run/normalised_text.h"
#include "harness/run/run_directory.h"
#include "schema/support/base/text.h"

namespace harness::report {
namespace {

using run::Item;
using run::RecordFile;

// A service that logs what it was sent has a new pattern on each line.
constexpr size_t kPatternsMax = 200'000;
constexpr size_t kLineBytesMax = 1000;

class Gatherer {
 public:
  explicit Gatherer(const run::RunRecord& run) : run_(run) {}

  LogPatterns gather() {
    for (const RecordFile& file : run_.files) {
      for (const Item& item : file.items()) {
        if (isLog(file, item)) takeLog(file, item);
      }
    }
    return std::move(all_);
  }

  // An item stands behind the one that it belongs to.
  void takeAttempt(const run::Attempt& attempt) {
    if (attempt.file < 0 || attempt.item < 0) return;
    const RecordFile& file = run_.files[static_cast<size_t>(attempt.file)];
    const std::vector<Item>& items = file.items();
    for (auto i = static_cast<size_t>(attempt.item) + 1; i < items.size(); ++i) {
      int within = items[i].in;
      while (within > attempt.item) within = items[static_cast<size_t>(within)].in;
      if (within == attempt.item && isLog(file, items[i])) takeLog(file, items[i]);
    }
  }

  LogPatterns taken() { return std::move(all_); }

 private:
  static bool isLog(const RecordFile& file, const Item& item) {
    if (item.kind == "log") return true;
    if (item.kind != "artifact") return false;
    std::string type = file.plainFields(item).text("type");
    return type == "log" || type == run::kLogLinesType;
  }

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
    std::string pattern = run::normalisedText(line, kLineBytesMax);
    auto found = all_.patterns.find(pattern);
    if (found == all_.patterns.end()) {
      if (all_.patterns.size() >= kPatternsMax) {
        ++all_.leftOut;
        return;
      }
      LogPattern made{.line = std::string(support::beginningOf(line, kLineBytesMax)),
                      .node = node,
                      .source = source};
      made.order = all_.lines;
      found = all_.patterns.emplace(std::move(pattern), std::move(made)).first;
    }
    ++found->second.count;
  }

  const run::RunRecord& run_;
  LogPatterns all_;
  std::set<std::string> read_;
};

}  // namespace

LogPatterns logPatternsOf(const run::RunRecord& run) {
  return Gatherer(run).gather();
}

LogPatterns logPatternsOf(const run::RunRecord& run, const run::TestResult& test, Attempts which) {
  Gatherer gatherer(run);
  for (const run::Attempt& attempt : test.attempts) {
    bool isWanted = run::isGreen(attempt.outcome) == (which == Attempts::kGreen);
    if (isWanted) gatherer.takeAttempt(attempt);
  }
  return gatherer.taken();
}

NewLines newLinesOf(const LogPatterns& failed, const LogPatterns& green) {
  NewLines found{.leftOut = failed.leftOut + green.leftOut};
  for (const auto& [pattern, line] : failed.patterns) {
    if (green.patterns.count(pattern) == 0) found.lines.push_back(line);
  }
  std::sort(found.lines.begin(), found.lines.end(),
            [](const auto& one, const auto& other) { return one.order < other.order; });
  return found;
}

}  // namespace harness::report
