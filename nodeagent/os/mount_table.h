// Reads the table of mounts of this process, as proc(5) describes mountinfo. It looks at no mount.
#pragma once

#include <stdint.h>

#include <string>
#include <vector>

#include <kj/string.h>

namespace nodeagent {

struct MountLine {
  uint64_t id = 0;
  uint64_t parent = 0;
  // The directory of the file system that is mounted.
  std::string root;
  // Where it is mounted.
  std::string target;
  // Those of the mount and of the file system, with commas.
  std::string options;
  // Such as "ext4".
  std::string type;
  std::string source;
};

// Reads one line of the table. False: it is none.
bool readMountLine(const std::string& line, MountLine& mount);

// Returns the lines of a table. Mounts at one place stand in their order, the topmost last.
std::vector<MountLine> mountLines(kj::StringPtr table);

// Reads the table of a file. Fails with kind system if it cannot be read to its end, since a mount
// that is not seen would count as none.
std::vector<MountLine> readMounts(kj::StringPtr path = "/proc/self/mountinfo");

}  // namespace nodeagent
