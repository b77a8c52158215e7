// Splits a line of a record into its fields without making values of them: a report reads hundreds
// of thousands of lines, and needs few fields of each. What a line means is said by record_file.h.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace harness::run {

// Return what a value is, from its JSON text: the string, the number (without its decimals), or the
// strings of the list. Empty, nullopt: it is of another type.
std::string textOfJson(std::string_view json);
std::optional<int64_t> numberOfJson(std::string_view json);
std::vector<std::string> textsOfJson(std::string_view json);

class RecordLine {
 public:
  struct Field {
    std::string_view name = {};

    // The JSON text of its value, as it stands in the line.
    std::string_view json = {};
  };

  RecordLine() = default;
  RecordLine(RecordLine&&) = default;
  RecordLine& operator=(RecordLine&&) = default;

  // Adds the fields of a line, which count before those that this has already. Returns whether it
  // is one JSON object, whose strings are UTF-8. The text must outlive this.
  bool add(std::string_view text);

  void clear();

  // All fields in their order. Of two with one name, the later counts.
  const std::vector<Field>& fields() const { return fields_; }

  bool has(std::string_view name) const { return !json(name).empty(); }

  // Returns the JSON text of a field; empty: there is none.
  std::string_view json(std::string_view name) const;

  std::string text(std::string_view name) const { return textOfJson(json(name)); }
  std::optional<int64_t> number(std::string_view name) const { return numberOfJson(json(name)); }
  std::vector<std::string> texts(std::string_view name) const { return textsOfJson(json(name)); }

 private:
  std::vector<Field> fields_;
  // Names that are written with escapes.
  std::deque<std::string> names_;
};

}  // namespace harness::run
