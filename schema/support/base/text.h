// Makes text of bytes that others chose: what a node, a peer or a file says may be any bytes, and
// what stands here of it is well-formed in a terminal, a log, JSON, YAML and XML 1.0. It needs
// nothing but the standard library, so that every room can use it.
//
// It does not hide secrets (redact.h), and bytes that a program is to read must not come through
// it: `printable` is for people and cannot be taken back.
#pragma once

#include <stddef.h>

#include <string>
#include <string_view>

namespace support {

// Tells whether it is one of 0 to 9, whatever the locale says.
constexpr bool isDigit(char character) {
  return character >= '0' && character <= '9';
}

// Tells whether `bytes` are UTF-8 as Unicode defines it: no overlong forms, no surrogates, nothing
// above U+10FFFF. The empty text is.
bool isUtf8(std::string_view bytes);

enum class Lines {
  // The result is one line: newlines and tabs become \n and \t.
  kOne,

  // Newlines and tabs stay.
  kMany,
};

// Returns `bytes` with everything that is not UTF-8 or not to be shown as \xNN, byte by byte:
// control characters, those of U+0080 to U+009F too, line separators, characters that turn the
// direction of writing, and the noncharacters that XML forbids. A printable text stays as it is, a
// backslash in it too.
std::string printable(std::string_view bytes, Lines lines = Lines::kOne);

// Returns one line as `printable` does, with backslash and quote escaped by a backslash. Different
// bytes have different results.
std::string escaped(std::string_view bytes);

// Returns the inside of a JSON string, in ASCII: other characters become \uNNNN, and each byte that
// is not UTF-8 becomes U+FFFD.
std::string jsonEscaped(std::string_view bytes);

// Returns the text of an XML document with the bytes that XML 1.0 forbids as \xNN. For a document
// that somebody else wrote around bytes of a node; a well-formed one stays as it is.
std::string xmlRepaired(std::string_view document);

// Returns the text of a JSON document with the bytes that are not UTF-8 as \\xNN, which a string of
// JSON reads as \xNN.
std::string jsonRepaired(std::string_view document);

// Return the beginning or the end of `text`, as much as `bytesMax` allows without cutting a
// character. Bytes that are no UTF-8 are cut anywhere.
std::string_view beginningOf(std::string_view text, size_t bytesMax);
std::string_view endOf(std::string_view text, size_t bytesMax);

}  // namespace support
