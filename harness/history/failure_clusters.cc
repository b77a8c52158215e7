#include "harness/history/failure_clusters.h"

#include <algorithm>
#include <map>
#include <set>

#include "harness/run/normalised_text.h"

namespace harness::history {
namespace {

constexpr size_t kNormalisedBytesMax = 1024;

}  // namespace

std::string normalised(std::string_view text) {
  return run::normalisedText(text, kNormalisedBytesMax);
}

std::string placeText(const std::string& file, int line) {
  return file.empty() || line <= 0 ? file : file + ":" + std::to_string(line);
}

std::vector<FailureCluster> clustersOf(const std::vector<FailureOf>& failures) {
  // Where the cluster of a text and a place is, and what it has already.
  struct Known {
    size_t at = 0;
    std::set<std::string> tests = {};
    std::set<std::string> runs = {};
  };
  std::map<std::pair<std::string, std::string>, Known> known;
  std::vector<FailureCluster> clusters;
  for (const FailureOf& failure : failures) {
    std::string text = normalised(failure.text);
    std::string place = placeText(failure.file, failure.line);
    auto [found, isNew] = known.try_emplace({text, place}, Known{.at = clusters.size()});
    if (isNew) clusters.push_back({.text = text, .place = place, .sample = failure.text});
    Known& one = found->second;
    FailureCluster& cluster = clusters[one.at];
    if (one.tests.insert(failure.test).second) cluster.tests.push_back(failure.test);
    if (one.runs.insert(failure.run).second) cluster.runs.push_back(failure.run);
    ++cluster.count;
  }
  std::stable_sort(clusters.begin(), clusters.end(), [](const auto& one, const auto& other) {
    if (one.tests.size() != other.tests.size()) return one.tests.size() > other.tests.size();
    return one.count > other.count;
  });
  return clusters;
}

}  // namespace harness::history
