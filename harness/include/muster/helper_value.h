// One value that crosses between a test and its helper on a node, of any of the types that both
// sides know.
//
//   HelperValue value(HelperValue::Map{{"path", HelperValue("/var")}, …});
//   if (const auto* path = value.get<std::string>()) use(*path);
//
// Tests and helpers rarely name it, because RemoteHelper::call and Helper::on convert to and from
// types of their own: see helper_conversion.h.
//
// Things to get right:
//   * It is a plain value: copying one copies all that it holds.
//   * Its constructors are explicit and do not guess: an int becomes int64_t by a cast.
//   * A text has any bytes, also NUL and what is not UTF-8.
//   * Its size is looked at when it is sent: 16 MiB and 64 levels at most.
#pragma once

#include <concepts>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace muster {

// Thrown where a value is not of the wanted type. The text says what was wanted and what was there.
class HelperTypeError : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

// Holds nothing, true or false, an integer, a number, a text, a list or a map. Two values are equal
// if their types and contents are.
class HelperValue {
 public:
  using List = std::vector<HelperValue>;
  using Map = std::map<std::string, HelperValue>;

  // Holds nothing at all: the result of a function without one, and an empty std::optional.
  HelperValue() = default;

  // Holds true or false, and takes nothing that only converts to that, such as a pointer.
  template <std::same_as<bool> Bool>
  explicit HelperValue(Bool value) : content_(value) {}

  // These hold their argument.
  explicit HelperValue(int64_t value) : content_(value) {}
  explicit HelperValue(double value) : content_(value) {}
  explicit HelperValue(std::string value) : content_(std::move(value)) {}
  explicit HelperValue(List value) : content_(std::move(value)) {}
  explicit HelperValue(Map value) : content_(std::move(value)) {}

  // Tells whether it is the value of a default-constructed one.
  bool isNothing() const { return std::holds_alternative<std::monostate>(content_); }

  // Returns the content, or null if it is of another type. `T` is bool, int64_t, double,
  // std::string, List or Map. The pointer is valid until the value is changed or destroyed.
  template <typename T>
  const T* get() const {
    return std::get_if<T>(&content_);
  }

  // Return the content. HelperTypeError if it is of another type; an integer counts as a double.
  bool asBool() const;
  int64_t asInteger() const;
  double asDouble() const;
  const std::string& asText() const;
  const List& asList() const;
  const Map& asMap() const;

  // Returns "the integer 5", "a list of 3" and the like, for error texts.
  std::string describe() const;

  bool operator==(const HelperValue& other) const { return content_ == other.content_; }

 private:
  std::variant<std::monostate, bool, int64_t, double, std::string, List, Map> content_;
};

}  // namespace muster
