// The units by which systemd as process 1 of a node that shares its kernel with others starts the
// agent, and leaves alone what belongs to the machine.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace harness {

struct UnitFile {
  std::string path;
  std::string content;
  // The target of a symbolic link, which has no content. Empty: it is a file.
  std::string linkTo;
};

struct NodeUnits {
  // A directory of systemd for units, such as "/etc/systemd/system".
  std::string directory;
  // The directory on the node that gets boot.log and boot.status when the boot commands at
  // kBootScriptPath have run. Empty: there are none.
  std::string bootDirectory;
  // Variables of the agent, and so of its commands, by name.
  std::map<std::string, std::string> environment;
};

// Returns the files of the agent's unit, which multi-user.target wants, of that of the boot
// commands, and the masks of units that a node must not start.
std::vector<UnitFile> systemdUnits(const NodeUnits& units);

}  // namespace harness
