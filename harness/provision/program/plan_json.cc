#include "harness/provision/program/plan_json.h"

#include <stdexcept>
#include <vector>

namespace harness {
namespace {

// A plan as it is written, and the places of its values by their pointers.
struct Writer {
  ProtocolJson places = ProtocolJson::object();

  void place(const std::string& pointer, const Setting& setting) {
    const Setting::Place& place = setting.place();
    if (place.line == 0) return;
    places[pointer] = {place.line, place.column, place.quote};
  }

  ProtocolJson value(const std::string& pointer, const Setting& setting);
  ProtocolJson values(const std::string& pointer, const Settings& settings);
};

// Escapes a key for a JSON pointer (RFC 6901).
std::string token(const std::string& key) {
  std::string text;
  for (char c : key) text += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return text;
}

// The place of a map's key is that of a pointer that no value has.
std::string keyPointer(const std::string& map, const std::string& key) {
  return map + "/" + token(key) + "#";
}

ProtocolJson Writer::value(const std::string& pointer, const Setting& setting) {
  place(pointer, setting);
  switch (setting.kind()) {
    case Setting::Kind::kText:
      return setting.text();
    case Setting::Kind::kList: {
      ProtocolJson list = ProtocolJson::array();
      for (const Setting& item : setting.items()) {
        list.push_back(value(pointer + "/" + std::to_string(list.size()), item));
      }
      return list;
    }
    case Setting::Kind::kMap: {
      ProtocolJson map = ProtocolJson::object();
      for (size_t i = 0; i < setting.keys().size(); ++i) {
        const std::string& key = setting.keys()[i].text();
        place(keyPointer(pointer, key), setting.keys()[i]);
        map[key] = value(pointer + "/" + token(key), setting.values()[i]);
      }
      return map;
    }
    case Setting::Kind::kNothing:
      break;
  }
  return nullptr;
}

ProtocolJson Writer::values(const std::string& pointer, const Settings& settings) {
  ProtocolJson map = ProtocolJson::object();
  for (const auto& [key, setting] : settings) {
    map[key] = value(pointer + "/" + token(key), setting);
  }
  return map;
}

struct Reader {
  std::string file;
  const ProtocolJson& places;

  Setting::Place place(const std::string& pointer) const {
    auto found = places.find(pointer);
    if (found == places.end()) return {};
    return {file, found->at(0).get<size_t>(), found->at(1).get<size_t>(),
            found->size() > 2 ? found->at(2).get<size_t>() : 0};
  }

  Setting value(const std::string& name, const std::string& pointer,
                const ProtocolJson& json) const {
    if (json.is_string()) return Setting(name, json.get<std::string>(), place(pointer));
    std::vector<Setting> keys;
    std::vector<Setting> items;
    if (json.is_array()) {
      for (const ProtocolJson& item : json) {
        items.push_back(value(name, pointer + "/" + std::to_string(items.size()), item));
      }
      return Setting::list(name, std::move(items), place(pointer));
    }
    if (!json.is_object()) return Setting::nothing(name, place(pointer));
    for (const auto& [key, item] : json.items()) {
      keys.emplace_back(name, key, place(keyPointer(pointer, key)));
      items.push_back(value(key, pointer + "/" + token(key), item));
    }
    return Setting::map(name, std::move(keys), std::move(items), place(pointer));
  }

  Settings values(const std::string& pointer, const ProtocolJson& json) const {
    Settings settings;
    for (const auto& [key, item] : json.items()) {
      settings[key] = value(key, pointer + "/" + token(key), item);
    }
    return settings;
  }
};

}  // namespace

ProtocolJson toJson(const ClusterPlan& plan) {
  Writer writer;
  ProtocolJson nodes = ProtocolJson::array();
  for (const NodePlan& node : plan.nodes) {
    std::string pointer = "/nodes/" + std::to_string(nodes.size());
    writer.place(pointer, node.set);
    nodes.push_back({{"name", node.name},
                     {"role", node.role},
                     {"labels", node.labels},
                     {"settings", writer.values(pointer + "/settings", node.settings)}});
  }
  ProtocolJson settings = writer.values("/settings", plan.settings);
  return {{"name", plan.name},
          {"provisioner", plan.provisioner},
          {"origin", plan.origin},
          {"nodes", std::move(nodes)},
          {"settings", std::move(settings)},
          {"places", std::move(writer.places)}};
}

ClusterPlan planFromJson(const ProtocolJson& json) {
  try {
    static const ProtocolJson kNone = ProtocolJson::object();
    ClusterPlan plan;
    plan.name = json.at("name").get<std::string>();
    plan.provisioner = json.at("provisioner").get<std::string>();
    plan.origin = json.value("origin", "");
    Reader reader{plan.origin, json.contains("places") ? json.at("places") : kNone};
    plan.settings = reader.values("/settings", json.at("settings"));
    for (const ProtocolJson& each : json.at("nodes")) {
      std::string pointer = "/nodes/" + std::to_string(plan.nodes.size());
      NodePlan node;
      node.name = each.at("name").get<std::string>();
      node.role = each.at("role").get<std::string>();
      each.at("labels").get_to(node.labels);
      node.settings = reader.values(pointer + "/settings", each.at("settings"));
      node.set = Setting("node set", node.name, reader.place(pointer));
      plan.nodes.push_back(std::move(node));
    }
    return plan;
  } catch (const nlohmann::json::exception& error) {
    throw std::invalid_argument(std::string("not a plan: ") + error.what());
  }
}

std::string valueText(const Setting& setting) {
  return Writer().value("", setting).dump(-1, ' ', false, ProtocolJson::error_handler_t::replace);
}

void failInPlan(const ClusterPlan& plan, const std::string& pointer, const std::string& reason) {
  ProtocolJson json = toJson(plan);
  const ProtocolJson& places = json.at("places");
  for (std::string at = pointer;;) {
    auto found = places.find(at);
    if (found != places.end()) {
      Setting("", "", {plan.origin, found->at(0), found->at(1), 0}).fail(reason);
    }
    size_t slash = at.rfind('/');
    if (slash == std::string::npos) break;
    at.resize(slash);
  }
  throw ClusterFileError(plan.origin.empty() ? reason : plan.origin + ": " + reason);
}

}  // namespace harness
