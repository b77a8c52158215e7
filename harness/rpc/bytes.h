// Converts texts and bytes of messages to std::string, and back. Nothing is decoded.
#pragma once

#include <chrono>
#include <string>

#include <capnp/blob.h>

namespace harness {

inline std::string stringOf(capnp::Text::Reader text) {
  return std::string(text.begin(), text.size());
}

inline std::string stringOf(capnp::Data::Reader data) {
  return std::string(reinterpret_cast<const char*>(data.begin()), data.size());
}

// Returns the bytes of `text`, which must outlive the result.
inline capnp::Data::Reader dataOf(const std::string& text) {
  return kj::arrayPtr(reinterpret_cast<const kj::byte*>(text.data()), text.size());
}

// Converts a reading of CLOCK_REALTIME in a message.
inline std::chrono::system_clock::time_point realtimeOf(int64_t ns) {
  return std::chrono::system_clock::time_point(
      std::chrono::duration_cast<std::chrono::system_clock::duration>(
          std::chrono::nanoseconds(ns)));
}

}  // namespace harness
