#include "harness/cli/nemesis_words.h"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "harness/cli/clusters.h"
#include "harness/cli/command_error.h"
#include "harness/fault/nemesis_draw.h"
#include "harness/fault/nemesis_json.h"
#include "harness/os/error.h"
#include "harness/os/files.h"
#include "harness/provision/choice.h"
#include "harness/values/failure_text.h"
#include "schema/support/base/suggestion.h"

namespace harness {
namespace {

bool has(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

std::vector<nemesis::PlanNode> planNodesOf(const std::string& cluster) {
  std::vector<nemesis::PlanNode> nodes;
  if (looksLikeFile(cluster)) {
    for (const auto& node : planOf(cluster).nodes) nodes.push_back({node.name, node.role});
  } else {
    for (const auto& node : clusterOf(cluster).nodes) nodes.push_back({node.name, node.role});
  }
  return nodes;
}

nemesis::Plan readPlanFile(const std::string& path) {
  try {
    return nemesis::planFromJson(readFile(path));
  } catch (const SystemError& error) {
    throw CommandError(kExitNoInput, error.what());
  } catch (const nemesis::PlanError& error) {
    throw CommandError(kExitData, path + ": " + error.what());
  }
}

void writePlanFile(const std::string& path, const nemesis::Plan& plan) {
  try {
    putFile(path, nemesis::toJson(plan), 0644);
  } catch (const SystemError& error) {
    throw CommandError(kExitCannotCreate, error.what());
  }
}

std::vector<std::string> nemesisKinds() {
  std::vector<std::string> names;
  for (const nemesis::Kind& kind : nemesis::kinds()) names.push_back(kind.name);
  return names;
}

std::vector<std::string> partsOf(const std::string& list) {
  std::vector<std::string> parts;
  std::istringstream stream(list);
  for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
  return parts;
}

std::string kindsProblem(const std::string& list) {
  for (const std::string& part : partsOf(list)) {
    if (has(nemesisKinds(), part)) continue;
    return "has " + inQuotes(part) + ", which is no kind" +
           support::suggestion(part, nemesisKinds());
  }
  return list.empty() ? "names no kind" : "";
}

std::string nemesisProblem(const std::string& word) {
  std::error_code failed;
  bool isThere = std::filesystem::is_regular_file(word, failed);
  if (has(nemesis::generators(), word) || isThere) return "";
  return "is neither " + joined(nemesis::generators(), " nor ") + ", nor a file" +
         support::suggestion(word, nemesis::generators());
}

}  // namespace harness
