#include "harness/history/test_choice.h"

#include <algorithm>

#include "schema/support/base/suggestion.h"
#include "schema/support/base/text.h"

namespace harness::history {
namespace {

constexpr size_t kNamedMost = 5;

bool beginsWord(const std::string& id, const std::string& end) {
  char before = id[id.size() - end.size() - 1];
  return before == '/' || before == '.';
}

// The part of an id that is written as `text` is: with a component, with a suite, or the name
// alone.
std::string partLike(const std::string& id, const std::string& text) {
  if (text.find('/') != std::string::npos) return id;
  std::string without = id.substr(id.find('/') + 1);
  if (text.find('.') != std::string::npos) return without;
  return without.substr(without.rfind('.') + 1);
}

std::string listOf(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), kNamedMost); ++i) {
    text += (i == 0 ? "" : ", ") + names[i];
  }
  return text + (names.size() > kNamedMost ? ", …" : "");
}

}  // namespace

TestChoice chooseTest(const std::vector<std::string>& known, const std::string& text) {
  std::vector<std::string> words;
  std::vector<std::string> ends;
  for (const std::string& id : known) {
    if (id == text) return {.test = id};
    if (text.empty() || !id.ends_with(text)) continue;
    (beginsWord(id, text) ? words : ends).push_back(id);
  }
  const std::vector<std::string>& found = words.empty() ? ends : words;
  if (found.size() == 1) return {.test = found.front()};
  std::string what = "test \"" + support::printable(text) + "\": ";
  if (found.size() > 1) {
    return {.problem = what + "there are " + std::to_string(found.size()) + ": " + listOf(found)};
  }
  std::vector<std::string> parts;
  for (const std::string& id : known) parts.push_back(partLike(id, text));
  std::sort(parts.begin(), parts.end());
  parts.erase(std::unique(parts.begin(), parts.end()), parts.end());
  std::string near = listOf(support::nearest(text, parts, 3));
  return {.problem = what + "there is none" + (near.empty() ? "" : "; the nearest are " + near)};
}

}  // namespace harness::history
