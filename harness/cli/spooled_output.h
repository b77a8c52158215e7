// Keeps the output of a command until it is shown: a little of it in memory, and the rest in a file
// without a name, so that output of any size costs no memory.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "harness/os/fd.h"
#include "schema/support/base/sha256.h"

namespace harness {

using ByteSink = std::function<void(std::string_view)>;

class SpooledOutput {
 public:
  static constexpr size_t kMemoryBytesMax = 1 << 20;

  // Throws SystemError if the file, which is in the directory for temporary files, cannot be
  // written.
  void append(std::string_view bytes);

  uint64_t size() const { return size_; }

  // Returns the last byte; 0 if there is none.
  char last() const { return last_; }

  // Whether the bytes are the same.
  bool operator==(const SpooledOutput& other) const;

  // Gives all bytes to `sink`, in order and in parts.
  void give(const ByteSink& sink) const;

 private:
  void spill();

  // Absent: everything is in memory_.
  Fd file_;
  std::string memory_;
  uint64_t size_ = 0;
  char last_ = 0;
  support::Sha256 hash_;
};

}  // namespace harness
