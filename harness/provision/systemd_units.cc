#include "harness/provision/systemd_units.h"

#include "harness/provision/agent_files.h"
#include "harness/provision/agent_unit.h"

namespace harness {
namespace {

constexpr const char* kMasked[] = {"console-getty.service",
                                   "container-getty@.service",
                                   "dev-hugepages.mount",
                                   "dev-mqueue.mount",
                                   "getty.target",
                                   "getty@.service",
                                   "kmod-static-nodes.service",
                                   "proc-sys-fs-binfmt_misc.automount",
                                   "serial-getty@.service",
                                   "sys-fs-fuse-connections.mount",
                                   "sys-kernel-config.mount",
                                   "sys-kernel-debug.mount",
                                   "sys-kernel-tracing.mount",
                                   "systemd-binfmt.service",
                                   "systemd-firstboot.service",
                                   "systemd-hwdb-update.service",
                                   "systemd-journald-audit.socket",
                                   "systemd-machine-id-commit.service",
                                   "systemd-modules-load.service",
                                   "systemd-networkd.service",
                                   "systemd-networkd.socket",
                                   "systemd-pstore.service",
                                   "systemd-random-seed.service",
                                   "systemd-remount-fs.service",
                                   "systemd-resolved.service",
                                   "systemd-sysctl.service",
                                   "systemd-timesyncd.service",
                                   "systemd-udev-trigger.service",
                                   "systemd-udevd-control.socket",
                                   "systemd-udevd-kernel.socket",
                                   "systemd-udevd.service"};

// Turns the watchdog off: a node that was frozen for longer than its time must find its agent and
// its jobs alive.
constexpr char kAgentDropIn[] = R"(# Written by muster when the node was made.
[Service]
WatchdogSec=0
)";

// The beginning of the unit of the boot commands, which tells their end in the way of `nodeagent
// --role=init`.
constexpr char kBootUnit[] = R"(# Written by muster when the node was made.
[Unit]
Description=Boot commands of the cluster file
After=nodeagent.service

[Service]
Type=oneshot
RemainAfterExit=yes
# What the commands leave running stays.
KillMode=process
)";

std::string bootUnit(const std::string& directory) {
  return std::string(kBootUnit) + "ExecStart=/bin/sh -c 'cd " + directory + "; " + kBootScriptPath +
         " >boot.log 2>&1; \\\n"
         "  echo exit $$? >.boot.status; mv .boot.status boot.status'\n";
}

// Quotes an assignment as systemd.exec(5) reads it.
std::string environmentLine(const std::string& name, const std::string& value) {
  std::string line = "Environment=\"";
  for (char each : name + "=" + value) {
    if (each == '\n') {
      line += "\\n";
      continue;
    }
    if (each == '"' || each == '\\') line += '\\';
    if (each == '%') line += '%';
    line += each;
  }
  return line + "\"\n";
}

}  // namespace

std::vector<UnitFile> systemdUnits(const NodeUnits& units) {
  const std::string& directory = units.directory;
  std::vector<UnitFile> files;
  for (const char* unit : kMasked) files.push_back({directory + "/" + unit, "", "/dev/null"});
  std::string dropIn = kAgentDropIn;
  for (const auto& [name, value] : units.environment) dropIn += environmentLine(name, value);
  files.push_back({directory + "/nodeagent.service", kAgentUnit, ""});
  files.push_back({directory + "/nodeagent.service.d/muster.conf", dropIn, ""});
  std::string wants = directory + "/multi-user.target.wants/";
  files.push_back({wants + "nodeagent.service", "", directory + "/nodeagent.service"});
  if (units.bootDirectory.empty()) return files;
  files.push_back({directory + "/muster-boot.service", bootUnit(units.bootDirectory), ""});
  files.push_back({wants + "muster-boot.service", "", directory + "/muster-boot.service"});
  return files;
}

}  // namespace harness
