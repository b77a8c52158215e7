// Gathers what a run's records say of its nodes, for the HTML report: facts, when they were lost,
// and how far their clocks were off. It judges nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "harness/report/fields.h"
#include "harness/report/html_timeline.h"
#include "harness/run/run_record.h"

namespace harness::report {

class HtmlNodes {
 public:
  // Names the nodes of a run to the timeline, in the order in which they are recorded, and adds the
  // intervals in which they were lost.
  HtmlNodes(const run::RunRecord& run, const HtmlRunPlace& at, HtmlTimeline& timeline);

  // Returns the time of a node's wall clock as nanoseconds since the run's begin. A node whose
  // clock is unknown counts as having ours.
  int64_t timeOf(const std::string& node, int64_t wall) const;

  // Returns how many nanoseconds a node's local time is ahead of UTC. nullopt: the node has not
  // said.
  std::optional<int64_t> utcOffsetOf(const std::string& node) const;

  // Returns all that is known of a node.
  Json toJson(const std::string& name) const;

 private:
  struct Clock {
    int64_t at = 0;
    int64_t offset = 0;
    int64_t error = 0;
  };

  struct Node {
    std::vector<Json> facts = {};
    std::vector<Clock> clocks = {};
    Json losses = Json::array();
  };

  void take(const run::RecordFile& file, int fileIndex, int itemIndex);
  void takeLosses(const run::RecordFile& file, const Slice& form, Node& node);

  const run::RunRecord& run_;
  HtmlRunPlace at_;
  HtmlTimeline& timeline_;
  std::unordered_map<std::string, Node> nodes_;
};

}  // namespace harness::report
