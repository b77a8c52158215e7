#include "harness/history/failure_clusters.h"

#include <re2/re2.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "schema/support/base/text.h"

namespace harness::history {
namespace {

constexpr size_t kTextBytesMax = 1024;

// What is read of a text: normalising must not take long because a text is.
constexpr size_t kReadBytesMax = 16384;

struct Pattern {
  const char* expression;
  const char* replacement;
};

// The order counts: a time has numbers, and a UUID has hexadecimal words.
constexpr Pattern kPatterns[] = {
    {R"(\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)", "<time>"},
    {R"(\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ \d]\d \d\d:\d\d:\d\d\b)", "<time>"},
    {R"(\b\d\d:\d\d:\d\d(?:[.,]\d+)?\b)", "<time>"},
    {R"((?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b)", "<uuid>"},
    {R"((/(?:var/tmp|tmp|run|dev/shm)/)[^\s/:;,"'\])>]+)", "\\1<temporary>"},
    {R"(\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?:/\d{1,2}\b)?(?::\d{1,5}\b)?)", "<address>"},
    {R"((?i)\[[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?:%\w+)?\](?::\d{1,5}\b)?)", "<address>"},
    {R"((?i)\b[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){7}\b)", "<address>"},
    {R"((?i)\b(?:[0-9a-f]{1,4}:){1,6}:(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,5}\b)?)", "<address>"},
    {R"(\b0[xX][0-9a-fA-F]+\b)", "<pointer>"},
};

constexpr char kHexWord[] = R"(\b[0-9a-f]{8,}\b|\b[0-9A-F]{8,}\b)";
constexpr char kNumber[] = R"((^|[^\w.])\d+(?:\.\d+)*(?:[eE][+-]?\d+)?)";

struct Compiled {
  std::unique_ptr<RE2> pattern;
  const char* replacement;
};

const std::vector<Compiled>& compiled() {
  static const std::vector<Compiled> kCompiled = [] {
    std::vector<Compiled> all;
    for (const Pattern& each : kPatterns) {
      all.push_back({std::make_unique<RE2>(each.expression), each.replacement});
    }
    return all;
  }();
  return kCompiled;
}

bool isHex(std::string_view word) {
  return word.find_first_of("0123456789") != std::string_view::npos;
}

// "deadbeef" alone may be a word, and "facade" is; one with a digit is no word.
std::string withoutHexWords(const std::string& text) {
  static const RE2 kPattern(std::string("(") + kHexWord + ")");
  std::string result;
  re2::StringPiece rest(text);
  re2::StringPiece word;
  const char* done = text.data();
  while (RE2::FindAndConsume(&rest, kPattern, &word)) {
    if (!isHex({word.data(), word.size()})) continue;
    result.append(done, word.data());
    result += "<hex>";
    done = word.data() + word.size();
  }
  return result.append(done, text.data() + text.size());
}

}  // namespace

std::string normalised(std::string_view text) {
  static const RE2 kNumbers(kNumber);
  std::string result(support::beginningOf(text, kReadBytesMax));
  for (const Compiled& each : compiled()) {
    RE2::GlobalReplace(&result, *each.pattern, each.replacement);
  }
  result = withoutHexWords(result);
  RE2::GlobalReplace(&result, kNumbers, "\\1<n>");
  return std::string(support::beginningOf(result, kTextBytesMax));
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
