// The kinds of changes of a node that end with a test: a kernel parameter, an address, a mount and
// the like, each as a plain value. change.h makes them.
//
//   change(node, Sysctl{.name = "net.ipv4.ip_forward", .value = "1"});
//   change(node, TmpfsMount{.directory = "/mnt/small", .bytes = 64 << 20});
//   change(servers(), HostsEntry{.address = "10.9.0.5", .names = {"backup"}});
//
// They say what is to be there, and touch nothing. Files have their own undo: see write_options.h.
//
// Things to get right:
//   * Sizes are bytes. Names are checked by the node, before it touches anything; a wrong one is
//     NodeError kInvalid.
//   * Whatever is added must not be there: NodeError kConflict. A parameter is set, whatever it
//   was.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace muster {

// Sets a kernel parameter. Parameters of all namespaces are not a local node's to set: NodeError
// kDenied.
struct Sysctl {
  // As sysctl(8) takes it, such as "net.ipv4.ip_forward" or "net/ipv4/conf/eth0.5/forwarding".
  std::string name = {};
  std::string value = {};
};

// Adds an address, with the length of its prefix, such as "10.9.0.5/24", to an interface.
struct ExtraAddress {
  std::string address = {};
  std::string interface = {};
};

// Gives an address names in /etc/hosts, before all other lines.
struct HostsEntry {
  std::string address = {};
  std::vector<std::string> names = {};
};

// Mounts a file system in memory on a directory, which is made if only it is missing. A directory
// that is a mount point already is NodeError kConflict.
struct TmpfsMount {
  std::string directory = {};
  uint64_t bytes = 0;
  // The permission bits of its root.
  uint32_t mode = 0755;
};

// Mounts a new, empty file system of `bytes` on a directory, as TmpfsMount does. It lies in a
// sparse file of the agent. NodeError kUnsupported if the node has no mkfs for it, or no loop
// devices.
struct LoopMount {
  std::string directory = {};
  uint64_t bytes = 0;
  // As mkfs(8) knows it, such as "ext4" or "xfs".
  std::string fileSystem = "ext4";
};

// Mounts what mount(8) of the node can mount, such as a directory of NFS or a file system of FUSE,
// on a directory, as TmpfsMount does. At the end it is detached: programs that have files open
// there keep them, and a process that serves it ends with the last. NodeError kSystem with the last
// line of mount(8), kUnsupported if the node has no such program.
struct NodeMount {
  std::string directory = {};
  // As mount(8) takes it, such as "server1:/export".
  std::string source = {};
  // Such as "nfs", "glusterfs" or "fuse.sshfs".
  std::string type = {};
  // As mount -o takes them, such as "ro,noatime". Empty means none.
  std::string options = {};
};

// Lets packets to a port in, before all rules of the node's firewall: in each chain of nftables or
// iptables that filters what comes in. A firewall that is started or reloaded later does not know
// of it. Change::details has the number of "chains", 0 on a node without a firewall.
struct OpenPort {
  enum class Protocol { kTcp, kUdp };

  uint16_t port = 0;
  Protocol protocol = Protocol::kTcp;
};

// Adds two interfaces, connected with each other and up.
struct VethPair {
  std::string name = {};
  std::string peer = {};
};

// Adds an interface, up, for one VLAN of another interface. NodeError kUnsupported if the kernel
// lacks VLANs.
struct Vlan {
  std::string interface = {};
  // From 1 to 4094.
  uint16_t id = 0;
  // Empty means "INTERFACE.ID".
  std::string name = {};
};

// Adds a bridge, up, of these interfaces, none of which may be part of another.
struct Bridge {
  std::string name = {};
  std::vector<std::string> ports = {};
};

// Adds a user by the node's useradd. Its home, if it has one, goes with it.
struct NodeUser {
  std::string name = {};
  // 0 means that the node chooses.
  uint32_t id = 0;
  // The primary group, which exists. Empty means what useradd does.
  std::string group = {};
  // Empty means what useradd does.
  std::string shell = {};
  bool withHome = false;
};

// Adds a group by the node's groupadd. 0 means that the node chooses the id.
struct NodeGroup {
  std::string name = {};
  uint32_t id = 0;
};

// Installs packages by apt-get or dnf, given by name or as files of the node, such as
// "/root/kvd.deb". Packages that are new on the node, also such as came along, are purged again.
// One that was there in another version keeps the new one. Change::details has the new ones with
// their versions.
struct Packages {
  std::vector<std::string> names = {};
};

// Gives a service variables, such as {"KVD_LOG", "debug"}: it finds them at its next start, and no
// more at the first start after the test. They win over those of its unit and of its files. A
// service that runs is not restarted, at neither time. Under systemd it is a drop-in file of the
// unit, below /run; with init scripts it is lines at the end of /etc/default/SERVICE (OpenRC:
// /etc/conf.d/SERVICE), which the script has to read, as those of Debian do. Services of users have
// none. NodeError kNotFound if there is no such service.
//
// Change::details has the "file". Names have letters, digits and "_" and do not begin with a digit;
// values are one line of UTF-8. At most 64 variables, 64 KiB together.
struct ServiceEnvironment {
  std::string service = {};
  std::map<std::string, std::string> variables = {};
};

// Gives variables to all commands that this program starts on the node from now on, as
// RunOptions::environment does to one; that one wins, and a command with EnvironmentBase::kNone has
// none. A later change wins over an earlier one. Names and values are as of ServiceEnvironment.
struct CommandEnvironment {
  std::map<std::string, std::string> variables = {};
};

// Any of them.
using ChangeSpec = std::variant<Sysctl, ExtraAddress, HostsEntry, TmpfsMount, LoopMount, NodeMount,
                                OpenPort, VethPair, Vlan, Bridge, NodeUser, NodeGroup, Packages,
                                ServiceEnvironment, CommandEnvironment>;

}  // namespace muster
