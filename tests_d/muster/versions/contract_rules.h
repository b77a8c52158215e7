// Compares two versions of a wire contract: can an agent of one serve a controller of the other?
#pragma once

#include <stdint.h>

#include <string>
#include <vector>

#include <capnp/schema.h>

namespace versions {

// Returns what is wrong with `now` as a later version of `before`, one sentence each:
//
//   * a method, field or value that `before` has is gone, or has another type or place;
//   * a field or value of a request came without the annotation `since`, or with a number that is
//     not above `beforeMinor` or is above `nowMinor`.
//
// Names may change, since they are not sent.
std::vector<std::string> changesThatBreak(capnp::InterfaceSchema before, capnp::InterfaceSchema now,
                                          uint16_t beforeMinor, uint16_t nowMinor);

}  // namespace versions
