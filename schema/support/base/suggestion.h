// Finds the known word that a misspelt one most likely means, for error texts.
#pragma once

#include <stddef.h>

#include <string>
#include <vector>

namespace support {

// Returns `; did you mean "labels"?` if one of `known` is close to `word`, else `; known: a, b, c`.
// The word itself is never proposed. Empty if nothing else is known.
std::string suggestion(const std::string& word, const std::vector<std::string>& known);

// Returns at most `most` of `known` that are closest to `word`, the closest first.
std::vector<std::string> nearest(const std::string& word, std::vector<std::string> known,
                                 size_t most);

// Returns the first of these texts, or an empty one: for words of which there are thousands.
std::string nearestSuggestion(const std::string& word, const std::vector<std::string>& known);

}  // namespace support
