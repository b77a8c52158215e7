#include "harness/cluster/cluster_wishes.h"

#include <stdexcept>

#include <nlohmann/json.hpp>

#include "harness/cluster/node_expression.h"

namespace harness {
namespace {

// The kinds of sources, in the order of LogSource::Kind.
constexpr const char* kSourceKinds[] = {"files", "unit", "kernel", "container"};

std::vector<std::string> namesOf(const nlohmann::json& json) {
  auto nodes = json.at("nodes").get<std::string>();
  return nodes.empty() ? std::vector<std::string>() : expandNodeExpression(nodes);
}

}  // namespace

void to_json(nlohmann::json& json, const ClusterLogs::Source& each) {
  json = {{"kind", kSourceKinds[static_cast<size_t>(each.source.kind())]},
          {"name", each.source.name()},
          {"nodes", foldNodeNames(each.nodes)}};
}

void from_json(const nlohmann::json& json, ClusterLogs::Source& each) {
  auto kind = json.at("kind").get<std::string>();
  auto name = json.at("name").get<std::string>();
  each.source = kind == "kernel"      ? muster::LogSource::kernel()
                : kind == "unit"      ? muster::LogSource::unit(name)
                : kind == "container" ? muster::LogSource::container(name)
                                      : muster::LogSource(name);
  each.nodes = namesOf(json);
}

void to_json(nlohmann::json& json, const ClusterLogs::Rule& each) {
  const muster::LogRule& rule = each.rule;
  json = {{"pattern", rule.pattern},
          {"reason", rule.reason},
          {"files", rule.files},
          {"severity", rule.severity == muster::LogSeverity::kFail ? "fail" : "warn"},
          {"expires", rule.expires},
          {"before", rule.before},
          {"beforeLines", rule.beforeLines},
          {"nodes", foldNodeNames(each.nodes)}};
}

void from_json(const nlohmann::json& json, ClusterLogs::Rule& each) {
  muster::LogRule& rule = each.rule;
  json.at("pattern").get_to(rule.pattern);
  json.at("reason").get_to(rule.reason);
  json.at("files").get_to(rule.files);
  bool fails = json.at("severity").get<std::string>() == "fail";
  rule.severity = fails ? muster::LogSeverity::kFail : muster::LogSeverity::kWarn;
  json.at("expires").get_to(rule.expires);
  json.at("before").get_to(rule.before);
  json.at("beforeLines").get_to(rule.beforeLines);
  each.nodes = namesOf(json);
}

void to_json(nlohmann::json& json, const ClusterCollect::Part& part) {
  json = {{"files", part.files},
          {"commands", part.commands},
          {"bytesMax", part.bytesMax},
          {"nodes", foldNodeNames(part.nodes)}};
}

void from_json(const nlohmann::json& json, ClusterCollect::Part& part) {
  json.at("files").get_to(part.files);
  json.at("commands").get_to(part.commands);
  json.at("bytesMax").get_to(part.bytesMax);
  part.nodes = namesOf(json);
}

nlohmann::json toJson(const ClusterWishes& wishes) {
  return {{"sources", wishes.logs.sources},
          {"failOn", wishes.logs.failOn},
          {"allow", wishes.logs.allow},
          {"collect", wishes.collect.parts},
          {"packages", wishes.packages}};
}

ClusterWishes wishesFromJson(const nlohmann::json& json) {
  ClusterWishes wishes;
  if (json.is_null()) return wishes;
  try {
    json.at("sources").get_to(wishes.logs.sources);
    json.at("failOn").get_to(wishes.logs.failOn);
    json.at("allow").get_to(wishes.logs.allow);
    json.at("collect").get_to(wishes.collect.parts);
    // A cluster that an older release has made has none.
    if (json.contains("packages")) json.at("packages").get_to(wishes.packages);
  } catch (const std::exception& error) {
    throw std::invalid_argument(std::string("not what a cluster file wishes: ") + error.what());
  }
  return wishes;
}

}  // namespace harness
