// Judges the lines of a test by the rules of its suite.
#pragma once

#include <set>
#include <string>
#include <vector>

#include <muster/log_rules.h>

#include "harness/log/rules.h"

namespace harness::logs {

struct Finding {
  muster::LogSeverity severity = muster::LogSeverity::kFail;
  muster::LogLine line;
  muster::LogRule rule;
};

struct Verdict {
  std::vector<Finding> findings;
  // The places in Logs::allow of the rules that a line has matched.
  std::set<size_t> used;
};

// `lines` are in order, at least those that match a pattern of a rule. `allowed` names further
// lines that scopes of the test allow. The rules must have no problem.
Verdict judge(const muster::Logs& logs, const std::vector<muster::LogLine>& lines,
              const std::set<LineKey>& allowed);

// Returns one text for all findings of the severity, in order, the first ten of them whole. Empty:
// there are none.
std::string findingsText(const std::vector<Finding>& findings, muster::LogSeverity severity);

}  // namespace harness::logs
