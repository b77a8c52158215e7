// ClusterLogs is the key `logs` of a cluster file: the logs that every test on the cluster watches,
// and the rules for their lines. What rules mean is said in log_rules.h; here they belong to nodes
// of a cluster. No node is asked.
#pragma once

#include <string>
#include <vector>

#include <muster/log_rules.h>

#include "harness/cluster/setting.h"

namespace harness {

struct ClusterPlan;

struct ClusterLogs {
  // `nodes` are names; empty means all nodes of the cluster.
  struct Source {
    muster::LogSource source = "";
    std::vector<std::string> nodes = {};
  };
  struct Rule {
    muster::LogRule rule = {};
    std::vector<std::string> nodes = {};
  };

  std::vector<Source> sources = {};
  // Has those of `warn_on` as well, by their severity.
  std::vector<Rule> failOn = {};
  std::vector<Rule> allow = {};

  // Is the error for the first rule whose day is over, with its place. Empty: there is none, or the
  // cluster was chosen by its name.
  std::string expired = {};
};

// Adds what the key `logs` of the file says. The plan has its nodes. Throws ClusterFileError for
// what ClusterTest::logs() may not have either, but for rules whose day is over.
void addLogs(const Setting& logs, ClusterPlan& plan);

// Does so for the key of a node set, whose nodes are `names`.
void addLogsOfSet(const Setting& logs, const std::vector<std::string>& names, ClusterPlan& plan);

// Throws ClusterFileError for a rule whose day is over. This is asked before tests run and nodes
// are made; other commands still work with such a file.
void refuseExpired(const ClusterLogs& logs);

// Returns what holds on one node.
muster::Logs logsOn(const ClusterLogs& logs, const std::string& node);

}  // namespace harness
