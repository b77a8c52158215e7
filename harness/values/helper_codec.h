// How a test and its helper talk: frames on the helper's standard input and output, each of which
// has one value. Both ends include this, and muster_helper.py does the same in Python.
//
//   frame   4 bytes, big endian: the size of the value; the value
//   value   one letter, then
//           n  nothing           T, F   true, false
//           i  8 bytes, big endian, two's complement
//           d  8 bytes, big endian, IEEE 754
//           s  4 bytes: size; the bytes
//           l  4 bytes: count; the values
//           m  4 bytes: count; for each, 4 bytes: size of its name; the name; the value
//
// The helper begins with a greeting, a map of "protocol" and "functions". A call is a map of
// "number", "function", "deadlineNs" (the time that it may take) and "arguments". Its answer is a
// map of "number", and "value" or "error": a map of "type", "message" and "backtrace", whose items
// are texts, or maps of "address" (in the program's file) for the caller to look up.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <muster/helper_value.h>

namespace harness {

constexpr int64_t kHelperProtocol = 1;
constexpr size_t kHelperFrameBytesMax = 16 << 20;
constexpr size_t kHelperFrameHeaderBytes = 4;
constexpr size_t kHelperDepthMax = 64;

// Throws HelperTypeError for a value that is too large or too deep.
std::string encodeHelperFrame(const muster::HelperValue& value);

// Takes one frame off the beginning of `bytes`. Absent: it is not whole yet. Throws
// HelperTypeError for bytes that are no frame.
std::optional<muster::HelperValue> takeHelperFrame(std::string& bytes);

// Returns the size that a header announces. Throws HelperTypeError if it is too large.
size_t helperFrameSize(std::string_view header);

// Reads one whole value. Throws HelperTypeError for anything else.
muster::HelperValue decodeHelperValue(std::string_view bytes);

// Returns an item of a map that must be there. Throws HelperTypeError.
const muster::HelperValue& helperField(const muster::HelperValue& map, const std::string& name);

}  // namespace harness
