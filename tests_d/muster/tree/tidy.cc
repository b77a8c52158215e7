#include "tests_d/muster/tree/tidy.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

namespace tree {
namespace {

// Where time may pass without a condition: the helpers that all others call, the agent's seam to
// the system, the benchmarks, and programs whose business is to live for a while.
bool isHomeOfWaits(const std::string& path) {
  static const std::vector<std::string> kHomes = {
      "nodeagent/os/",
      "harness/os/wait.",
      "harness/values/look_again.cc",
      "tests_d/muster/support/wait.h",
      "tests_d/muster/robustness/escape_",
      "tests_d/muster/robustness/programs/",
      "bench/",
  };
  return std::any_of(kHomes.begin(), kHomes.end(),
                     [&](const std::string& home) { return startsWith(path, home); });
}

}  // namespace

bool endsWith(const std::string& text, const std::string& suffix) {
  return text.size() >= suffix.size() &&
         text.compare(text.size() - suffix.size(), suffix.size(), suffix) == 0;
}

bool startsWith(const std::string& text, const std::string& prefix) {
  return text.compare(0, prefix.size(), prefix) == 0;
}

std::vector<std::string> linesOf(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// Characters of UTF-8, which is how clang-format counts.
size_t charactersOf(const std::string& line) {
  return static_cast<size_t>(std::count_if(line.begin(), line.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

bool isCode(const std::string& path) {
  return endsWith(path, ".cc") || endsWith(path, ".h");
}

std::string placeOf(const SourceFile& file, size_t line) {
  return file.path + ":" + std::to_string(line + 1) + ": ";
}

std::vector<SourceFile> readTree(const std::string& root) {
  namespace fs = std::filesystem;
  std::vector<SourceFile> files;
  for (auto it = fs::recursive_directory_iterator(root); it != fs::recursive_directory_iterator();
       ++it) {
    std::string name = it->path().filename().string();
    // The contract of a released version stays as it was.
    bool isOurs =
        name != "build" && (name[0] != '.' || name == ".cmake") && name.rfind("contract-", 0) != 0;
    if (it->is_directory() && !isOurs) {
      it.disable_recursion_pending();
      continue;
    }
    if (!it->is_regular_file()) continue;
    std::ifstream stream(it->path(), std::ios::binary);
    std::ostringstream text;
    text << stream.rdbuf();
    files.push_back({fs::relative(it->path(), root).string(), text.str()});
  }
  std::sort(files.begin(), files.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
  return files;
}

Complaints checkBannedWords(const SourceFile& file) {
  Complaints complaints;
  if (!isCode(file.path) || startsWith(file.path, "tests_d/muster/tree/")) return complaints;
  static const std::regex kSleep(
      "\\b(u?sleep|(?:clock_)?nanosleep|sleep_for|sleep_until)\\s*\\(|"
      "\\bp?poll\\s*\\(\\s*(nullptr|NULL|0|\\{\\})\\s*,|"
      "\\bp?select\\s*\\(\\s*0\\s*,");
  static const std::regex kUnfinished("TODO\\(now\\)|\\bFIXME\\b|\\bXXX\\b");
  bool maySleep = isHomeOfWaits(file.path);
  std::vector<std::string> lines = linesOf(file.text);
  for (size_t line = 0; line < lines.size(); ++line) {
    bool mayMatch = lines[line].find("sleep") != std::string::npos ||
                    lines[line].find("poll") != std::string::npos ||
                    lines[line].find("select") != std::string::npos;
    if (!maySleep && mayMatch && std::regex_search(lines[line], kSleep)) {
      complaints.push_back(placeOf(file, line) + "sleeps; wait for a condition, with a bound");
    }
    if (std::regex_search(lines[line], kUnfinished)) {
      complaints.push_back(placeOf(file, line) + "is marked as unfinished; finish it");
    }
  }
  return complaints;
}

Complaints checkTestNames(const SourceFile& file) {
  Complaints complaints;
  if (!endsWith(file.path, ".cc")) return complaints;
  static const std::regex kTest("^TEST(?:_F|_P)?\\((\\w+),\\s*(\\w+)\\)");
  static const std::regex kTitleCase("[A-Z][A-Za-z0-9]*");
  std::vector<std::string> lines = linesOf(file.text);
  for (size_t line = 0; line < lines.size(); ++line) {
    std::smatch match;
    if (!std::regex_search(lines[line], match, kTest)) continue;
    for (const std::string& name : {match[1].str(), match[2].str()}) {
      if (!std::regex_match(name, kTitleCase) && !startsWith(name, "DISABLED_")) {
        complaints.push_back(placeOf(file, line) + "test name \"" + name +
                             "\"; a clause in TitleCase without \"_\"");
      }
    }
  }
  return complaints;
}

}  // namespace tree
