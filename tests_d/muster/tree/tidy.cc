#include "tests_d/muster/tree/tidy.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

namespace tree {
namespace {

constexpr size_t kHeaderLinesMax = 250;
constexpr size_t kSourceLinesMax = 500;
constexpr size_t kTestFileLinesMax = 600;
constexpr size_t kSchemaLinesMax = 250;
constexpr size_t kFunctionLinesMax = 70;
constexpr size_t kTestBodyLinesMax = 40;
constexpr size_t kLineCharactersMax = 100;
constexpr size_t kSchemaLineCharactersMax = 120;
constexpr size_t kBannerLines = 20;

bool isCode(const std::string& path) {
  return endsWith(path, ".cc") || endsWith(path, ".h");
}

bool isTest(const std::string& path) {
  return endsWith(path, "_test.cc") || path.find("/test_") != std::string::npos;
}

size_t fileLinesMax(const std::string& path) {
  if (endsWith(path, ".capnp")) return kSchemaLinesMax;
  if (endsWith(path, ".h")) return kHeaderLinesMax;
  return isTest(path) ? kTestFileLinesMax : kSourceLinesMax;
}

bool givesReason(const std::vector<std::string>& lines) {
  auto end = lines.begin() + static_cast<long>(std::min(kBannerLines, lines.size()));
  return std::any_of(lines.begin(), end, [](const std::string& line) {
    return line.find("Over budget:") != std::string::npos;
  });
}

// Characters of UTF-8, which is how clang-format counts.
size_t charactersOf(const std::string& line) {
  return static_cast<size_t>(std::count_if(line.begin(), line.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

std::string at(const SourceFile& file, size_t line) {
  return file.path + ":" + std::to_string(line + 1) + ": ";
}

// Adds a complaint if `lines` is over `max` and the file does not say why, or is far over.
void checkCount(const SourceFile& file, size_t line, const std::string& what, size_t count,
                size_t max, bool reasonGiven, Complaints& complaints) {
  if (count <= max || (reasonGiven && count <= 2 * max)) return;
  complaints.push_back(at(file, line) + what + " of " + std::to_string(count) + " lines; at most " +
                       std::to_string(max));
}

// clang-format leaves a function at namespace level beginning in column 0 and ending with "}" in
// column 0.
void checkFunctions(const SourceFile& file, const std::vector<std::string>& lines, bool reasonGiven,
                    Complaints& complaints) {
  static const std::regex kTestHead("TEST(_F|_P)?\\(");
  static const std::regex kNoFunction("(namespace|class|struct|union|enum|extern) ?.*");
  for (size_t line = 0; line < lines.size(); ++line) {
    const std::string& head = lines[line];
    if (head.empty() || !std::isalpha(static_cast<unsigned char>(head[0]))) continue;
    if (std::regex_match(head, kNoFunction) || head.find('(') == std::string::npos) continue;
    size_t open = line;
    while (open < lines.size() && !endsWith(lines[open], "{") && !endsWith(lines[open], ";") &&
           !endsWith(lines[open], "}")) {
      ++open;
    }
    if (open == lines.size() || !endsWith(lines[open], "{")) continue;
    size_t close = open + 1;
    while (close < lines.size() && !startsWith(lines[close], "}")) ++close;
    bool test = std::regex_search(head, kTestHead, std::regex_constants::match_continuous);
    checkCount(file, line, test ? "test body" : "function", close - open - 1,
               test ? kTestBodyLinesMax : kFunctionLinesMax, reasonGiven, complaints);
    line = close;
  }
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

std::vector<SourceFile> readTree(const std::string& root) {
  namespace fs = std::filesystem;
  std::vector<SourceFile> files;
  for (auto it = fs::recursive_directory_iterator(root); it != fs::recursive_directory_iterator();
       ++it) {
    std::string name = it->path().filename().string();
    if (it->is_directory() && (name == "build" || (name[0] == '.' && name != ".cmake"))) {
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

Complaints checkBudgets(const SourceFile& file) {
  Complaints complaints;
  bool schema = endsWith(file.path, ".capnp");
  if (!schema && !isCode(file.path)) return complaints;
  std::vector<std::string> lines = linesOf(file.text);
  bool reasonGiven = givesReason(lines);
  checkCount(file, 0, "file", lines.size(), fileLinesMax(file.path), reasonGiven, complaints);
  size_t charactersMax = schema ? kSchemaLineCharactersMax : kLineCharactersMax;
  for (size_t line = 0; line < lines.size(); ++line) {
    bool unbreakable =
        lines[line].find("R\"") != std::string::npos || startsWith(lines[line], "#include");
    if (charactersOf(lines[line]) > charactersMax && !unbreakable && !isTest(file.path)) {
      complaints.push_back(at(file, line) + "line of " + std::to_string(charactersOf(lines[line])) +
                           " characters; at most " + std::to_string(charactersMax));
    }
  }
  if (endsWith(file.path, ".cc")) checkFunctions(file, lines, reasonGiven, complaints);
  return complaints;
}

Complaints checkBannedWords(const SourceFile& file) {
  Complaints complaints;
  if (!isCode(file.path) || startsWith(file.path, "tests_d/muster/tree/")) return complaints;
  static const std::regex kSleep("\\b(u?sleep|nanosleep|sleep_for|sleep_until)\\s*\\(");
  static const std::regex kUnfinished("TODO\\(now\\)|\\bFIXME\\b|\\bXXX\\b");
  bool maySleep = startsWith(file.path, "nodeagent/os/") || endsWith(file.path, "/eventually.cc") ||
                  startsWith(file.path, "bench/");
  std::vector<std::string> lines = linesOf(file.text);
  for (size_t line = 0; line < lines.size(); ++line) {
    if (!maySleep && std::regex_search(lines[line], kSleep)) {
      complaints.push_back(at(file, line) + "sleeps; wait for a condition, with a bound");
    }
    if (std::regex_search(lines[line], kUnfinished)) {
      complaints.push_back(at(file, line) + "is marked as unfinished; finish it");
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
        complaints.push_back(at(file, line) + "test name \"" + name +
                             "\"; a clause in TitleCase without \"_\"");
      }
    }
  }
  return complaints;
}

}  // namespace tree
