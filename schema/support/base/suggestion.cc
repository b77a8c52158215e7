#include "schema/support/base/suggestion.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace support {
namespace {

// Returns Levenshtein's distance.
size_t distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string nearestSuggestion(const std::string& word, const std::vector<std::string>& known) {
  const std::string* closest = nullptr;
  size_t least = std::max<size_t>(1, (word.size() + 2) / 3) + 1;
  for (const std::string& each : known) {
    size_t difference =
        each.size() > word.size() ? each.size() - word.size() : word.size() - each.size();
    if (each == word || difference >= least) continue;
    size_t found = distance(word, each);
    if (found >= least) continue;
    least = found;
    closest = &each;
  }
  return closest == nullptr ? "" : "; did you mean \"" + *closest + "\"?";
}

std::string suggestion(const std::string& word, const std::vector<std::string>& all) {
  std::string nearest = nearestSuggestion(word, all);
  if (!nearest.empty()) return nearest;
  std::string list;
  for (const std::string& each : all) {
    if (each != word) list += (list.empty() ? "" : ", ") + each;
  }
  return list.empty() ? "" : "; known: " + list;
}

std::vector<std::string> nearest(const std::string& word, std::vector<std::string> known,
                                 size_t most) {
  std::vector<std::pair<size_t, std::string>> ranked;
  for (std::string& each : known) {
    size_t far = distance(word, each);
    ranked.emplace_back(far, std::move(each));
  }
  size_t count = std::min(most, ranked.size());
  std::partial_sort(ranked.begin(), ranked.begin() + static_cast<std::ptrdiff_t>(count),
                    ranked.end());
  std::vector<std::string> found;
  for (size_t i = 0; i < count; ++i) found.push_back(std::move(ranked[i].second));
  return found;
}

}  // namespace support
