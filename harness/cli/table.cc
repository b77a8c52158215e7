#include "harness/cli/table.h"

#include <algorithm>
#include <cstdio>
#include <iostream>

#include <openssl/evp.h>

#include "schema/support/base/text.h"

namespace harness {

std::string ageText(std::chrono::nanoseconds age) {
  long long seconds =
      std::max<long long>(0, std::chrono::duration_cast<std::chrono::seconds>(age).count());
  char text[48];
  if (seconds < 60) {
    std::snprintf(text, sizeof text, "%llds", seconds);
  } else if (seconds < 3600) {
    std::snprintf(text, sizeof text, "%lldm%02llds", seconds / 60, seconds % 60);
  } else if (seconds < 24 * 3600) {
    std::snprintf(text, sizeof text, "%lldh%02lldm", seconds / 3600, seconds / 60 % 60);
  } else {
    std::snprintf(text, sizeof text, "%lldd%02lldh", seconds / 86400, seconds / 3600 % 24);
  }
  return text;
}

namespace {

std::string base64(const std::string& bytes) {
  std::string text((bytes.size() + 2) / 3 * 4, '\0');
  ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                    reinterpret_cast<const unsigned char*>(bytes.data()),
                    static_cast<int>(bytes.size()));
  return text;
}

bool isBytes(const Json& value) {
  return value.is_string() && !support::isUtf8(value.get_ref<const std::string&>());
}

Json base64Of(const Json& value) {
  return value.is_string() ? Json(base64(value.get_ref<const std::string&>())) : Json(nullptr);
}

// Returns `value` with the members that hold the bytes of others.
Json withBytes(const Json& value) {
  if (!value.is_structured()) return value;
  Json result = value.is_array() ? Json::array() : Json::object();
  for (const auto& [name, member] : value.items()) {
    if (value.is_array()) {
      result.push_back(withBytes(member));
      continue;
    }
    result[name] = withBytes(member);
    if (isBytes(member)) result[name + "_base64"] = base64Of(member);
    if (!member.is_array() || std::none_of(member.begin(), member.end(), isBytes)) continue;
    Json& items = result[name + "_base64"] = Json::array();
    for (const Json& item : member) items.push_back(base64Of(item));
  }
  return result;
}

}  // namespace

std::string jsonText(const Json& value, Layout layout) {
  int indentation = layout == Layout::kLine ? -1 : 2;
  return withBytes(value).dump(indentation, ' ', false, Json::error_handler_t::replace) + "\n";
}

void printJson(const Json& value) {
  std::cout << jsonText(value, Layout::kIndented);
}

}  // namespace harness
