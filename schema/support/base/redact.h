// Takes what looks like a secret out of texts that are kept: log and audit lines. A net under the
// rule that secrets go by environment, standard input or files, whose contents are never logged; it
// knows forms, and a bare secret in the middle of a sentence has none.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace support {

// `text` with "<secret>" in place of: what follows a word such as password, token or secret and '='
// or ':'; user and password in a URL; PEM blocks; AWS keys; JSON web tokens; tokens with a known
// prefix.
std::string redacted(std::string_view text);

// The words of a command line: as above, and the word behind an option such as --password.
std::vector<std::string> redactedWords(const std::vector<std::string>& words);

}  // namespace support
