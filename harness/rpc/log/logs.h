// The logs of a node, for plain blocking code.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <muster/log_slice.h>

#include "harness/rpc/controller_node.h"

namespace harness::rpc {

// A part of a slice.
struct LogPart {
  muster::LogSlice slice;
  muster::LogMark next;
  bool hasMore = false;
};

// Calls end and throw as those of ControllerNode do. A mark of another node or source is kInvalid.
class Logs {
 public:
  // A slice has at most these, and says if it lacks more.
  static constexpr size_t kLinesMax = 200'000;
  static constexpr size_t kBytesMax = 64 << 20;

  // Borrows `node`.
  explicit Logs(ControllerNode& node) : node_(node) {}

  // Returns the mark before the first line that there is. Asks nothing.
  muster::LogMark beginning(const muster::LogSource& source) const;

  muster::LogMark mark(const muster::LogSource& source, SteadyTime until) const;

  // Returns the next part of the lines that match one of `patterns`; all without patterns. Without
  // `to` it ends with the last whole line.
  LogPart readPart(const muster::LogMark& from, const std::optional<muster::LogMark>& to,
                   const std::vector<std::string>& patterns, SteadyTime until) const;

  // Returns all of it.
  muster::LogSlice read(const muster::LogMark& from, const std::optional<muster::LogMark>& to,
                        const std::vector<std::string>& patterns, SteadyTime until) const;

  // Waits for lines; the part has none at `until`. With patterns there is one line at most. The
  // call itself may take until `limit`, to bring the answer of a node that is busy.
  LogPart await(const muster::LogMark& from, const std::vector<std::string>& patterns,
                SteadyTime until, SteadyTime limit) const;

 private:
  ControllerNode& node_;
};

}  // namespace harness::rpc
