#include "harness/report/json_text.h"

#include <algorithm>

namespace harness::report {
namespace {

bool isPlain(char c) {
  auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\';
}

}  // namespace

void appendJsonText(std::string& json, std::string_view text) {
  if (std::all_of(text.begin(), text.end(), isPlain)) {
    json += '"';
    json += text;
    json += '"';
  } else {
    json += dumped(Json(text));
  }
}

void JsonObject::name(std::string_view name) {
  if (!isEmpty()) json_ += ',';
  appendJsonText(json_, name);
  json_ += ':';
}

JsonObject& JsonObject::text(std::string_view name, std::string_view value) {
  this->name(name);
  appendJsonText(json_, value);
  return *this;
}

JsonObject& JsonObject::json(std::string_view name, std::string_view value) {
  this->name(name);
  json_ += value;
  return *this;
}

JsonObject& JsonObject::fieldsOf(std::string_view object) {
  if (object.size() <= 2) return *this;
  if (!isEmpty()) json_ += ',';
  json_ += object.substr(1, object.size() - 2);
  return *this;
}

void JsonList::add(std::string_view value) {
  if (size_++ > 0) json_ += ',';
  json_ += value;
}

}  // namespace harness::report
