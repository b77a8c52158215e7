#include "harness/selection/list_file.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include "harness/os/error.h"
#include "harness/os/files.h"
#include "harness/selection/error.h"
#include "schema/support/base/suggestion.h"

namespace harness::selection {
namespace {

using Kind = Selector::Kind;

// The options that a line may begin with, as on the command line.
constexpr std::pair<const char*, Kind> kOptions[] = {
    {"-t", Kind::kTest},       {"--test", Kind::kTest},
    {"-d", Kind::kDirectory},  {"--directory", Kind::kDirectory},
    {"-L", Kind::kLabel},      {"--label", Kind::kLabel},
    {"--owner", Kind::kOwner}, {"--requirement", Kind::kRequirement},
    {"-E", Kind::kExpression}, {"--expression", Kind::kExpression},
};

[[noreturn]] void fail(const std::string& place, const std::string& problem) {
  throw SelectionError(SelectionError::Kind::kSelector, place + ": " + problem);
}

std::string trimmed(const std::string& text) {
  constexpr char kBlank[] = " \t\r\v\f";
  size_t begin = text.find_first_not_of(kBlank);
  return begin == std::string::npos ? ""
                                    : text.substr(begin, text.find_last_not_of(kBlank) + 1 - begin);
}

// A comment begins with # at the begin of a line or behind a blank, since names may have one.
std::string withoutComment(const std::string& line) {
  for (size_t at = line.find('#'); at != std::string::npos; at = line.find('#', at + 1)) {
    if (at == 0 || line[at - 1] == ' ' || line[at - 1] == '\t') return line.substr(0, at);
  }
  return line;
}

// An expression may stand in quotation marks, as in a shell.
std::string withoutQuotes(const std::string& text) {
  bool isQuoted = text.size() > 1 && (text[0] == '\'' || text[0] == '"') && text.back() == text[0];
  return isQuoted ? text.substr(1, text.size() - 2) : text;
}

Selector selectorOf(const std::string& line, const std::string& place) {
  if (line[0] != '-') {
    if (line.find_first_of(" \t") != std::string::npos) {
      fail(place, "\"" + line + "\" has white space; each selector stands on a line of its own");
    }
    return {Kind::kWord, line, place};
  }
  size_t end = std::min(line.find_first_of(" \t="), line.size());
  std::string name = line.substr(0, end);
  std::vector<std::string> known;
  for (const auto& [option, kind] : kOptions) {
    known.emplace_back(option);
    if (name != option) continue;
    std::string value = end == line.size() ? "" : withoutQuotes(trimmed(line.substr(end + 1)));
    if (value.empty()) fail(place, name + ": the value is missing");
    return {kind, value, place};
  }
  fail(place, "there is no selector \"" + name + "\"" + support::suggestion(name, known));
}

}  // namespace

std::vector<Selector> parseListFile(const std::string& path, const std::string& content) {
  std::vector<Selector> selectors;
  std::istringstream lines(content);
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    std::string text = trimmed(withoutComment(line));
    if (text.empty()) continue;
    selectors.push_back(selectorOf(text, path + ":" + std::to_string(number)));
  }
  if (selectors.empty()) fail(path, "there is no selector in it; one is expected on each line");
  return selectors;
}

std::vector<Selector> readListFile(const std::string& path) {
  try {
    return parseListFile(path, readFile(path));
  } catch (const SystemError& error) {
    throw SelectionError(SelectionError::Kind::kInput, std::string("--list-file: ") + error.what());
  }
}

}  // namespace harness::selection
