#include "tests_d/muster/tree/comments.h"

namespace tree {
namespace {

std::string markOf(const SourceFile& file) {
  if (endsWith(file.path, ".cc") || endsWith(file.path, ".h")) return "//";
  return endsWith(file.path, ".capnp") ? "#" : "";
}

// Reads line by line, since a raw string literal may go over many of them.
class Scanner {
 public:
  explicit Scanner(std::string mark) : mark_(std::move(mark)) {}

  // Where the comment of `line` begins, or npos. `code` becomes what stands before it, without the
  // content of string literals.
  size_t scan(const std::string& line, std::string& code) {
    code.clear();
    size_t at = skipRaw(line, 0);
    while (at < line.size()) {
      if (line.compare(at, mark_.size(), mark_) == 0) return at;
      bool isDigitGroup = at > 0 && line[at] == '\'' && isWord(line[at - 1]);
      if (startsRaw(line, at)) {
        code += "R\"\"";
        at = skipRaw(line, line.find('(', at) + 1);
      } else if (line[at] == '"' || (line[at] == '\'' && !isDigitGroup)) {
        code += std::string(2, line[at]);
        at = endOfLiteral(line, at);
      } else {
        code += line[at++];
      }
    }
    return std::string::npos;
  }

 private:
  static bool isWord(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

  bool startsRaw(const std::string& line, size_t at) {
    if (mark_ != "//" || line.compare(at, 2, "R\"") != 0) return false;
    size_t open = line.find('(', at);
    if (open == std::string::npos) return false;
    rawEnd_ = ")" + line.substr(at + 2, open - at - 2) + "\"";
    return true;
  }

  // Behind the raw string that is open, if there is one; the end of the line if it stays open.
  size_t skipRaw(const std::string& line, size_t from) {
    if (rawEnd_.empty()) return from;
    size_t end = line.find(rawEnd_, from);
    if (end == std::string::npos) return line.size();
    end += rawEnd_.size();
    rawEnd_.clear();
    return end;
  }

  static size_t endOfLiteral(const std::string& line, size_t begin) {
    for (size_t at = begin + 1; at < line.size(); ++at) {
      if (line[at] == '\\') {
        ++at;
      } else if (line[at] == line[begin]) {
        return at + 1;
      }
    }
    return line.size();
  }

  std::string mark_;
  std::string rawEnd_;  // Empty: no raw string literal is open.
};

}  // namespace

std::vector<Comment> commentsOf(const SourceFile& file) {
  std::vector<Comment> comments;
  std::string mark = markOf(file);
  if (mark.empty()) return comments;
  Scanner scanner(mark);
  size_t number = 0;
  bool continues = false;  // The line before was nothing but a comment.
  for (const std::string& line : linesOf(file.text)) {
    std::string code;
    size_t at = scanner.scan(line, code);
    bool standsAlone = code.find_first_not_of(' ') == std::string::npos;
    if (at != std::string::npos) {
      size_t begin = at + mark.size();
      if (begin < line.size() && line[begin] == ' ') ++begin;
      if (!continues || !standsAlone) comments.push_back({number, standsAlone, {}});
      comments.back().lines.push_back(line.substr(begin));
    }
    continues = at != std::string::npos && standsAlone;
    ++number;
  }
  return comments;
}

std::string withoutComments(const SourceFile& file, Literals literals) {
  Scanner scanner(markOf(file));
  std::string text;
  for (const std::string& line : linesOf(file.text)) {
    std::string code;
    size_t at = scanner.scan(line, code);
    if (literals == Literals::kKept) code = line.substr(0, at);
    text += code.substr(0, code.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

}  // namespace tree
