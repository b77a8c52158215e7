// Fuzzes cluster files, and the node expressions in them.
#include <set>

#include <kj/debug.h>

#include "harness/cluster/node_expression.h"
#include "harness/provision/kinds.h"
#include "tests_d/muster/fuzz/target.h"

namespace {

// Folding the names of an expression and expanding the result must give the same names.
void checkSet(const std::string& text) {
  auto groups = [](const std::string& group) -> std::optional<std::vector<std::string>> {
    if (group == "none") return std::nullopt;
    return std::vector<std::string>{"a1", "a2", "b"};
  };
  try {
    std::vector<std::string> names = harness::expandNodeExpression(text, groups);
    KJ_ASSERT(names.size() <= harness::kNodeExpressionNamesMax);
    std::set<std::string> unique(names.begin(), names.end());
    KJ_ASSERT(unique.size() == names.size(), "a name was given twice");
    std::string folded = harness::foldNodeNames(names);
    std::vector<std::string> again = harness::expandNodeExpression(folded);
    KJ_ASSERT(std::set<std::string>(again.begin(), again.end()) == unique, folded.c_str());
  } catch (const harness::NodeExpressionError& error) {
    KJ_ASSERT(error.position() <= text.size(), error.position(), text.size());
  }
}

}  // namespace

MUSTER_FUZZ_TARGET(cluster_file) {
  bool set = input.byte() % 2 == 1;
  auto bytes = input.rest();
  std::string text(reinterpret_cast<const char*>(bytes.begin()), bytes.size());
  if (set) return checkSet(text);
  try {
    harness::ClusterPlan plan = harness::parsePlan(text, "/x/demo.yaml");
    KJ_ASSERT(!plan.nodes.empty(), "a cluster without nodes was accepted");
    for (const auto& node : plan.nodes) KJ_ASSERT(!node.name.empty());
  } catch (const harness::ClusterFileError& error) {
    std::string what = error.what();
    KJ_ASSERT(what.find("demo.yaml") != std::string::npos, what.c_str());
  }
}
