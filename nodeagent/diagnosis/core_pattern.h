// Reads where the kernel puts core files. It never changes that: the setting belongs to the whole
// machine.
#pragma once

#include <string>

namespace nodeagent::diagnosis {

// A core_pattern of the kernel (core(5)).
struct CorePattern {
  enum class Kind {
    // The kernel writes none, or where only it knows.
    kNone,
    kFiles,

    // systemd-coredump takes them.
    kSystemd
  };
  Kind kind = Kind::kNone;

  // These two belong to kFiles. A path without a slash at its beginning is relative to the
  // directory of the process; empty: that directory itself.
  std::string directory;

  // A pattern of fnmatch(3) for the file's name, and whether it is a plain name.
  std::string name;
  bool isPlainName = false;
};

// Is core_uses_pid.
enum class CorePid { kNotAdded, kAdded };

CorePattern parseCorePattern(const std::string& text, CorePid added);

// Reads that of this node.
CorePattern corePattern();

}  // namespace nodeagent::diagnosis
