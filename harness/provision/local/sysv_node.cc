#include "harness/provision/local/sysv_node.h"

#include <unistd.h>

#include "harness/provision/local/agent_script.h"

namespace harness {
namespace {

// Where the node sees sysvinit's programs.
constexpr char kProgramsInNode[] = "/usr/lib/muster/sysvinit";
constexpr const char* kPrograms[] = {"init",     "telinit", "shutdown", "halt",
                                     "poweroff", "reboot",  "runlevel"};
constexpr char kUnpacked[] = "/usr/local/lib/muster/sysvinit";

// There is no terminal, and no disk to check. The last entries end the process namespace of the
// node, and so the node.
constexpr char kInittab[] = R"(# Written by muster when the node was made.
id:2:initdefault:
l0:0:wait:/etc/init.d/rc 0
l1:1:wait:/etc/init.d/rc 1
l2:2:wait:/etc/init.d/rc 2
l3:3:wait:/etc/init.d/rc 3
l4:4:wait:/etc/init.d/rc 4
l5:5:wait:/etc/init.d/rc 5
l6:6:wait:/etc/init.d/rc 6
h0:0:wait:/usr/lib/muster/sysvinit/halt -d -f -n
r6:6:wait:/usr/lib/muster/sysvinit/reboot -d -f -n
)";

constexpr char kRunScripts[] = R"(#!/bin/sh
# Written by muster when the node was made: runs the scripts of runlevel $1, first those that stop.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
for script in "/etc/rc$1.d"/K[0-9]*; do
  [ -x "$script" ] && "$script" stop
done
for script in "/etc/rc$1.d"/S[0-9]*; do
  [ -x "$script" ] && "$script" start
done
# The node is up when its scripts have run, and nothing of them is left.
cd /run/muster && [ -e .boot.status ] && exec mv .boot.status boot.status
exit 0
)";

// Notes how the boot commands ended, in the words of `nodeagent --role=init`.
constexpr char kBootScript[] = R"(#!/bin/sh
# Written by muster when the node was made: runs the boot commands of the cluster file.
### BEGIN INIT INFO
# Provides:          muster-boot
# Required-Start:    nodeagent
# Required-Stop:
# Default-Start:     2 3 4 5
# Default-Stop:
# Short-Description: Boot commands of the cluster file
### END INIT INFO
[ "$1" = start ] || exit 0
# Another runlevel is no other start.
[ -e /run/muster-boot.done ] && exit 0
: > /run/muster-boot.done
cd /run/muster || exit 1
status=0
if [ -x /etc/nodeagent/boot ]; then
  /etc/nodeagent/boot > boot.log 2>&1
  status=$?
fi
echo "exit $status" > .boot.status
)";

void link(NodeSpec& spec, const std::string& path, const std::string& target) {
  spec.files.push_back({path, "", 0644, target});
}

}  // namespace

std::string findSysvinit() {
  // An image of a distribution that runs sysvinit has it in place.
  bool isOwn = ::access("/etc/inittab", F_OK) == 0 && ::access("/run/systemd/system", F_OK) != 0;
  std::string directory = isOwn ? "/sbin" : std::string(kUnpacked) + "/sbin";
  return ::access((directory + "/init").c_str(), X_OK) == 0 ? directory : "";
}

std::string sysvinitRemedy() {
  return std::string("apt-get download sysvinit-core && dpkg-deb -x sysvinit-core_*.deb ") +
         kUnpacked;
}

void composeSysvinit(NodeSpec& spec, const std::string& programs) {
  spec.argv = {std::string(kProgramsInNode) + "/init"};
  spec.privateUnits = true;
  // A node halts by reboot(2), which ends its process namespace, and nothing of the machine.
  spec.capabilities.push_back("sys_boot");
  spec.binds.push_back({programs, kProgramsInNode, true});
  for (const char* program : kPrograms) {
    link(spec, std::string("/sbin/") + program, std::string(kProgramsInNode) + "/" + program);
  }
  spec.files.push_back({"/etc/fstab", "# A node's root is mounted already.\n"});
  spec.files.push_back({"/etc/inittab", kInittab});
  spec.files.push_back({"/etc/init.d/rc", kRunScripts, 0755});
  spec.files.push_back({"/etc/init.d/nodeagent", kAgentScript, 0755});
  spec.files.push_back({"/etc/init.d/muster-boot", kBootScript, 0755});
  for (const std::string level : {"2", "3", "4", "5"}) {
    link(spec, "/etc/rc" + level + ".d/S90nodeagent", "../init.d/nodeagent");
    link(spec, "/etc/rc" + level + ".d/S91muster-boot", "../init.d/muster-boot");
  }
  for (const std::string level : {"0", "1", "6"}) {
    link(spec, "/etc/rc" + level + ".d/K01nodeagent", "../init.d/nodeagent");
  }
}

}  // namespace harness
