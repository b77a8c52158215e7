#include "harness/cluster/cluster_logs.h"

#include <algorithm>
#include <charconv>

#include "harness/cluster/plan.h"
#include "harness/cluster/selection.h"
#include "harness/log/rules.h"

namespace harness {
namespace {

using logs::RuleUse;
using muster::LogRule;
using muster::LogSeverity;
using muster::LogSource;

const char kKernelWord[] = "kernel";

bool isAmong(const std::vector<std::string>& nodes, const std::string& node) {
  return nodes.empty() || std::find(nodes.begin(), nodes.end(), node) != nodes.end();
}

template <typename Of>
std::vector<LogRule> rulesOn(const std::vector<Of>& all, const std::string& node) {
  std::vector<LogRule> some;
  for (const Of& each : all) {
    if (isAmong(each.nodes, node)) some.push_back(each.rule);
  }
  return some;
}

// Reads one map of logs. `ofSet` has the nodes of the node set that it belongs to; it is empty for
// that of the file, whose entries may choose nodes themselves.
class LogsReader {
 public:
  LogsReader(const std::vector<std::string>& ofSet, ClusterPlan& plan)
      : ofSet_(ofSet), plan_(plan) {}

  void read(const Setting& logs) {
    logs.expectKeys({"sources", "fail_on", "warn_on", "allow"});
    logs.expectUtf8();
    if (const Setting* sources = logs.find("sources")) {
      for (const Setting& item : sources->items()) readSource(item);
    }
    ClusterLogs& all = plan_.wishes.logs;
    readRules(logs, "fail_on", RuleUse::kFailOn, LogSeverity::kFail, all.failOn);
    readRules(logs, "warn_on", RuleUse::kFailOn, LogSeverity::kWarn, all.failOn);
    readRules(logs, "allow", RuleUse::kAllow, LogSeverity::kFail, all.allow);
    if (all.sources.empty()) logs.fail("logs: there are no sources; name the logs");
    checkCount(logs);
  }

 private:
  void readSource(const Setting& item) {
    if (item.kind() == Setting::Kind::kText) {
      if (item.text() == kKernelWord) return addSource(LogSource::kernel(), item, ofSet_);
      return addSource(LogSource(item.text()), item, ofSet_);
    }
    item.expectKeys({"files", "unit", "kernel", "container", "nodes"});
    std::vector<std::string> nodes = nodesOf(item);
    const Setting* files = item.find("files");
    const Setting* unit = item.find("unit");
    const Setting* kernel = item.find("kernel");
    const Setting* container = item.find("container");
    if ((files != nullptr) + (unit != nullptr) + (kernel != nullptr) + (container != nullptr) !=
        1) {
      item.fail(
          "sources: one of files, unit, container and kernel is wanted, such as {unit: "
          "kvd.service}");
    }
    if (container) return addSource(LogSource::container(container->text()), *container, nodes);
    if (unit) return addSource(LogSource::unit(unit->text()), *unit, nodes);
    if (kernel) {
      kernel->word({"true"});
      return addSource(LogSource::kernel(), *kernel, nodes);
    }
    if (files->kind() != Setting::Kind::kList) {
      return addSource(LogSource(files->text()), *files, nodes);
    }
    for (const Setting& file : files->items()) addSource(LogSource(file.text()), file, nodes);
  }

  void addSource(const LogSource& source, const Setting& place,
                 const std::vector<std::string>& nodes) {
    if (source.kind() == LogSource::Kind::kFiles && !source.name().starts_with('/')) {
      place.fail("sources: \"" + source.name() +
                 "\" is to be an absolute path or a pattern of such; the kernel's log is the word "
                 "kernel");
    }
    plan_.wishes.logs.sources.push_back({source, nodes});
  }

  void readRules(const Setting& logs, const char* key, RuleUse use, LogSeverity severity,
                 std::vector<ClusterLogs::Rule>& into) {
    const Setting* rules = logs.find(key);
    if (!rules) return;
    for (const Setting& item : rules->items()) {
      LogRule rule = readRule(item, use);
      rule.severity = severity;
      into.push_back({rule, nodesOf(item)});
    }
  }

