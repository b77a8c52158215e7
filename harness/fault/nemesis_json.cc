#include "harness/fault/nemesis_json.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include <nlohmann/json.hpp>

#include "harness/values/failure_text.h"

namespace harness::nemesis {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kVersion = 1;
constexpr char kFormat[] = "muster nemesis plan";
constexpr size_t kBytesMost = 32 << 20;

// Roles, tests and reasons may hold any bytes, and by itself the library throws for those that are
// not UTF-8.
std::string textOf(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string mebibytes(size_t bytes) {
  return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB";
}

Json jsonOf(const Step& step) {
  Json targets = Json::array();
  for (const auto& group : step.targets) {
    Json names = Json::array();
    for (const Target& target : group) names.push_back(toString(target));
    targets.push_back(std::move(names));
  }
  Json parameters = Json::object();
  for (const auto& [name, value] : step.parameters) parameters[name] = value;
  return {{"at_ms", step.at.count()},
          {"duration_ms", step.duration.count()},
          {"kind", step.kind},
          {"targets", std::move(targets)},
          {"parameters", std::move(parameters)}};
}

// A list with one item a line.
std::string listOf(const std::vector<Json>& items) {
  std::vector<std::string> lines;
  for (const Json& item : items) lines.push_back("\n    " + textOf(item));
  return "[" + joined(lines, ",") + (items.empty() ? "]" : "\n  ]");
}

// A value of the document and the place where it is, for errors.
class Part {
 public:
  Part(const Json& value, std::string place) : value_(value), place_(std::move(place)) {}

  [[noreturn]] void refuse(const std::string& why) const {
    throw PlanError((place_.empty() ? "plan" : place_) + ": " + why);
  }

  Part member(const std::string& name) const {
    if (!value_.is_object()) refuse("it is no object");
    auto found = value_.find(name);
    if (found == value_.end()) refuse("it has no " + inQuotes(name));
    return {*found, place_.empty() ? name : place_ + ": " + name};
  }

  // Throws for a member that is none of `known`.
  void requireOnly(const std::vector<std::string>& known) const {
    if (!value_.is_object()) refuse("it is no object");
    for (const auto& [name, value] : value_.items()) {
      if (std::find(known.begin(), known.end(), name) != known.end()) continue;
      refuse(inQuotes(name) + " is none of " + joined(known, ", "));
    }
  }

  std::string text() const {
    if (!value_.is_string()) refuse(textOf(value_).substr(0, 40) + " is no text");
    return value_.get<std::string>();
  }

  int64_t number() const {
    bool fits = value_.is_number_integer() &&
                (!value_.is_number_unsigned() || value_.get<uint64_t>() <= INT64_MAX);
    if (!fits) refuse(textOf(value_).substr(0, 40) + " is no whole number");
    return value_.get<int64_t>();
  }

  uint64_t seed() const {
    if (!value_.is_number_unsigned()) refuse(textOf(value_).substr(0, 40) + " is no seed");
    return value_.get<uint64_t>();
  }

  // Calls `take` with each item of a list.
  template <typename Take>
  void each(const std::string& name, Take&& take) const {
    if (!value_.is_array()) refuse("it is no list");
    size_t number = 0;
    for (const Json& item : value_) take(Part(item, name + " " + std::to_string(++number)));
  }

  // Calls `take` with the name and the value of each member.
  template <typename Take>
  void members(Take&& take) const {
    if (!value_.is_object()) refuse("it is no object");
    for (const auto& [name, value] : value_.items()) take(name, Part(value, place_ + ": " + name));
  }

 private:
  const Json& value_;
  std::string place_;
};

Target targetOf(const Part& part) {
  std::string text = part.text();
  size_t colon = text.rfind(':');
  std::string digits = colon == std::string::npos ? "" : text.substr(colon + 1);
  bool isNumber = !digits.empty() && digits.size() <= 6 &&
                  digits.find_first_not_of("0123456789") == std::string::npos;
  if (!isNumber || colon == 0) {
    part.refuse(inQuotes(text) + " is no role with a number, such as server:1");
  }
  return {text.substr(0, colon), std::stoi(digits)};
}

Step stepOf(const Part& part) {
  part.requireOnly({"at_ms", "duration_ms", "kind", "targets", "parameters"});
  Step step;
  step.kind = part.member("kind").text();
  step.at = Milliseconds(part.member("at_ms").number());
  step.duration = Milliseconds(part.member("duration_ms").number());
  part.member("targets").each("group", [&](const Part& group) {
    step.targets.emplace_back();
    group.each("target", [&](const Part& each) { step.targets.back().push_back(targetOf(each)); });
  });
  part.member("parameters").members([&](const std::string& name, const Part& value) {
    step.parameters[name] = value.number();
  });
  return step;
}

Plan planOf(const Part& part) {
  part.requireOnly({"format", "version", "generator", "seed", "stream", "duration_ms", "topology",
                    "excluded", "steps"});
  if (part.member("format").text() != kFormat) {
    part.member("format").refuse("it is not " + inQuotes(kFormat));
  }
  if (part.member("version").number() != kVersion) {
    part.member("version").refuse("this program reads version " + std::to_string(kVersion));
  }
  Plan plan;
  plan.generator = part.member("generator").text();
  plan.seed = part.member("seed").seed();
  plan.stream = part.member("stream").text();
  plan.duration = Milliseconds(part.member("duration_ms").number());
  part.member("topology").each("node", [&](const Part& node) {
    node.requireOnly({"name", "role"});
    plan.nodes.push_back({node.member("name").text(), node.member("role").text()});
  });
  part.member("excluded").members([&](const std::string& kind, const Part& reason) {
    plan.excluded[kind] = reason.text();
  });
  part.member("steps").each("step", [&](const Part& step) { plan.steps.push_back(stepOf(step)); });
  check(plan);
  return plan;
}

}  // namespace

std::string toJson(const Plan& plan) {
  std::vector<Json> nodes;
  for (const PlanNode& node : plan.nodes)
    nodes.push_back({{"name", node.name}, {"role", node.role}});
  std::vector<Json> steps;
  for (const Step& step : plan.steps) steps.push_back(jsonOf(step));
  Json excluded = Json::object();
  for (const auto& [kind, reason] : plan.excluded) excluded[kind] = reason;
  auto line = [](const char* name, const std::string& value) {
    return "  \"" + std::string(name) + "\": " + value;
  };
  return "{\n" +
         joined({line("format", textOf(kFormat)), line("version", std::to_string(kVersion)),
                 line("generator", textOf(plan.generator)), line("seed", std::to_string(plan.seed)),
                 line("stream", textOf(plan.stream)),
                 line("duration_ms", std::to_string(plan.duration.count())),
                 line("topology", listOf(nodes)), line("excluded", textOf(excluded)),
                 line("steps", listOf(steps))},
                ",\n") +
         "\n}\n";
}

void requireReadable(const Plan& plan) {
  check(plan);
  size_t bytes = toJson(plan).size();
  if (bytes <= kBytesMost) return;
  throw PlanError("plan: it would have " + mebibytes(bytes) + " with its " +
                  std::to_string(plan.steps.size()) + " steps, and one of over " +
                  mebibytes(kBytesMost) + " cannot be read; draw a shorter one");
}

Plan planFromJson(const std::string& text) {
  if (text.size() > kBytesMost) throw PlanError("plan: it has over " + mebibytes(kBytesMost));
  Json document;
  try {
    document = Json::parse(text);
  } catch (const Json::exception& error) {
    throw PlanError(std::string("plan: it is no JSON: ") + error.what());
  }
  return planOf(Part(document, ""));
}

}  // namespace harness::nemesis
