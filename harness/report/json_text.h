// Writes JSON as text, piece by piece, for what a report has a hundred thousand of: values that are
// JSON already, as those of records are, are copied. Whoever makes few of something uses Json.
#pragma once

#include <concepts>
#include <string>
#include <string_view>

#include "harness/report/fields.h"

namespace harness::report {

// Appends a string with its quotes. Bytes that are not UTF-8 become U+FFFD.
void appendJsonText(std::string& json, std::string_view text);

// One object.
//
//   JsonObject object;
//   object.number("b", begin).text("t", title).json("f", fields.done());
//   std::string json = object.done();
class JsonObject {
 public:
  template <std::integral Number>
  JsonObject& number(std::string_view name, Number value) {
    return json(name, std::to_string(value));
  }
  JsonObject& text(std::string_view name, std::string_view value);
  JsonObject& value(std::string_view name, const Json& value) { return json(name, dumped(value)); }

  // The value is JSON text.
  JsonObject& json(std::string_view name, std::string_view value);

  // Adds the fields of another object, whose JSON text begins and ends with its braces.
  JsonObject& fieldsOf(std::string_view object);

  bool isEmpty() const { return json_.size() == 1; }

  // Ends the object, which takes no more fields.
  std::string done() { return std::move(json_) + "}"; }

 private:
  void name(std::string_view name);

  std::string json_ = "{";
};

// One list.
class JsonList {
 public:
  // The value is JSON text.
  void add(std::string_view value);

  size_t size() const { return size_; }
  std::string done() { return std::move(json_) + "]"; }

 private:
  std::string json_ = "[";
  size_t size_ = 0;
};

}  // namespace harness::report
