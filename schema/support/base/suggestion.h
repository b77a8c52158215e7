// Finds the known word that a misspelt one most likely means, for error texts.
#pragma once

#include <string>
#include <vector>

namespace support {

// Returns `; did you mean "labels"?` if one of `known` is close to `word`, else `; known: a, b, c`.
// The word itself is never proposed. Empty if nothing else is known.
std::string suggestion(const std::string& word, const std::vector<std::string>& known);

}  // namespace support
