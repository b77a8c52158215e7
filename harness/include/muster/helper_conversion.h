// Converts between the types of tests and helpers and the values that cross between them.
//
//   struct Usage {
//     std::string path;
//     int64_t bytes = 0;
//     template <typename Visit>
//     void fields(Visit&& visit) { visit("path", path); visit("bytes", bytes); }
//   };
//
//   Usage usage = helper.call<Usage>("usage", "/var");
//
//   type here                      in a helper written in Python
//   bool                           bool
//   integers of up to 64 bits      int
//   float, double                  float
//   std::string, of any bytes      str; bytes that are not UTF-8 are surrogates
//   std::vector                    list
//   std::map by std::string        dict
//   std::optional                  the value, or None
//   a struct as above              dict
//   HelperValue                    whatever it holds
//
// It is no archive format: both ends are of one build.
//
// Things to get right:
//   * Integers of 64 bits are exact. One that does not fit the wanted type is a HelperTypeError,
//   and
//     nothing is converted by itself but an integer to a floating point number.
//   * `fields` must name the same fields on both sides. One that is missing or unknown is a
//     HelperTypeError. It must change nothing.
//   * A struct needs a default constructor, and `fields` is called on a default one to fill it in.
//   * Names of fields are for both sides: renaming one takes a change of both programs.
//   * A std::vector of bytes is a list of integers, of nine bytes each; use std::string.
//   * A value has 64 levels and 16 MiB at most, which is seen when it is sent.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <muster/helper_value.h>

namespace muster {
namespace helper_internal {

// Is false for every type, where the compiler is to say so only once a type is known.
template <typename T>
inline constexpr bool kIsUnknown = false;

// Tell the containers from other types.
template <typename T>
struct IsVector : std::false_type {};
template <typename T, typename A>
struct IsVector<std::vector<T, A>> : std::true_type {};
template <typename T>
struct IsMap : std::false_type {};
template <typename T, typename C, typename A>
struct IsMap<std::map<std::string, T, C, A>> : std::true_type {};
template <typename T>
struct IsOptional : std::false_type {};
template <typename T>
struct IsOptional<std::optional<T>> : std::true_type {};

// Stands for any visitor, to ask whether a type has `fields`.
struct AnyVisitor {
  template <typename Field>
  void operator()(const char*, Field&) const {}
};
template <typename T>
concept HasFields = requires(T& value) {
  value.fields(AnyVisitor());
};

// Throw the HelperTypeErrors of an integer that does not fit, and of a field.
[[noreturn]] void failRange(const HelperValue& value, const std::string& type);
[[noreturn]] void failField(const std::string& name, const std::string& why);

// Returns "an integer of 8 bits without sign" and the like.
template <typename T>
std::string integerText() {
  return "an integer of " + std::to_string(8 * sizeof(T)) + " bits " +
         (std::is_signed_v<T> ? "with" : "without") + " sign";
}

}  // namespace helper_internal

// Converts from any of the types. Throws HelperTypeError for an unsigned integer that is larger
// than the largest signed one. A type that cannot cross does not compile.
//
//   helper.callValue("limit", {toHelperValue(5), toHelperValue("/var")});
template <typename T>
HelperValue toHelperValue(const T& value) {
  namespace internal = helper_internal;
  if constexpr (std::is_same_v<T, HelperValue>) {
    // It may hold what only the other side knows.
    return value;
  } else if constexpr (std::is_same_v<T, bool>) {
    return HelperValue(value);
  } else if constexpr (std::is_integral_v<T>) {
    if (std::is_unsigned_v<T> && static_cast<uint64_t>(value) > uint64_t{INT64_MAX}) {
      throw HelperTypeError("the integer " + std::to_string(value) + " is too large");
    }
    return HelperValue(static_cast<int64_t>(value));
  } else if constexpr (std::is_floating_point_v<T>) {
    return HelperValue(static_cast<double>(value));
  } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    // Also literals, and whatever else stands for a text.
    return HelperValue(std::string(std::string_view(value)));
  } else if constexpr (internal::IsOptional<T>::value) {
    // An empty one is nothing, and so an optional of an optional loses a level.
    return value ? toHelperValue(*value) : HelperValue();
  } else if constexpr (internal::IsVector<T>::value) {
    // The type is named, because std::vector<bool> has items of a type of its own.
    HelperValue::List list;
    for (const auto& each : value) {
      list.push_back(toHelperValue<typename T::value_type>(each));
    }
    return HelperValue(std::move(list));
  } else if constexpr (internal::IsMap<T>::value) {
    // In the order of the names, whatever order the map has.
    // Names are texts on both sides; a map by integers has to be a list of pairs.
    HelperValue::Map map;
    for (const auto& [name, each] : value) map.emplace(name, toHelperValue(each));
    return HelperValue(std::move(map));
  } else if constexpr (internal::HasFields<T>) {
    HelperValue::Map map;
    // The visitor only reads.
    const_cast<T&>(value).fields(
        [&map](const char* name, const auto& field) { map.emplace(name, toHelperValue(field)); });
    return HelperValue(std::move(map));
  } else {
    // Pointers, for example: nobody could know what they mean on the other machine.
    static_assert(internal::kIsUnknown<T>, "this type cannot cross to a helper");
  }
}

