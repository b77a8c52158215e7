#include "schema/support/base/text.h"

#include <algorithm>

namespace support {
namespace {

// The longest character of UTF-8.
constexpr size_t kCharacterBytesMax = 4;

struct Character {
  char32_t code = 0;
  // 0: the bytes are not UTF-8.
  size_t bytes = 0;
};

// Decodes the character at the beginning of `bytes`, which are not empty.
Character characterAt(std::string_view bytes) {
  auto lead = static_cast<unsigned char>(bytes[0]);
  if (lead < 0x80) return {lead, 1};
  size_t size = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (size == 0 || size > bytes.size()) return {};
  char32_t code = lead & (0x7fu >> size);
  for (size_t i = 1; i < size; ++i) {
    auto byte = static_cast<unsigned char>(bytes[i]);
    if ((byte & 0xc0) != 0x80) return {};
    code = code << 6 | (byte & 0x3fu);
  }
  constexpr char32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  bool surrogate = code >= 0xd800 && code < 0xe000;
  if (code < kLeast[size] || code > 0x10ffff || surrogate) return {};
  return {code, size};
}

bool isNoncharacter(char32_t code) {
  return code == 0xfffe || code == 0xffff;
}

// Line and paragraph separators, and what turns the direction of a line: a reader would see
// another text than the one that is there.
bool isTurning(char32_t code) {
  return (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

bool isShown(char32_t code) {
  return code >= 0x20 && !(code >= 0x7f && code < 0xa0) && !isTurning(code) &&
         !isNoncharacter(code);
}

bool isInXml(char32_t code) {
  return (code >= 0x20 && !isNoncharacter(code)) || code == '\t' || code == '\n' || code == '\r';
}

bool isAny(char32_t) {
  return true;
}

void appendHex(std::string& text, std::string_view bytes, std::string_view mark) {
  static constexpr char kDigits[] = "0123456789abcdef";
  for (char c : bytes) {
    auto byte = static_cast<unsigned char>(c);
    text.append(mark).append(1, kDigits[byte >> 4]).append(1, kDigits[byte & 15]);
  }
}

// Returns `bytes` with each character that `stays` refuses, and each byte that is no character,
// in hexadecimal digits behind `mark`. What `special` names is appended by itself.
template <typename Stays, typename Special>
std::string replaced(std::string_view bytes, std::string_view mark, Stays stays, Special special) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    Character character = characterAt(bytes);
    size_t size = std::max<size_t>(character.bytes, 1);
    std::string_view source = bytes.substr(0, size);
    if (character.bytes > 0 && special(text, character.code)) {
      // It was appended.
    } else if (character.bytes > 0 && stays(character.code)) {
      text += source;
    } else {
      appendHex(text, source, mark);
    }
    bytes.remove_prefix(size);
  }
  return text;
}

constexpr char32_t kReplacement = 0xfffd;
constexpr char32_t kBeyondUtf16 = 0x10000;

void appendUtf16(std::string& text, char32_t unit) {
  static constexpr char kDigits[] = "0123456789abcdef";
  text += "\\u";
  for (int shift : {12, 8, 4, 0}) text += kDigits[unit >> shift & 15];
}

bool nothingSpecial(std::string&, char32_t) {
  return false;
}

bool appendShortForm(std::string& text, char32_t code) {
  if (code != '\n' && code != '\t') return false;
  text += code == '\n' ? "\\n" : "\\t";
  return true;
}

bool isKept(char32_t code) {
  return isShown(code) || code == '\n' || code == '\t';
}

}  // namespace

bool isUtf8(std::string_view bytes) {
  while (!bytes.empty()) {
    Character character = characterAt(bytes);
    if (character.bytes == 0) return false;
    bytes.remove_prefix(character.bytes);
  }
  return true;
}

std::string printable(std::string_view bytes, Lines lines) {
  return lines == Lines::kOne ? replaced(bytes, "\\x", isShown, appendShortForm)
                              : replaced(bytes, "\\x", isKept, nothingSpecial);
}

std::string escaped(std::string_view bytes) {
  return replaced(bytes, "\\x", isShown, [](std::string& text, char32_t code) {
    if (code != '\\' && code != '"') return appendShortForm(text, code);
    text.append(1, '\\').append(1, static_cast<char>(code));
    return true;
  });
}

std::string jsonEscaped(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    Character character = characterAt(bytes);
    char32_t code = character.bytes == 0 ? kReplacement : character.code;
    if (code == '"' || code == '\\') {
      text.append(1, '\\').append(1, static_cast<char>(code));
    } else if (code >= 0x20 && code < 0x7f) {
      text += static_cast<char>(code);
    } else if (code < kBeyondUtf16) {
      appendUtf16(text, code);
    } else {
      appendUtf16(text, 0xd800 + ((code - kBeyondUtf16) >> 10));
      appendUtf16(text, 0xdc00 + ((code - kBeyondUtf16) & 0x3ff));
    }
    bytes.remove_prefix(std::max<size_t>(character.bytes, 1));
  }
  return text;
}

std::string xmlRepaired(std::string_view document) {
  return replaced(document, "\\x", isInXml, nothingSpecial);
}

std::string jsonRepaired(std::string_view document) {
  return replaced(document, "\\\\x", isAny, nothingSpecial);
}

std::string_view beginningOf(std::string_view text, size_t bytesMax) {
  if (text.size() <= bytesMax) return text;
  // A character that begins before the cut and ends behind it is left out.
  for (size_t back = 1; back < kCharacterBytesMax && back <= bytesMax; ++back) {
    size_t begin = bytesMax - back;
    if (characterAt(text.substr(begin)).bytes > back) return text.substr(0, begin);
  }
  return text.substr(0, bytesMax);
}

std::string_view endOf(std::string_view text, size_t bytesMax) {
  if (text.size() <= bytesMax) return text;
  size_t cut = text.size() - bytesMax;
  for (size_t back = 1; back < kCharacterBytesMax && back <= cut; ++back) {
    size_t bytes = characterAt(text.substr(cut - back)).bytes;
    if (bytes > back) return text.substr(cut - back + bytes);
  }
  return text.substr(cut);
}

}  // namespace support
