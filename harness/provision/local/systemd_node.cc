#include "harness/provision/local/systemd_node.h"

#include "harness/provision/local/agent_unit.h"

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

// The unit of the boot commands, which tells their end in the way of `nodeagent --role=init`.
constexpr char kBootUnit[] = R"(# Written by muster when the node was made.
[Unit]
Description=Boot commands of the cluster file
After=nodeagent.service

[Service]
Type=oneshot
RemainAfterExit=yes
# What the commands leave running stays.
KillMode=process
ExecStart=/bin/sh -c 'cd /run/muster; /etc/nodeagent/boot >boot.log 2>&1; \
  echo exit $$? >.boot.status; mv .boot.status boot.status'
)";

}  // namespace

void composeSystemd(NodeSpec& spec) {
  spec.argv = {"/lib/systemd/systemd", "--system", "--log-target=journal"};
  spec.privateUnits = true;
  const std::string units = "/etc/systemd/system/";
  for (const char* unit : kMasked) spec.files.push_back({units + unit, "", 0644, "/dev/null"});
  spec.files.push_back(
      {units + "default.target", "", 0644, "/lib/systemd/system/multi-user.target"});
  spec.files.push_back({"/etc/fstab", "# A node's root is mounted already.\n"});
  spec.files.push_back({units + "nodeagent.service", kAgentUnit});
  spec.files.push_back({units + "nodeagent.service.d/muster.conf", kAgentDropIn});
  std::string wants = units + "multi-user.target.wants/";
  spec.files.push_back({wants + "nodeagent.service", "", 0644, units + "nodeagent.service"});
  if (spec.bootStatus.empty()) return;
  spec.files.push_back({units + "muster-boot.service", kBootUnit});
  spec.files.push_back({wants + "muster-boot.service", "", 0644, units + "muster-boot.service"});
}

}  // namespace harness