// Converts to the wanted type. Throws HelperTypeError, whose text names the field of a struct, what
// was wanted, and what was there.
//
//   auto names = fromHelperValue<std::vector<std::string>>(value);
template <typename T>
T fromHelperValue(const HelperValue& value) {
  namespace internal = helper_internal;
  if constexpr (std::is_same_v<T, HelperValue>) {
    return value;
  } else if constexpr (std::is_same_v<T, bool>) {
    return value.asBool();
  } else if constexpr (std::is_integral_v<T>) {
    // Neither a number with a fraction nor a text becomes an integer.
    int64_t integer = value.asInteger();
    if (!std::in_range<T>(integer)) internal::failRange(value, internal::integerText<T>());
    return static_cast<T>(integer);
  } else if constexpr (std::is_floating_point_v<T>) {
    // An integer counts as a number here, since a script may write 1 for 1.0.
    return static_cast<T>(value.asDouble());
  } else if constexpr (std::is_same_v<T, std::string>) {
    return value.asText();
  } else if constexpr (internal::IsOptional<T>::value) {
    // Nothing else than nothing becomes an empty one.
    if (value.isNothing()) return std::nullopt;
    return fromHelperValue<typename T::value_type>(value);
  } else if constexpr (internal::IsVector<T>::value) {
    // The first item of another type is the error.
    T list;
    for (const HelperValue& each : value.asList()) {
      list.push_back(fromHelperValue<typename T::value_type>(each));
    }
    return list;
  } else if constexpr (internal::IsMap<T>::value) {
    // A map of Python has its names as UTF-8, or with the bytes that they were made of.
    T map;
    for (const auto& [name, each] : value.asMap()) {
      map.emplace(name, fromHelperValue<typename T::mapped_type>(each));
    }
    return map;
  } else if constexpr (internal::HasFields<T>) {
    // What is left when all fields have been taken is unknown here.
    HelperValue::Map left = value.asMap();
    T result;
    result.fields([&left](const char* name, auto& field) {
      auto found = left.extract(name);
      if (found.empty()) internal::failField(name, "is missing");
      try {
        field = fromHelperValue<std::remove_reference_t<decltype(field)>>(found.mapped());
      } catch (const HelperTypeError& error) {
        internal::failField(name, error.what());
      }
    });
    if (!left.empty()) internal::failField(left.begin()->first, "is not known here");
    return result;
  } else {
    static_assert(internal::kIsUnknown<T>, "this type cannot come from a helper");
  }
}

}  // namespace muster
