// Finds the program of a helper on this machine, and tells on which nodes it can run.
#pragma once

#include <string>
#include <vector>

namespace harness::helper {

struct ProgramFile {
  enum class Kind { kElf, kPython };

  Kind kind = Kind::kElf;

  // What the test called it, without directories.
  std::string name;
  std::string path;
  std::string content;

  // The next two are of kElf. The architecture is as `uname -m` names it, but "i686" and "arm" for
  // their whole families.
  std::string architecture;

  // The loader that the program needs, such as "/lib64/ld-linux-x86-64.so.2". Empty: none.
  std::string interpreter;
};

// Looks beside this program and in the directories of MUSTER_HELPERS for a name without a slash.
// Throws NodeError without a node: kNotFound with all places where it is not, kInvalid for what is
// no program, kSystem if it cannot be read.
ProgramFile findProgram(const std::string& name);

// Reads the kind from the content. Throws NodeError kInvalid.
ProgramFile programOf(const std::string& path, std::string content);

// Returns why a node with this `uname -m` cannot run the program; empty if it can.
std::string whyNotOn(const ProgramFile& program, const std::string& architecture);

// Returns the functions that these addresses of the program belong to, inlined ones first, such as
// "Counter::add(long) at counter_helper.cc:12". Without addr2line it returns the addresses.
std::vector<std::string> functionsAt(const std::string& path,
                                     const std::vector<uint64_t>& addresses);

}  // namespace harness::helper
