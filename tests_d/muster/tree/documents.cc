// Documents: their examples are compiled somewhere, and their links lead somewhere.
#include <algorithm>
#include <regex>

#include "tests_d/muster/tree/tidy.h"

namespace tree {
namespace {

std::string trimmed(const std::string& line) {
  size_t begin = line.find_first_not_of(' ');
  return begin == std::string::npos ? ""
                                    : line.substr(begin, line.find_last_not_of(' ') - begin + 1);
}

// Without indentation and blank lines, so that a snippet may show a part of a body.
std::string condensed(const std::vector<std::string>& lines) {
  std::string text = "\n";
  for (const std::string& line : lines) {
    std::string content = trimmed(line);
    if (!content.empty()) text += content + "\n";
  }
  return text;
}

struct Block {
  size_t line;
  std::string language;
  std::vector<std::string> lines;
};

std::vector<Block> blocksOf(const std::vector<std::string>& lines) {
  std::vector<Block> blocks;
  bool open = false;
  for (size_t line = 0; line < lines.size(); ++line) {
    if (startsWith(lines[line], "```")) {
      if (!open) blocks.push_back({line, trimmed(lines[line].substr(3)), {}});
      open = !open;
    } else if (open) {
      blocks.back().lines.push_back(lines[line]);
    }
  }
  return blocks;
}

// "a/b/../c" → "a/c".
std::string normalized(const std::string& path) {
  std::vector<std::string> parts;
  size_t begin = 0;
  while (begin <= path.size()) {
    size_t end = std::min(path.find('/', begin), path.size());
    std::string part = path.substr(begin, end - begin);
    if (part == ".." && !parts.empty()) {
      parts.pop_back();
    } else if (!part.empty() && part != ".") {
      parts.push_back(part);
    }
    begin = end + 1;
  }
  std::string result;
  for (const std::string& part : parts) result += (result.empty() ? "" : "/") + part;
  return result;
}

bool leadsSomewhere(const std::string& target, const std::vector<SourceFile>& files) {
  return std::any_of(files.begin(), files.end(), [&](const SourceFile& file) {
    return file.path == target || startsWith(file.path, target + "/");
  });
}

void checkLinks(const SourceFile& document, const std::vector<std::string>& lines,
                const std::vector<SourceFile>& files, Complaints& complaints) {
  static const std::regex kLink("\\]\\(([^)#:]+)(#[^)]*)?\\)");
  std::string directory = document.path.substr(0, document.path.find_last_of('/') + 1);
  bool isCode = false;
  for (size_t line = 0; line < lines.size(); ++line) {
    if (startsWith(lines[line], "```")) isCode = !isCode;
    if (isCode) continue;  // A lambda looks like a link.
    for (auto it = std::sregex_iterator(lines[line].begin(), lines[line].end(), kLink);
         it != std::sregex_iterator(); ++it) {
      std::string target = normalized(directory + (*it)[1].str());
      if (leadsSomewhere(target, files)) continue;
      complaints.push_back(document.path + ":" + std::to_string(line + 1) + ": links to \"" +
                           (*it)[1].str() + "\"; no such file in the tree");
    }
  }
}

}  // namespace

Complaints checkDocument(const SourceFile& document, const std::vector<SourceFile>& files) {
  Complaints complaints;
  std::vector<std::string> lines = linesOf(document.text);
  checkLinks(document, lines, files, complaints);
  bool isFollowed = startsWith(document.path, "docs/internals/adding-");  // By docs_follow_test.
  for (const Block& block : blocksOf(lines)) {
    if (block.language != "cpp" || isFollowed) continue;
    std::string wanted = condensed(block.lines);
    bool found = std::any_of(files.begin(), files.end(), [&](const SourceFile& file) {
      return startsWith(file.path, "tests_d/") && endsWith(file.path, ".cc") &&
             condensed(linesOf(file.text)).find(wanted) != std::string::npos;
    });
    if (!found) {
      complaints.push_back(document.path + ":" + std::to_string(block.line + 1) +
                           ": example stands in no test; quote one from tests_d");
    }
  }
  return complaints;
}

}  // namespace tree
