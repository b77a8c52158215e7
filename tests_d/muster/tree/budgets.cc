// Sizes: lines of files, functions and test bodies, characters of lines.
#include <algorithm>
#include <regex>

#include "tests_d/muster/tree/comments.h"

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

// Adds a complaint if `count` is over `max` and the file does not say why, or is far over.
void checkCount(const SourceFile& file, size_t line, const std::string& what, size_t count,
                size_t max, Complaints& complaints) {
  if (count <= max || (givesReason(linesOf(file.text)) && count <= 2 * max)) return;
  complaints.push_back(placeOf(file, line) + what + " of " + std::to_string(count) +
                       " lines; at most " + std::to_string(max));
}

struct Block {
  std::string head;  // What stands before the brace, on one or more lines.
  size_t open;       // The line that ends with the brace.
};

// The declaration that begins in `line`, if it ends with an opening brace; otherwise `open` is its
// last line and `head` is empty.
Block blockAt(const std::vector<std::string>& lines, size_t line) {
  Block block{"", line};
  for (; block.open < lines.size(); ++block.open) {
    const std::string& text = lines[block.open];
    block.head += text + " ";
    if (endsWith(text, "{")) return block;
    // A statement, a block that is closed again, a label, a line of a macro.
    if (text.find_last_of(";}:\\") + 1 == text.size() && !text.empty()) break;
  }
  block.head.clear();
  block.open = std::min(block.open, lines.size() - 1);
  return block;
}

// clang-format leaves a block's closing brace at the indentation of its head.
size_t closingOf(const std::vector<std::string>& lines, size_t open, size_t indentation) {
  std::string closing = std::string(indentation, ' ') + "}";
  size_t close = open + 1;
  while (close < lines.size() && !startsWith(lines[close], closing)) ++close;
  return close;
}

}  // namespace

Complaints checkBudgets(const SourceFile& file) {
  Complaints complaints;
  bool schema = endsWith(file.path, ".capnp");
  if (!schema && !isCode(file.path)) return complaints;
  std::vector<std::string> lines = linesOf(file.text);
  checkCount(file, 0, "file", lines.size(), fileLinesMax(file.path), complaints);
  size_t charactersMax = schema ? kSchemaLineCharactersMax : kLineCharactersMax;
  for (size_t line = 0; line < lines.size(); ++line) {
    bool unbreakable =
        lines[line].find("R\"") != std::string::npos || startsWith(lines[line], "#include");
    if (charactersOf(lines[line]) > charactersMax && !unbreakable && !isTest(file.path)) {
      complaints.push_back(placeOf(file, line) + "line of " +
                           std::to_string(charactersOf(lines[line])) + " characters; at most " +
                           std::to_string(charactersMax));
    }
  }
  return complaints;
}

// Walks over declarations: what is inside of a namespace or a class is looked at in turn, what is
// inside of any other block belongs to it.
Complaints checkFunctions(const SourceFile& file) {
  Complaints complaints;
  if (!isCode(file.path)) return complaints;
  static const std::regex kTestHead("TEST(_F|_P)?\\(");
  static const std::regex kScope("(?:template <.*> )?(?:namespace|class|struct|union|extern)\\b.*");
  std::vector<std::string> lines = linesOf(withoutComments(file, Literals::kEmptied));
  for (size_t line = 0; line < lines.size(); ++line) {
    size_t indentation = lines[line].find_first_not_of(' ');
    if (indentation == std::string::npos) continue;
    char first = lines[line][indentation];
    if (!std::isalpha(static_cast<unsigned char>(first)) && first != '~' && first != '[') continue;
    Block block = blockAt(lines, line);
    bool hasParameters = block.head.find('(') != std::string::npos;
    std::string head = block.head.empty() ? "" : block.head.substr(indentation);
    bool isScope = !head.empty() && !hasParameters && std::regex_match(head, kScope);
    size_t close = block.open;
    if (!head.empty() && !isScope) {
      close = closingOf(lines, block.open, indentation);
      bool test = std::regex_search(head, kTestHead, std::regex_constants::match_continuous);
      if (hasParameters) {
        checkCount(file, line, test ? "test body" : "function", close - block.open - 1,
                   test ? kTestBodyLinesMax : kFunctionLinesMax, complaints);
      }
    }
    line = close;
  }
  return complaints;
}

}  // namespace tree
