// Reads files of waivers and probations, strictly: one that does not say whose it is and until when
// would stay for ever.
#include <algorithm>
#include <cstdlib>

#include "harness/os/files.h"
#include "harness/verdict/probation.h"
#include "harness/verdict/waivers.h"
#include "schema/support/base/config.h"

namespace harness::verdict {
namespace {

using run::Outcome;
using support::ConfigReader;

const std::vector<std::string> kKeys = {"tests",   "reason",   "owner", "expires", "bug",
                                        "failure", "outcomes", "when",  "strict",  "quarantine"};

const std::vector<std::string> kProbationKeys = {"tests", "owner", "expires", "passes"};

// What a quarantine excuses: everything that is not green.
std::vector<Outcome> allBad() {
  std::vector<Outcome> outcomes;
  for (int i = 0; i < run::kOutcomeCount; ++i) {
    auto outcome = static_cast<Outcome>(i);
    bool isOwn = outcome == Outcome::kCancelled || outcome == Outcome::kNotRun;
    if (!run::isGreen(outcome) && !isOwn) outcomes.push_back(outcome);
  }
  return outcomes;
}

constexpr long kPassesMost = 1000;

bool isDay(const std::string& text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i != 4 && i != 7 && (text[i] < '0' || text[i] > '9')) return false;
  }
  return text.substr(5, 2) >= "01" && text.substr(5, 2) <= "12" && text.substr(8) >= "01" &&
         text.substr(8) <= "31";
}

class WaiverReader {
 public:
  explicit WaiverReader(const std::string& path) : reader_(path) {}

  std::vector<Waiver> waivers(const std::string& text) {
    YAML::Node document = parse(text);
    std::vector<Waiver> waivers;
    for (const YAML::Node& item : document["waivers"]) waivers.push_back(waiverOf(item));
    return waivers;
  }

  std::vector<Probation> probations(const std::string& text) {
    YAML::Node document = parse(text);
    std::vector<Probation> probations;
    for (const YAML::Node& item : document["probation"]) probations.push_back(probationOf(item));
    return probations;
  }

 private:
  YAML::Node parse(const std::string& text) {
    YAML::Node document = reader_.parse(text);
    reader_.checkKeys(document, {"waivers", "probation"});
    bool isAny = false;
    for (const char* key : {"waivers", "probation"}) {
      YAML::Node list = document[key];
      if (list && !list.IsSequence()) reader_.fail(list, std::string(key) + ": is no list");
      isAny = isAny || list;
    }
    if (!isAny) {
      reader_.fail(document, "the key \"waivers\" or \"probation\" with a list is missing");
    }
    return document;
  }

  std::string required(const YAML::Node& item, const std::string& key) {
    if (!item[key]) reader_.fail(item, "an item without \"" + key + "\"");
    return reader_.text(item[key], key);
  }

  std::string optional(const YAML::Node& item, const std::string& key) {
    return item[key] ? reader_.text(item[key], key) : "";
  }

  bool isSet(const YAML::Node& item, const std::string& key) {
    return item[key] && reader_.word(item[key], key, {"false", "true"}) == 1;
  }

  std::vector<Outcome> outcomesOf(const YAML::Node& item) {
    if (isSet(item, "quarantine")) return allBad();
    if (!item["outcomes"]) return {Outcome::kFailed, Outcome::kCrashed, Outcome::kTimedOut};
    std::vector<std::string> words;
    for (Outcome outcome : allBad()) words.emplace_back(run::wordOf(outcome));
    std::vector<Outcome> outcomes;
    if (!item["outcomes"].IsSequence()) reader_.fail(item["outcomes"], "outcomes: is no list");
    for (const YAML::Node& word : item["outcomes"]) {
      outcomes.push_back(*run::outcomeOf(words[reader_.word(word, "outcomes", words)]));
    }
    return outcomes;
  }

