// Headers: parameters that say at the call what they mean, and public headers that are a manual.
#include <algorithm>
#include <regex>

#include "tests_d/muster/tree/comments.h"

namespace tree {
namespace {

constexpr size_t kManualPercentMin = 30;

// The parenthesis that opens the list in which `at` stands, or npos.
size_t openingOf(const std::string& text, size_t at) {
  int depth = 0;
  while (at > 0) {
    char c = text[--at];
    if (c == ')') ++depth;
    if (c == '(' && depth-- == 0) return at;
  }
  return std::string::npos;
}

// The word that ends before `end`: a function's name where `end` is its parenthesis.
std::string wordBefore(const std::string& text, size_t end) {
  size_t begin = end;
  while (begin > 0 && (std::isalnum(static_cast<unsigned char>(text[begin - 1])) ||
                       text[begin - 1] == '_' || text[begin - 1] == '~')) {
    --begin;
  }
  return text.substr(begin, end - begin);
}

// In "log(Field("retained", true))" the value of a field is what the word says.
constexpr char kValueHome[] = "schema/support/base/log.h";

// A setter says what is meant, an operator and a lambda have no name that could; and the type of a
// function ("std::function<void(bool isLast)>") is used where its parameter is named again.
bool mayTakeBool(const std::string& text, size_t open, size_t parameter, size_t end) {
  std::string name = wordBefore(text, open);
  bool isOnly = text.find_first_not_of(" \n", open + 1) == parameter && text[end] == ')';
  if (isOnly && startsWith(name, "set")) return true;
  bool isLambda = open > 0 && text[open - 1] == ']';
  bool isOperator = text.find("operator", text.find_last_of(";{}", open) + 1) < open;
  bool isType = open > name.size() && text[open - name.size() - 1] == '<';
  return isLambda || isOperator || isType;
}

}  // namespace

Complaints checkParameters(const SourceFile& file) {
  Complaints complaints;
  if (!endsWith(file.path, ".h") || file.path == kValueHome) return complaints;
  static const std::regex kParameter("\\bbool (\\w+)(?: = (?:true|false))?(?=[,)])");
  std::string text = withoutComments(file, Literals::kEmptied);
  for (auto it = std::sregex_iterator(text.begin(), text.end(), kParameter);
       it != std::sregex_iterator(); ++it) {
    auto begin = static_cast<size_t>(it->position());
    size_t open = openingOf(text, begin);
    size_t end = begin + static_cast<size_t>(it->length());
    if (open == std::string::npos || mayTakeBool(text, open, begin, end)) continue;
    auto line = std::count(text.begin(), text.begin() + it->position(), '\n');
    complaints.push_back(placeOf(file, static_cast<size_t>(line)) + "\"bool " + (*it)[1].str() +
                         "\" says nothing at the call; an enum class of two values does");
  }
  return complaints;
}

Complaints checkManual(const SourceFile& file) {
  Complaints complaints;
  if (!startsWith(file.path, "harness/include/muster/")) return complaints;
  static const std::regex kCode("^ {2,}\\S.*[;{})]$");
  size_t count = 0;
  bool hasExample = false;
  for (const Comment& comment : commentsOf(file)) {
    if (!comment.standsAlone) continue;
    count += comment.lines.size();
    hasExample = hasExample || std::any_of(comment.lines.begin(), comment.lines.end(),
                                           [](const std::string& line) {
                                             return std::regex_search(line, kCode);
                                           });
  }
  size_t percent = 100 * count / std::max<size_t>(1, linesOf(file.text).size());
  if (percent < kManualPercentMin) {
    complaints.push_back(placeOf(file, 0) + std::to_string(percent) +
                         " % of its lines are comments of their own; a manual has at least " +
                         std::to_string(kManualPercentMin));
  }
  if (!hasExample) {
    complaints.push_back(placeOf(file, 0) +
                         "shows no example; indent its code by two blanks in a comment");
  }
  return complaints;
}

Complaints checkInitialisers(const SourceFile& file) {
  Complaints complaints;
  if (!startsWith(file.path, "harness/include/muster/")) return complaints;
  static const std::regex kMember("^ +([A-Za-z][^={};]*[ >&*])([a-z]\\w*);$");
  static const std::regex kOther("^(?:using|friend|static|struct|class|enum|return)\\b");
  // What an open brace belongs to, by its line, and whether that has a constructor.
  struct Block {
    std::string head;
    bool isBuilt = false;
  };
  std::vector<Block> open;
  std::vector<std::string> lines = linesOf(withoutComments(file, Literals::kEmptied));
  for (size_t i = 0; i < lines.size(); ++i) {
    std::string line = lines[i].substr(0, lines[i].find_last_not_of(' ') + 1);
    std::smatch member;
    bool isInStruct = !open.empty() && startsWith(open.back().head, "struct ");
    if (isInStruct && line.find(open.back().head.substr(7) + "(") != std::string::npos) {
      open.back().isBuilt = true;
    }
    if (isInStruct && !open.back().isBuilt && std::regex_match(line, member, kMember) &&
        !std::regex_search(member[1].str(), kOther) && member[2] != "const" &&
        member[2] != "noexcept") {
      complaints.push_back(placeOf(file, i) + "\"" + member[2].str() +
                           "\" has no value by default; write \"= {}\" behind it");
    }
    for (char c : line) {
      if (c == '{') {
        size_t begin = std::min(line.find_first_not_of(' '), line.size());
        open.push_back({line.substr(begin, line.find_first_of(" {", begin + 7) - begin)});
      }
      if (c == '}' && !open.empty()) open.pop_back();
    }
  }
  return complaints;
}

}  // namespace tree
