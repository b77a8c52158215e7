#include "harness/verdict/waivers.h"

#include <fnmatch.h>

#include <algorithm>
#include <cctype>
#include <ctime>

#include "schema/support/base/text.h"

namespace harness::verdict {
namespace {

using run::Outcome;
using Versions = std::map<std::string, std::string>;

// Takes the next number or text off a version; what separates them is left out.
std::string takePart(std::string_view& version) {
  while (!version.empty() && std::isalnum(static_cast<unsigned char>(version.front())) == 0) {
    version.remove_prefix(1);
  }
  size_t length = 0;
  while (length < version.size() &&
         std::isalnum(static_cast<unsigned char>(version[length])) != 0 &&
         support::isDigit(version[length]) == support::isDigit(version.front())) {
    ++length;
  }
  std::string part(version.substr(0, length));
  version.remove_prefix(length);
  return part;
}

int compareNumbers(const std::string& one, const std::string& other) {
  auto significant = [](const std::string& text) {
    return text.substr(std::min(text.find_first_not_of('0'), text.size()));
  };
  std::string left = significant(one);
  std::string right = significant(other);
  if (left.size() != right.size()) return left.size() < right.size() ? -1 : 1;
  return left.compare(right);
}

bool holds(const VersionBound& bound, const std::string& version) {
  int order = compareVersions(version, bound.version);
  if (bound.comparison == "<") return order < 0;
  if (bound.comparison == "<=") return order <= 0;
  if (bound.comparison == "=") return order == 0;
  if (bound.comparison == "!=") return order != 0;
  if (bound.comparison == ">=") return order >= 0;
  return order > 0;
}

bool holdsOn(const Waiver& waiver, const Versions& node) {
  for (const auto& [what, bounds] : waiver.when) {
    auto version = node.find(what);
    if (version == node.end()) return false;
    for (const VersionBound& bound : bounds) {
      if (!holds(bound, version->second)) return false;
    }
  }
  return true;
}

// The versions of each node of a run, by the node's name.
std::map<std::string, Versions> versionsOf(const run::RunRecord& record) {
  std::map<std::string, Versions> all;
  for (const run::RecordFile& file : record.files) {
    for (const run::Item& item : file.items()) {
      if (item.kind != "node") continue;
      run::Json fields = file.fields(item);
      Versions& node = all[fields.value("node", "")];
      for (const char* what : {"kernel", "agent"}) {
        if (fields.contains(what)) node[what] = fields.value(what, "");
      }
      node["muster"] = file.header().value("muster", "");
      auto product = fields.find("product");
      if (product == fields.end() || !product->is_object()) continue;
      for (const auto& [name, version] : product->items()) {
        if (version.is_string()) node[name] = version.get<std::string>();
      }
    }
  }
  return all;
}

bool foretells(const Waiver& waiver, const run::TestResult& test) {
  bool isOutcome = std::find(waiver.outcomes.begin(), waiver.outcomes.end(), test.outcome) !=
                   waiver.outcomes.end();
  if (!isOutcome || waiver.failure.empty()) return isOutcome;
  if (test.because.find(waiver.failure) != std::string::npos) return true;
  const auto& failures = test.deciding().failures;
  return std::any_of(failures.begin(), failures.end(), [&](const run::Failure& failure) {
    return failure.text.find(waiver.failure) != std::string::npos;
  });
}

}  // namespace

int compareVersions(const std::string& one, const std::string& other) {
  std::string_view left = one;
  std::string_view right = other;
  for (;;) {
    std::string first = takePart(left);
    std::string second = takePart(right);
    if (first.empty() || second.empty()) {
      return static_cast<int>(!first.empty()) - static_cast<int>(!second.empty());
    }
    bool areNumbers = support::isDigit(first.front()) && support::isDigit(second.front());
    int order = areNumbers ? compareNumbers(first, second) : first.compare(second);
    if (order != 0) return order;
  }
}

bool isAbout(const Waiver& waiver, const std::string& test) {
  return std::any_of(waiver.tests.begin(), waiver.tests.end(),
                     [&](const std::string& pattern) { return matches(pattern, test); });
}

bool hasExpired(const Waiver& waiver, const std::string& day) {
  return waiver.expires < day;
}

bool matches(const std::string& pattern, const std::string& text) {
  return ::fnmatch(pattern.c_str(), text.c_str(), FNM_NOESCAPE) == 0;
}

std::string today() {
  std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  char text[16];
  std::strftime(text, sizeof text, "%Y-%m-%d", &utc);
  return text;
}

Waived judge(const std::vector<Waiver>& waivers, const run::RunRecord& record,
             const run::RunResult& result, const std::string& day) {
  Waived waived;
  std::map<std::string, Versions> versions = versionsOf(record);
  for (const Waiver& waiver : waivers) {
    std::string name = waiver.place + " (" + waiver.reason + ")";
    if (hasExpired(waiver, day)) {
      waived.notes.push_back("waiver " + name + " expired on " + waiver.expires +
                             ", and holds no more");
      continue;
    }
    bool isUsed = false;
    for (const run::TestResult& test : result.tests) {
      if (!isAbout(waiver, test.id())) continue;
      const std::vector<std::string>& nodes = test.deciding().nodes;
      bool isHere = waiver.when.empty() ||
                    std::any_of(nodes.begin(), nodes.end(), [&](const std::string& node) {
                      return holdsOn(waiver, versions[node]);
                    });
      if (!isHere) continue;
      isUsed = true;
      bool isPass = test.outcome == Outcome::kPassed;
      if (!isPass && !foretells(waiver, test)) continue;
      waived.exonerations.push_back(
          {.test = test.id(),
           .kind = isPass ? "unexpected pass" : "waiver",
           .because = (waiver.bug.empty() ? "" : waiver.bug + ": ") + waiver.reason,
           .bug = waiver.bug,
           .owner = waiver.owner,
           .isStrict = waiver.isStrict});
    }
    if (!isUsed) waived.notes.push_back("waiver " + name + " met no test of this run");
  }
  return waived;
}

}  // namespace harness::verdict
