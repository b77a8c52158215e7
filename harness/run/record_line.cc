#include "harness/run/record_line.h"

#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <charconv>
#include <cstdlib>
#include <cstring>

#include <nlohmann/json.hpp>

#include "schema/support/base/text.h"

namespace harness::run {
namespace {

using rapidjson::SizeType;

// A line may be damaged, and values may lie deeper in each other than a stack is.
constexpr unsigned kParsing =
    rapidjson::kParseValidateEncodingFlag | rapidjson::kParseIterativeFlag;

bool hasEscapes(std::string_view text) {
  return std::memchr(text.data(), '\\', text.size()) != nullptr;
}

// Takes down where the fields of the outermost object begin and end.
class FieldPlaces : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, FieldPlaces> {
 public:
  struct Place {
    size_t nameEnd = 0;
    size_t valueEnd = 0;
  };

  FieldPlaces(const rapidjson::MemoryStream& stream, std::vector<Place>& places)
      : stream_(stream), places_(places) {}

  bool isObject() const { return isObject_; }

  // Any other value.
  bool Default() { return ended(); }
  bool String(const char*, SizeType, bool) { return ended(); }

  bool Key(const char*, SizeType, bool) {
    if (depth_ == 1) places_.push_back({.nameEnd = stream_.Tell()});
    return true;
  }
  bool StartObject() {
    isObject_ = isObject_ || depth_ == 0;
    ++depth_;
    return true;
  }
  bool StartArray() {
    ++depth_;
    return isObject_;
  }
  bool EndObject(SizeType) { return closed(); }
  bool EndArray(SizeType) { return closed(); }

 private:
  // The bracket is read after this.
  bool closed() {
    --depth_;
    return endedAt(stream_.Tell() + 1);
  }
  bool ended() { return endedAt(stream_.Tell()); }

  bool endedAt(size_t place) {
    if (depth_ == 1) places_.back().valueEnd = place;
    return true;
  }

  const rapidjson::MemoryStream& stream_;
  std::vector<Place>& places_;
  size_t depth_ = 0;
  bool isObject_ = false;
};

}  // namespace

std::string textOfJson(std::string_view json) {
  if (json.size() < 2 || json.front() != '"') return "";
  if (!hasEscapes(json)) return std::string(json.substr(1, json.size() - 2));
  nlohmann::json value = nlohmann::json::parse(json, nullptr, false);
  return value.is_string() ? value.get<std::string>() : std::string();
}

std::optional<int64_t> numberOfJson(std::string_view json) {
  if (json.empty() || (json.front() != '-' && !support::isDigit(json.front()))) return std::nullopt;
  int64_t number = 0;
  auto [rest, error] = std::from_chars(json.data(), json.data() + json.size(), number);
  if (error == std::errc() && rest == json.data() + json.size()) return number;
  double value = std::strtod(std::string(json).c_str(), nullptr);
  constexpr double kLimit = 9.2e18;
  if (!(value > -kLimit && value < kLimit)) return std::nullopt;
  return static_cast<int64_t>(value);
}

std::vector<std::string> textsOfJson(std::string_view json) {
  std::vector<std::string> texts;
  if (!json.starts_with('[')) return texts;
  for (const nlohmann::json& value : nlohmann::json::parse(json, nullptr, false)) {
    if (value.is_string()) texts.push_back(value.get<std::string>());
  }
  return texts;
}

void RecordLine::clear() {
  fields_.clear();
  names_.clear();
}

bool RecordLine::add(std::string_view text) {
  thread_local std::vector<FieldPlaces::Place> places;
  places.clear();
  rapidjson::MemoryStream stream(text.data(), text.size());
  FieldPlaces handler(stream, places);
  bool isJson = !rapidjson::Reader().Parse<kParsing>(stream, handler).IsError();
  if (!isJson || stream.Tell() != text.size() || !handler.isObject()) return false;
  // RapidJSON takes half of a surrogate pair for a character.
  if (text.find("\\u") != std::string_view::npos && !nlohmann::json::accept(text)) return false;
  size_t before = 1;
  for (const FieldPlaces::Place& place : places) {
    // Between the last value and this one are white space, a comma and the name.
    size_t name = text.find('"', before);
    std::string_view quoted = text.substr(name, place.nameEnd - name);
    size_t value = text.find_first_not_of(" \t\r\n:", place.nameEnd);
    Field field{.name = quoted.substr(1, quoted.size() - 2),
                .json = text.substr(value, place.valueEnd - value)};
    if (hasEscapes(quoted)) field.name = names_.emplace_back(textOfJson(quoted));
    fields_.push_back(field);
    before = place.valueEnd;
  }
  return true;
}

std::string_view RecordLine::json(std::string_view name) const {
  for (auto field = fields_.rbegin(); field != fields_.rend(); ++field) {
    if (field->name == name) return field->json;
  }
  return {};
}

}  // namespace harness::run
