#include "harness/verdict/probes.h"

#include <algorithm>
#include <map>
#include <utility>

#include "harness/run/fields.h"

namespace harness::verdict {
namespace {

using run::Json;
using run::textOf;
using State = ProbeResult::State;

using ByName = std::map<std::pair<std::string, std::string>, ProbeResult>;

ProbeResult& probeOf(ByName& probes, const std::string& component, const std::string& name) {
  ProbeResult& probe = probes[{component, name}];
  probe.component = component;
  probe.name = name;
  return probe;
}

void takeKnown(ByName& probes, const std::string& component, const Json& program) {
  auto known = program.find("probes");
  if (known == program.end() || !known->is_array()) return;
  for (const Json& each : *known) {
    if (!each.is_object()) continue;
    ProbeResult& probe = probeOf(probes, component, textOf(each, "name"));
    probe.kind = textOf(each, "kind");
    probe.file = textOf(each, "file");
    probe.line = run::numberOf<int>(each, "line", 0);
  }
}

void takeSight(ProbeResult& probe, const std::string& who, const Json& sight) {
  bool isMet = run::isSet(sight, "met");
  (isMet ? probe.metBy : probe.missedBy).insert(who);
  probe.state = std::max(probe.state, isMet ? State::kMet : State::kMissed);
}

void take(ByName& probes, const run::RecordFile& file) {
  std::string component = textOf(file.header(), "component");
  for (const run::Item& item : file.items()) {
    if (item.kind != "program" && item.kind != "test") continue;
    Json fields = file.fields(item);
    std::string who = component;
    if (item.kind == "program") {
      takeKnown(probes, component, fields);
    } else {
      who += "/" + textOf(fields, "suite") + "." + textOf(fields, "name");
    }
    for (const Json& sight : file.additions(item, "probe")) {
      takeSight(probeOf(probes, component, textOf(sight, "name")), who, sight);
    }
  }
}

}  // namespace

std::vector<ProbeResult> probesOf(const std::vector<const run::RunRecord*>& runs) {
  ByName probes;
  for (const run::RunRecord* run : runs) {
    for (const run::RecordFile& file : run->files) {
      if (!run::tellsOfOthers(file) && !run::isNested(file)) take(probes, file);
    }
  }
  std::vector<ProbeResult> all;
  for (auto& [name, probe] : probes) {
    // A test that met it at another time has not only come by.
    for (const std::string& who : probe.metBy) probe.missedBy.erase(who);
    all.push_back(std::move(probe));
  }
  return all;
}

std::string wordOf(State state) {
  switch (state) {
    case State::kUnreached:
      return "not reached";
    case State::kMissed:
      return "never true";
    case State::kMet:
      return "met";
  }
  return "";
}

}  // namespace harness::verdict
