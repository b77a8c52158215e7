#include "harness/os/shell_words.h"

namespace harness {

std::optional<std::vector<std::string>> shellWords(const std::string& text) {
  std::vector<std::string> words;
  bool isInWord = false;
  char quote = 0;
  auto add = [&](char c) {
    if (!isInWord) words.emplace_back();
    isInWord = true;
    words.back() += c;
  };
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    bool isBlank = c == ' ' || c == '\t' || c == '\n';
    if (c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
      // A pair of quotes is a word, also if nothing is in it.
      if (!isInWord) words.emplace_back();
      isInWord = true;
    } else if (c == '\\' && quote != '\'' && i + 1 < text.size()) {
      add(text[++i]);
    } else if (isBlank && quote == 0) {
      isInWord = false;
    } else {
      add(c);
    }
  }
  if (quote != 0) return std::nullopt;
  return words;
}

std::string shellWord(const std::string& word) {
  constexpr char kPlain[] =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+=:@,%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string quoted = "'";
  for (char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace harness
