// What the files of this room share to make one call: see files.h. Included by files.cc and
// transfer.cc only.
#pragma once

#include <string>
#include <utility>

#include "harness/rpc/controller_node.h"

namespace harness {

inline capnp::Data::Reader dataOf(const std::string& text) {
  return kj::arrayPtr(reinterpret_cast<const kj::byte*>(text.data()), text.size());
}

inline std::string stringOf(capnp::Data::Reader value) {
  return std::string(reinterpret_cast<const char*>(value.begin()), value.size());
}

inline std::string stringOf(capnp::Text::Reader value) {
  return std::string(value.begin(), value.size());
}

// For answers that carry nothing but perhaps an error.
constexpr auto answered = [](auto&& response) {
  requireNoError(response);
  return true;
};

template <typename T>
T Files::ask(const std::string& operation, SteadyTime until,
             std::function<kj::Promise<T>(EstablishedConnection&)> attempt) {
  return node_.blocking(operation, until,
                        [&]() { return node_.connection().call<T>(until, std::move(attempt)); });
}

}  // namespace harness
