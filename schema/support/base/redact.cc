#include "schema/support/base/redact.h"

#include <ctype.h>

#include <algorithm>
#include <array>

namespace support {
namespace {

constexpr std::string_view kMark = "<secret>";

constexpr std::array<std::string_view, 16> kKeywords = {
    "password",   "passwd",    "passphrase",  "secret",     "token",  "apikey",
    "api_key",    "api-key",   "access_key",  "access-key", "bearer", "authorization",
    "credential", "accesskey", "private_key", "private-key"};

constexpr std::array<std::string_view, 8> kPrefixes = {"ghp_",   "gho_",  "ghs_",  "github_pat_",
                                                       "glpat-", "xoxb-", "xoxp-", "npm_"};

bool isWord(char c) {
  return isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
}
bool isBlank(char c) {
  return c == ' ' || c == '\t' || c == '\n';
}
bool endsValue(char c) {
  return isBlank(c) || c == '"' || c == '\'' || c == ';' || c == '&' || c == ',' || c == ')';
}

// The first characters are compared first: redacted() looks at every character of a text, and few
// begin anything.
bool startsHere(std::string_view text, size_t at, std::string_view lower) {
  if (text.size() - at < lower.size() || (text[at] | 0x20) != (lower[0] | 0x20)) return false;
  for (size_t i = 0; i < lower.size(); ++i) {
    if (tolower(static_cast<unsigned char>(text[at + i])) != lower[i]) return false;
  }
  return true;
}

// Says whether a letter begins any keyword. Most do not, and the table below lets them pass without
// a comparison: redacted() looks at every character of every log line.
constexpr bool beginsKeyword(char c) {
  char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  for (std::string_view keyword : kKeywords) {
    if (keyword[0] == lower) return true;
  }
  return false;
}
constexpr auto kBeginsKeyword = [] {
  std::array<bool, 256> begins{};
  for (size_t c = 0; c < begins.size(); ++c) begins[c] = beginsKeyword(static_cast<char>(c));
  return begins;
}();

std::string_view keywordAt(std::string_view text, size_t at) {
  if (at >= text.size() || !kBeginsKeyword[static_cast<unsigned char>(text[at])]) return "";
  for (std::string_view keyword : kKeywords) {
    if (startsHere(text, at, keyword)) return keyword;
  }
  return "";
}

size_t wordEnd(std::string_view text, size_t at) {
  while (at < text.size() && isWord(text[at])) ++at;
  return at;
}

// The part of a text that is a secret; empty if none begins here.
struct Found {
  size_t begin = 0, end = 0;
  bool any() const { return end > begin; }
};

// Finds VALUE in "password=VALUE", "token: VALUE" or "Bearer VALUE".
Found afterKeyword(std::string_view text, size_t at) {
  std::string_view keyword = keywordAt(text, at);
  if (keyword.empty()) return {};
  size_t begin = wordEnd(text, at);
  auto skip = [&](auto&& may) {
    while (begin < text.size() && may(text[begin])) ++begin;
  };
  auto isQuote = [](char c) { return c == '"' || c == '\'' || c == '\\'; };
  skip(isQuote);
  size_t sign = begin;
  // Blanks may stand before '=', as in configuration files.
  while (sign < text.size() && isBlank(text[sign])) ++sign;
  if (sign < text.size() && text[sign] == '=') begin = sign;
  bool named = begin < text.size() && (text[begin] == '=' || text[begin] == ':');
  bool blank = begin < text.size() && isBlank(text[begin]);
  if (!named && !(keyword == "bearer" && blank)) return {};
  ++begin;
  skip(isBlank);
  skip(isQuote);
  // In "Authorization: Bearer VALUE" the second keyword finds the value.
  if (!keywordAt(text, begin).empty() && keyword == "authorization") return {};
  if (startsHere(text, begin, "basic ")) begin += 6;
  size_t end = begin;
  while (end < text.size() && !endsValue(text[end])) ++end;
  return {begin, end};
}

// Finds USER:PASSWORD in "scheme://USER:PASSWORD@host". The last '@' counts, since a password may
// hold one.
Found inUrl(std::string_view text, size_t at) {
  if (!startsHere(text, at, "://")) return {};
  size_t begin = at + 3, end = begin;
  Found found;
  for (; end < text.size() && text[end] != '/' && !endsValue(text[end]); ++end) {
    if (text[end] == '@') found = {begin, end};
  }
  return found;
}

Found pemBlock(std::string_view text, size_t at) {
  if (!startsHere(text, at, "-----begin")) return {};
  size_t end = text.find("-----END", at);
  // A block whose end was cut off is still a key.
  if (end == std::string_view::npos) return {at, text.size()};
  size_t tail = text.find("-----", end + 8);
  return {at, tail == std::string_view::npos ? text.size() : tail + 5};
}

bool isKeyCharacter(char c) {
  return isalnum(static_cast<unsigned char>(c)) != 0 || c == '/' || c == '+';
}

// Finds forms that are recognised without a keyword before them, where a word begins.
Found bareForm(std::string_view text, size_t at) {
  if (at > 0 && (isWord(text[at - 1]) || text[at - 1] == '/' || text[at - 1] == '+')) return {};
  size_t end = wordEnd(text, at);
  std::string_view word = text.substr(at, end - at);
  bool awsId = word.size() == 20 && (word.starts_with("AKIA") || word.starts_with("ASIA"));
  bool prefixed = std::any_of(kPrefixes.begin(), kPrefixes.end(), [&](std::string_view prefix) {
    return word.starts_with(prefix) && word.size() > prefix.size() + 8;
  });
  if (awsId || prefixed) return {at, end};
  if (word.starts_with("eyJ") && end < text.size() && text[end] == '.') {
    while (end < text.size() && (isWord(text[end]) || text[end] == '.')) ++end;
    return {at, end};
  }
  // An AWS secret key has 40 characters of base64. Both cases and a digit are demanded, since 40
  // hexadecimal digits may be a git commit; a leading slash begins a path.
  size_t keyEnd = at;
  bool upper = false, lower = false, digit = false;
  for (; keyEnd < text.size() && isKeyCharacter(text[keyEnd]); ++keyEnd) {
    upper = upper || isupper(static_cast<unsigned char>(text[keyEnd])) != 0;
    lower = lower || islower(static_cast<unsigned char>(text[keyEnd])) != 0;
    digit = digit || isdigit(static_cast<unsigned char>(text[keyEnd])) != 0;
  }
  bool awsSecret = keyEnd - at == 40 && upper && lower && digit && text[at] != '/';
  return awsSecret ? Found{at, keyEnd} : Found{};
}

bool isSecretOption(const std::string& word) {
  if (word.size() < 3 || word[0] != '-' || word.find('=') != std::string::npos) return false;
  for (size_t at = 1; at < word.size(); ++at) {
    if (!keywordAt(word, at).empty()) return true;
  }
  return false;
}

// Returns where the value begins in a whole word such as "--password=VALUE" or "DB_PASSWORD=VALUE";
// the value may hold any character.
size_t valueOfNamedWord(const std::string& word) {
  size_t equals = word.find('=');
  if (equals == std::string::npos || wordEnd(word, 0) != equals) return std::string::npos;
  for (size_t at = 0; at < equals; ++at) {
    if (!keywordAt(word, at).empty()) return equals + 1;
  }
  return std::string::npos;
}

}  // namespace

std::string redacted(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    Found found;
    for (auto* look : {&pemBlock, &inUrl, &afterKeyword, &bareForm}) {
      if (!found.any()) found = look(text, at);
    }
    if (!found.any()) {
      result += text[at++];
      continue;
    }
    result.append(text.substr(at, found.begin - at)).append(kMark);
    at = found.end;
  }
  return result;
}

std::vector<std::string> redactedWords(const std::vector<std::string>& words) {
  std::vector<std::string> result;
  for (size_t i = 0; i < words.size(); ++i) {
    size_t value = valueOfNamedWord(words[i]);
    if (i > 0 && isSecretOption(words[i - 1])) {
      result.emplace_back(kMark);
    } else if (value != std::string::npos) {
      result.push_back(words[i].substr(0, value) + std::string(kMark));
    } else {
      result.push_back(redacted(words[i]));
    }
  }
  return result;
}

}  // namespace support
