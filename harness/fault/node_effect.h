// What a fault does to single nodes, rather than to the way between them: values only. Nothing here
// asks a node.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include <muster/fault_options.h>
#include <muster/process_choice.h>

namespace harness::fault {

// Each has the title that people see, one word.
struct Pause {
  static constexpr const char* kTitle = "pause";
  muster::ProcessChoice processes;
};

struct UseUpDescriptors {
  static constexpr const char* kTitle = "descriptors";
  muster::ProcessChoice processes;
  uint32_t leave = 0;
};

struct UseMemory {
  static constexpr const char* kTitle = "memory";
  // 0: all that is available but `leave`.
  uint64_t bytes = 0;
  uint64_t leave = 0;
};

struct UseCpu {
  static constexpr const char* kTitle = "cpu";
  uint32_t threads = 1;
};

struct FillDisk {
  static constexpr const char* kTitle = "full";
  std::string directory;
  uint64_t leave = 0;
  bool evenOurs = false;
};

struct MakeReadOnly {
  static constexpr const char* kTitle = "read-only";
  std::string directory;
};

struct TakeDown {
  static constexpr const char* kTitle = "down";
  std::string interface;
  bool evenOurs = false;
};

struct DisturbDisk {
  static constexpr const char* kTitle = "disk";
  std::string directory;
  muster::DiskDisturbance disturbance = {};
};

using NodeEffect = std::variant<Pause, UseUpDescriptors, UseMemory, UseCpu, FillDisk, MakeReadOnly,
                                TakeDown, DisturbDisk>;

std::string titleOf(const NodeEffect& effect);

// "processes named kvd", which stands behind the title and the nodes.
std::string toString(const NodeEffect& effect);
std::string toString(const muster::ProcessChoice& processes);

// Throw NodeError kInvalid for values out of their range.
void check(const NodeEffect& effect);
void check(const muster::ProcessChoice& processes);

}  // namespace harness::fault