  LogRule readRule(const Setting& item, RuleUse use) {
    item.expectKeys({"pattern", "reason", "expires", "files", "nodes", "before", "before_lines"});
    LogRule rule;
    const Setting* pattern = item.find("pattern");
    if (!pattern) item.fail(item.name() + ": the key \"pattern\" is missing");
    rule.pattern = pattern->text();
    refuse(*pattern, logs::patternProblem(rule.pattern));
    if (const Setting* reason = item.find("reason")) rule.reason = reason->text();
    if (const Setting* files = item.find("files")) rule.files = files->text();
    refuse(item, logs::ruleProblem(rule, use, ""));
    readBefore(item, use, rule);
    const Setting* expires = item.find("expires");
    if (!expires) return rule;
    rule.expires = expires->text();
    refuse(*expires, logs::ruleProblem(rule, use, ""));
    try {
      refuse(*expires, logs::ruleProblem(rule, use, logs::today()));
    } catch (const ClusterFileError& error) {
      if (plan_.wishes.logs.expired.empty()) plan_.wishes.logs.expired = error.what();
    }
    return rule;
  }

  static void readBefore(const Setting& item, RuleUse use, LogRule& rule) {
    const Setting* before = item.find("before");
    const Setting* lines = item.find("before_lines");
    for (const Setting* each : {before, lines}) {
      if (each && use != RuleUse::kAllow) {
        each->fail(each->name() + " means nothing here; it belongs to a rule of allow");
      }
    }
    if (lines && !before) lines->fail("before_lines means nothing without before");
    if (!before) return;
    rule.before = before->text();
    refuse(*before, logs::patternProblem(rule.before));
    if (!lines) return;
    const std::string& text = lines->text();
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), rule.beforeLines);
    if (error != std::errc() || end != text.data() + text.size()) {
      lines->fail("before_lines: \"" + text + "\" is not a number from 1 to 1000");
    }
    refuse(*lines, logs::ruleProblem(rule, use, ""));
  }

  std::vector<std::string> nodesOf(const Setting& item) const {
    const Setting* nodes = item.find("nodes");
    if (!nodes) return ofSet_;
    if (!ofSet_.empty()) {
      nodes->fail("nodes means nothing in the logs of a node set, which are about its nodes");
    }
    std::vector<std::string> names = selectNodes(plan_, *nodes);
    if (names.empty()) nodes->fail("node set \"" + nodes->text() + "\" is empty");
    return names;
  }

  // A node would refuse to look for more patterns.
  void checkCount(const Setting& logs) const {
    muster::Logs all;
    for (const ClusterLogs::Source& source : plan_.wishes.logs.sources) {
      all.sources.push_back(source.source);
    }
    for (const ClusterLogs::Rule& rule : plan_.wishes.logs.failOn) all.failOn.push_back(rule.rule);
    for (const ClusterLogs::Rule& rule : plan_.wishes.logs.allow) all.allow.push_back(rule.rule);
    refuse(logs, logs::rulesProblem(all, ""));
  }

  static void refuse(const Setting& place, const std::string& problem) {
    if (!problem.empty()) place.fail(problem);
  }

  const std::vector<std::string>& ofSet_;
  ClusterPlan& plan_;
};

}  // namespace

void addLogs(const Setting& logs, ClusterPlan& plan) {
  LogsReader({}, plan).read(logs);
}

void addLogsOfSet(const Setting& logs, const std::vector<std::string>& names, ClusterPlan& plan) {
  LogsReader(names, plan).read(logs);
}

void refuseExpired(const ClusterLogs& logs) {
  if (!logs.expired.empty()) throw ClusterFileError(logs.expired);
}

muster::Logs logsOn(const ClusterLogs& logs, const std::string& node) {
  muster::Logs some;
  for (const ClusterLogs::Source& each : logs.sources) {
    if (isAmong(each.nodes, node)) some.sources.push_back(each.source);
  }
  some.failOn = rulesOn(logs.failOn, node);
  some.allow = rulesOn(logs.allow, node);
  return some;
}

}  // namespace harness
