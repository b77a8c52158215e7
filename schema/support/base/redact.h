// Takes words that look like secrets out of texts that are kept: log and audit lines.
//
// It is a net under the rule that secrets go by environment, standard input or files, whose
// contents are never logged. It recognises forms only: a bare secret in the middle of a sentence
// stays.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace support {

// Returns `text` with "<secret>" in place of each of these: the value behind a word such as
// password, token or secret and '=' or ':'; user and password in a URL; PEM blocks; AWS keys; JSON
// web tokens; tokens with a known prefix.
std::string redacted(std::string_view text);

// Returns the words of a command line, each redacted as above, and with the word behind an option
// such as --password replaced too.
std::vector<std::string> redactedWords(const std::vector<std::string>& words);

}  // namespace support
