#include <muster/helper_conversion.h>
#include <muster/helper_value.h>

namespace muster {
namespace {

constexpr size_t kShownBytesMax = 60;

[[noreturn]] void failType(const char* wanted, const HelperValue& value) {
  throw HelperTypeError("expected " + std::string(wanted) + ", got " + value.describe());
}

template <typename T>
const T& contentOf(const HelperValue& value, const char* wanted) {
  const T* content = value.get<T>();
  if (content == nullptr) failType(wanted, value);
  return *content;
}

}  // namespace

bool HelperValue::asBool() const {
  return contentOf<bool>(*this, "true or false");
}

int64_t HelperValue::asInteger() const {
  return contentOf<int64_t>(*this, "an integer");
}

double HelperValue::asDouble() const {
  if (const auto* integer = get<int64_t>()) return static_cast<double>(*integer);
  return contentOf<double>(*this, "a number");
}

const std::string& HelperValue::asText() const {
  return contentOf<std::string>(*this, "a text");
}

const HelperValue::List& HelperValue::asList() const {
  return contentOf<List>(*this, "a list");
}

const HelperValue::Map& HelperValue::asMap() const {
  return contentOf<Map>(*this, "a map");
}

std::string HelperValue::describe() const {
  if (const auto* value = get<bool>()) return *value ? "true" : "false";
  if (const auto* value = get<int64_t>()) return "the integer " + std::to_string(*value);
  if (const auto* value = get<double>()) return "the number " + std::to_string(*value);
  if (const auto* value = get<std::string>()) {
    bool isWhole = value->size() <= kShownBytesMax;
    return "the text \"" + value->substr(0, kShownBytesMax) + (isWhole ? "\"" : "…\"");
  }
  if (const auto* value = get<List>()) return "a list of " + std::to_string(value->size());
  if (const auto* value = get<Map>()) return "a map of " + std::to_string(value->size());
  return "nothing";
}

namespace helper_internal {

void failRange(const HelperValue& value, const std::string& type) {
  failType(type.c_str(), value);
}

void failField(const std::string& name, const std::string& why) {
  throw HelperTypeError("field \"" + name + "\": " + why);
}

}  // namespace helper_internal
}  // namespace muster
