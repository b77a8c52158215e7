#include "harness/provision/local/systemd_node.h"

#include "harness/provision/systemd_units.h"

namespace harness {

void composeSystemd(NodeSpec& spec) {
  spec.argv = {"/lib/systemd/systemd", "--system", "--log-target=journal"};
  spec.privateUnits = true;
  const std::string units = "/etc/systemd/system";
  std::string bootDirectory = spec.bootStatus.empty() ? "" : "/run/muster";
  for (const UnitFile& file : systemdUnits({.directory = units, .bootDirectory = bootDirectory})) {
    spec.files.push_back({file.path, file.content, 0644, file.linkTo});
  }
  spec.files.push_back(
      {units + "/default.target", "", 0644, "/lib/systemd/system/multi-user.target"});
  spec.files.push_back({"/etc/fstab", "# A node's root is mounted already.\n"});
}

}  // namespace harness