  VersionBound boundOf(const YAML::Node& node, std::string text) {
    for (const char* comparison : {"<=", ">=", "!=", "<", ">", "="}) {
      if (!text.starts_with(comparison)) continue;
      text.erase(0, std::string_view(comparison).size());
      text.erase(0, std::min(text.find_first_not_of(' '), text.size()));
      if (!text.empty()) return {comparison, text};
    }
    reader_.fail(node, "when: \"" + text + "\" is no bound such as \">= 6.1\"");
  }

  void readWhen(const YAML::Node& when, Waiver& waiver) {
    reader_.expectMap(when, "when");
    for (const auto& entry : when) {
      std::string all = reader_.text(entry.second, "when");
      std::vector<VersionBound>& bounds = waiver.when[entry.first.as<std::string>()];
      for (size_t begin = 0; begin <= all.size();) {
        size_t end = std::min(all.find(',', begin), all.size());
        std::string part = all.substr(begin, end - begin);
        part.erase(0, std::min(part.find_first_not_of(' '), part.size()));
        part.erase(part.find_last_not_of(' ') + 1);
        bounds.push_back(boundOf(entry.second, part));
        begin = end + 1;
      }
    }
  }

  std::vector<std::string> patternsOf(const YAML::Node& item) {
    YAML::Node tests = item["tests"];
    if (!tests) reader_.fail(item, "an item without \"tests\"");
    std::vector<std::string> patterns =
        tests.IsSequence() ? reader_.texts(tests, "tests")
                           : std::vector<std::string>{reader_.text(tests, "tests")};
    for (const std::string& pattern : patterns) {
      if (pattern.find('/') != std::string::npos) continue;
      reader_.fail(tests, "tests: \"" + pattern +
                              "\" is no pattern of COMPONENT/SUITE.NAME, such as "
                              "\"kvd/KvTest.*\"");
    }
    return patterns;
  }

  std::string expiryOf(const YAML::Node& item) {
    std::string expires = required(item, "expires");
    if (isDay(expires)) return expires;
    reader_.fail(item["expires"], "expires: \"" + expires + "\" is no day such as \"2027-06-30\"");
  }

  std::string placeOf(const YAML::Node& item) const {
    return reader_.path() + ":" + std::to_string(item.Mark().line + 1);
  }

  Probation probationOf(const YAML::Node& item) {
    reader_.expectMap(item, "a probation");
    reader_.checkKeys(item, kProbationKeys);
    Probation probation{.tests = patternsOf(item),
                        .owner = required(item, "owner"),
                        .expires = expiryOf(item),
                        .place = placeOf(item)};
    if (!item["passes"]) return probation;
    std::string text = reader_.text(item["passes"], "passes");
    char* rest = nullptr;
    long passes = std::strtol(text.c_str(), &rest, 10);
    if (*rest != '\0' || passes < 1 || passes > kPassesMost) {
      reader_.fail(item["passes"], "passes: \"" + text + "\" is no number from 1 to " +
                                       std::to_string(kPassesMost));
    }
    probation.passes = static_cast<int>(passes);
    return probation;
  }

  Waiver waiverOf(const YAML::Node& item) {
    reader_.expectMap(item, "a waiver");
    reader_.checkKeys(item, kKeys);
    Waiver waiver;
    waiver.tests = patternsOf(item);
    waiver.reason = required(item, "reason");
    waiver.owner = required(item, "owner");
    waiver.expires = expiryOf(item);
    waiver.bug = optional(item, "bug");
    waiver.failure = optional(item, "failure");
    waiver.outcomes = outcomesOf(item);
    if (item["when"]) readWhen(item["when"], waiver);
    waiver.isStrict = isSet(item, "strict");
    waiver.isQuarantine = isSet(item, "quarantine");
    if (waiver.isStrict && waiver.isQuarantine) {
      reader_.fail(item["strict"], "strict and quarantine exclude each other");
    }
    waiver.place = placeOf(item);
    return waiver;
  }

  ConfigReader reader_;
};

}  // namespace

std::vector<Waiver> readWaivers(const std::string& path) {
  return WaiverReader(path).waivers(readFile(path));
}

std::vector<Probation> readProbations(const std::string& path) {
  return WaiverReader(path).probations(readFile(path));
}

}  // namespace harness::verdict
