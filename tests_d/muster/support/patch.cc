#include "tests_d/muster/support/patch.h"

#include <sstream>

namespace muster_tests {
namespace {

constexpr char kNewFile[] = "+++ b/";

bool startsWith(const std::string& text, const std::string& prefix) {
  return text.compare(0, prefix.size(), prefix) == 0;
}

[[noreturn]] void fail(size_t line, const std::string& what) {
  throw PatchError("line " + std::to_string(line) + ": " + what);
}

// Tells whether a line is one of those that git writes before the name of a changed file.
bool isPreamble(const std::string& line) {
  return startsWith(line, "diff --git ") || startsWith(line, "index ") ||
         startsWith(line, "--- a/");
}

void addToHunk(Hunk& hunk, size_t number, const std::string& line) {
  // Editors and mailers cut the blank from an empty line of context.
  char kind = line.empty() ? ' ' : line[0];
  std::string text = (line.empty() ? "" : line.substr(1)) + "\n";
  if (kind != ' ' && kind != '-' && kind != '+') fail(number, "neither context nor change");
  if (kind != '+') hunk.before += text;
  if (kind != '-') hunk.after += text;
}

void requireChanges(const Patch& patch, size_t line) {
  if (patch.changes.empty()) fail(line, "no file is changed");
  for (const FileChange& change : patch.changes) {
    if (change.hunks.empty()) fail(line, "no hunk for " + change.path);
    for (const Hunk& hunk : change.hunks) {
      if (hunk.before.empty()) fail(hunk.line, "the hunk has no line to be found by");
      if (hunk.before == hunk.after) fail(hunk.line, "the hunk changes nothing");
    }
  }
}

size_t countOf(const std::string& part, const std::string& text) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

}  // namespace

Patch parsePatch(const std::string& text) {
  Patch patch;
  std::istringstream lines(text);
  size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    bool inHunk = !patch.changes.empty() && !patch.changes.back().hunks.empty();
    if (number == 1 && startsWith(line, "# ")) {
      patch.comment = line.substr(2);
    } else if (startsWith(line, kNewFile)) {
      patch.changes.push_back({line.substr(sizeof kNewFile - 1), {}});
    } else if (startsWith(line, "@@ ")) {
      if (patch.changes.empty()) fail(number, "a hunk before the name of its file");
      patch.changes.back().hunks.push_back({number, "", ""});
    } else if (inHunk && !isPreamble(line)) {
      addToHunk(patch.changes.back().hunks.back(), number, line);
    } else if (!isPreamble(line)) {
      fail(number, "belongs to no hunk");
    }
  }
  requireChanges(patch, number);
  return patch;
}

std::string changed(const FileChange& change, const std::string& source) {
  // A line break before the first line lets the search for a hunk begin with one, so that only
  // whole lines are found.
  std::string text = "\n" + source;
  for (const Hunk& hunk : change.hunks) {
    std::string before = "\n" + hunk.before;
    size_t count = countOf(before, text);
    if (count != 1) {
      fail(hunk.line, "these lines stand " + std::to_string(count) + " times in " + change.path +
                          ", must be once:" + before);
    }
    text.replace(text.find(before), before.size(), "\n" + hunk.after);
  }
  return text.substr(1);
}

}  // namespace muster_tests
