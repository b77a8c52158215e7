#include <algorithm>
#include <vector>

#include <muster/node_error.h>
#include <muster/text_template.h>

#include "harness/values/failure_text.h"

namespace muster {
namespace {

bool isName(const std::string& word) {
  auto isLetter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  auto isRest = [&](char c) {
    return isLetter(c) || (c >= '0' && c <= '9') || c == '.' || c == '-';
  };
  return !word.empty() && isLetter(word[0]) && std::all_of(word.begin(), word.end(), isRest);
}

std::string trimmed(const std::string& text) {
  size_t begin = text.find_first_not_of(" \t");
  size_t end = text.find_last_not_of(" \t");
  return begin == std::string::npos ? "" : text.substr(begin, end - begin + 1);
}

bool isLiteral(const std::string& word) {
  return word.size() >= 2 && word.front() == '\'' && word.back() == '\'';
}

// Returns the place of the "}}" that ends what begins at `at`; those within quotes do not count.
size_t endOf(const std::string& text, size_t at) {
  bool isQuoted = false;
  for (; at + 1 < text.size(); ++at) {
    if (text[at] == '\'') isQuoted = !isQuoted;
    if (text[at] == '\n') break;
    if (!isQuoted && text[at] == '}' && text[at + 1] == '}') return at;
  }
  return std::string::npos;
}

[[noreturn]] void fail(NodeError::Kind kind, const std::string& operation, const std::string& why,
                       const std::source_location& where) {
  throw NodeError(kind, "", operation, why, 0, where);
}

}  // namespace

std::string renderTemplate(const std::string& text, const TemplateVariables& variables,
                           std::source_location where) {
  std::string rendered;
  size_t at = 0;
  for (size_t open = text.find("{{"); open != std::string::npos; open = text.find("{{", at)) {
    auto line =
        std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(open), '\n') + 1;
    std::string operation = "render line " + std::to_string(line) + " of a template";
    size_t close = endOf(text, open + 2);
    if (close == std::string::npos) {
      fail(NodeError::Kind::kInvalid, operation, "\"{{\" has no \"}}\" on its line", where);
    }
    std::string word = trimmed(text.substr(open + 2, close - open - 2));
    rendered += text.substr(at, open - at);
    at = close + 2;
    if (isLiteral(word)) {
      rendered += word.substr(1, word.size() - 2);
      continue;
    }
    if (!isName(word)) {
      fail(NodeError::Kind::kInvalid, operation,
           harness::inQuotes(word) + " is no name of a variable", where);
    }
    auto found = variables.find(word);
    if (found == variables.end()) {
      std::vector<std::string> names;
      for (const auto& [name, value] : variables) names.push_back(name);
      fail(NodeError::Kind::kInvalid, operation,
           "variable " + word + " is not defined; defined are: " +
               (names.empty() ? "none" : harness::joined(names, ", ")),
           where);
    }
    rendered += found->second;
  }
  return rendered + text.substr(at);
}

std::function<std::string(const std::string&)> replacing(const std::string& old,
                                                         const std::string& replacement,
                                                         std::source_location where) {
  return [=](const std::string& content) {
    std::string operation = "replace " + harness::inQuotes(old);
    if (old.empty())
      fail(NodeError::Kind::kInvalid, operation, "an empty text is everywhere", where);
    std::string changed;
    size_t at = 0;
    for (size_t found = content.find(old); found != std::string::npos;
         found = content.find(old, at)) {
      changed += content.substr(at, found - at) + replacement;
      at = found + old.size();
    }
    if (at == 0) fail(NodeError::Kind::kNotFound, operation, "the file does not have it", where);
    return changed + content.substr(at);
  };
}

std::function<std::string(const std::string&)> replacingLines(const std::string& beginning,
                                                              const std::string& line,
                                                              std::source_location where) {
  return [=](const std::string& content) {
    std::string changed;
    bool isFound = false;
    for (size_t at = 0; at < content.size();) {
      size_t end = std::min(content.find('\n', at), content.size());
      bool isIt = content.compare(at, beginning.size(), beginning) == 0;
      isFound = isFound || isIt;
      changed += isIt ? line : content.substr(at, end - at);
      if (end < content.size()) changed += '\n';
      at = end + 1;
    }
    if (!isFound) {
      fail(NodeError::Kind::kNotFound,
           "replace lines that begin with " + harness::inQuotes(beginning), "the file has none",
           where);
    }
    return changed;
  };
}

}  // namespace muster
