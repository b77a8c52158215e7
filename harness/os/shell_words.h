// Splits a text into words and quotes words, as a shell does. Nothing else of a shell is here.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace harness {

// Returns the words of a text, whose quotes and backslashes mean what they do in a shell. nullopt:
// a quote has no end.
std::optional<std::vector<std::string>> shellWords(const std::string& text);

// Returns a word as a shell reads it, quoted if it needs that.
std::string shellWord(const std::string& word);

}  // namespace harness
