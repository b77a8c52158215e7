@0x8bb56563d6fb369f;
# Changes settings of the node for as long as a session lasts: kernel parameters, addresses, names of hosts, interfaces,
# mounts, users, groups, packages, and variables of services and commands.
#
# A change is a lease. What was there before comes back when the session or scope that made it ends, however it ends. A
# keeper that was killed is followed by one that takes back what the killed one has left.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("wire");
using Common = import "common.capnp";

interface ChangeView $Common.least(observer) {
  list @0 () -> (changes :List(ChangeStatus), error :Common.Error);
  # Answers every change of the node that was not taken back, whichever session made it, the oldest first.
}

interface Changes extends(ChangeView) $Common.least(operator) {
  make @0 (spec :ChangeSpec) -> (status :ChangeStatus, error :Common.Error);
  # Makes the change, and answers when it is there. Sent again with the same id, it answers the same change. After an
  # error nothing of it is left. Errors: invalid (a name, address or size that can never be), notFound (no such
  # parameter, interface, directory), conflict (what should be added is there already, or the id is another identity's),
  # denied (the agent is not root, or the kernel refuses), unsupported (the text names the program that the node lacks),
  # overloaded, system (the text is the last line of the node's own tool).

  undo @1 (id :Data) -> (found :Bool, error :Common.Error);
  # Takes the change back before its session ends. `found` false: the node has no such change, because it was taken back
  # already or never made. Errors: denied (it is another identity's), and those of `make`; the change is then still in
  # the list, and is tried again at the session's end.
}

struct ChangeSpec {
  id @0 :Data;   # 16 random bytes that the controller chose.
  kind :union {
    unspecified @1 :Void;
    sysctl @2 :SysctlChange;
    address @3 :AddressChange;
    hosts @4 :HostsChange;
    tmpfs @5 :TmpfsChange;
    loop @6 :LoopChange;
    veth @7 :VethChange;
    vlan @8 :VlanChange;
    bridge @9 :BridgeChange;
    user @10 :UserChange;
    group @11 :GroupChange;
    packages @12 :PackagesChange;
    mount @13 :MountChange;
    port @14 :PortChange;
    serviceEnvironment @15 :ServiceEnvironmentChange;
    commandEnvironment @16 :CommandEnvironmentChange;
  }
}

struct SysctlChange {
  # Sets a kernel parameter. If it is changed twice, the first value comes back when both are over, in whichever order
  # they end.
  name @0 :Text;    # As sysctl(8) takes it, such as "net.ipv4.ip_forward" or "net/ipv4/conf/eth0.5/forwarding".
  value @1 :Text;   # One line of at most 4096 bytes.
}

struct AddressChange {
  # Adds an address to an interface. An address that the node has, on any interface, is error conflict.
  address @0 :Text;    # With the length of the prefix, such as "10.9.0.5/24" or "fd00::5/64".
  interface @1 :Text;
}

struct HostsChange {
  # Adds a line to /etc/hosts, before all others.
  address @0 :Text;
  names @1 :List(Text);   # 1 to 32 host names.
}

struct TmpfsChange {
  # Mounts a file system in memory. The directory is made if it is missing; its parent must exist. One that is a mount
  # point already is error conflict.
  directory @0 :Data;
  bytes @1 :UInt64;       # At least 4096.
  mode @2 :UInt32 = 493;  # The permission bits of its root; octal 0755.
}

struct LoopChange {
  # Mounts a new file system of that size, which lies in a file of the agent. Otherwise as TmpfsChange.
  directory @0 :Data;
  bytes @1 :UInt64;       # At least 1 MiB. The file is sparse.
  fileSystem @2 :Text;    # [a-z0-9]{1,16}; the node's mkfs.NAME makes it.
}

struct MountChange {
  # Mounts what mount(8) of the node can mount, such as a directory of NFS or a file system of FUSE. Otherwise as
  # TmpfsChange. At the end it is detached, so what has files open there keeps them.
  directory @0 :Data;
  source @1 :Text;    # 1 to 4095 bytes without control characters, not beginning with "-".
  type @2 :Text;      # [a-z0-9._-]{1,32}, such as "glusterfs", "nfs" or "fuse.sshfs".
  options @3 :Text;   # As of mount -o. Empty: none.
}

struct PortChange {
  # Lets packets to a port in, before all rules of the node's firewall. It is a rule in each chain of nftables that
  # filters what comes in, or of iptables where that made the chain. A node without a firewall needs none.
  port @0 :UInt16;
  isUdp @1 :Bool;
}

struct VethChange {
  # Adds two connected interfaces, both up.
  name @0 :Text;
  peer @1 :Text;
}

struct VlanChange {
  # Adds an interface, up, which sends and receives the packets of one VLAN through another interface.
  interface @0 :Text;
  id @1 :UInt16;     # 1 to 4094.
  name @2 :Text;     # Empty: INTERFACE.ID.
}

struct BridgeChange {
  # Adds a bridge, up. An interface that is part of another bridge is error conflict.
  name @0 :Text;
  ports @1 :List(Text);   # At most 32 interfaces, which become part of it.
}

struct UserChange {
  # Adds a user by the node's useradd; its home goes with it. A user of that name is error conflict.
  name @0 :Text;
  id @1 :UInt32;            # 0: the node chooses.
  group @2 :Text;           # An existing primary group. Empty: as the node's useradd does by default.
  shell @3 :Text;           # Empty: as the node's useradd does by default.
  withHome @4 :Bool;
}

struct GroupChange {
  name @0 :Text;
  id @1 :UInt32;            # 0: the node chooses.
}

struct PackagesChange {
  # Installs packages by apt-get or dnf. Those that were not installed before, also such as came along, are removed
  # again; one that was replaced by another version keeps that.
  names @0 :List(Text);     # 1 to 64 names, or absolute paths of package files on the node.
}

struct EnvironmentVariable {
  name @0 :Text;    # [A-Za-z_][A-Za-z0-9_]{0,254}
  value @1 :Text;   # One line of at most 32 KiB of UTF-8, without control characters but tabs.
}

struct ServiceEnvironmentChange {
  # Gives a service variables, which it finds at its next start, and no more at the first start after the end. They win
  # over those of its unit and files. Under systemd it is a drop-in file of the unit in /run; with scripts, it is lines
  # at the end of /etc/default/SERVICE (OpenRC: /etc/conf.d/SERVICE), which the script has to read.
  service @0 :Text;                            # As Services takes it. One that is unknown is error notFound.
  variables @1 :List(EnvironmentVariable);     # 1 to 64, at most 64 KiB together. The last of a name wins.
}

struct CommandEnvironmentChange {
  # Gives variables to the commands that the session starts from now on, in whichever scope of it. Those of a command's
  # own specification win, and one of environmentBase none gets none.
  variables @0 :List(EnvironmentVariable);     # Bounded as those of ServiceEnvironmentChange.
}

struct ChangeStatus {
  id @0 :Data;
  kind @1 :Text;             # "sysctl", "address", "hosts", …
  text @2 :Text;             # What it does, for people, such as "sets net.ipv4.ip_forward to 1".
  owner @3 :Text;            # The identity that made it.
  sinceRealtimeNs @4 :Int64;
  state @5 :State;
  reason @6 :Text;           # Why it could not be taken back. Empty unless the state is failed.
  details @7 :List(Common.Label);
  # What became known when it was made: of a sysctl "before", of packages the version of each that is new.

  enum State {
    unspecified @0;
    making @1;
    made @2;
    undoing @3;
    failed @4;
  }
}
