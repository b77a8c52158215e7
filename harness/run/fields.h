// Reads fields of records, whose content may be anything: a field that is missing or of another
// type has no value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace harness::run {

using Json = nlohmann::json;

inline std::string textOf(const Json& fields, const char* name) {
  auto found = fields.find(name);
  return found != fields.end() && found->is_string() ? found->get<std::string>() : std::string();
}

inline std::optional<int64_t> numberOf(const Json& fields, const char* name) {
  auto found = fields.find(name);
  if (found == fields.end() || !found->is_number()) return std::nullopt;
  return found->get<int64_t>();
}

// Does so with a value for a field that has none. The type is that of `otherwise`.
template <typename Number>
Number numberOf(const Json& fields, const char* name, Number otherwise) {
  auto found = fields.find(name);
  return found != fields.end() && found->is_number() ? found->get<Number>() : otherwise;
}

inline bool isSet(const Json& fields, const char* name) {
  auto found = fields.find(name);
  return found != fields.end() && found->is_boolean() && found->get<bool>();
}

// Returns the strings of a list.
inline std::vector<std::string> textsOf(const Json& fields, const char* name) {
  std::vector<std::string> texts;
  auto found = fields.find(name);
  if (found == fields.end() || !found->is_array()) return texts;
  for (const Json& each : *found) {
    if (each.is_string()) texts.push_back(each.get<std::string>());
  }
  return texts;
}

}  // namespace harness::run
