@0xe3a3becb7e51109d;
# Tells what a node is. Every fact is read when asked for, never cached by the agent.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("wire");
using Common = import "common.capnp";

interface FactsView $Common.least(observer) {
  read @0 () -> (facts :Facts, error :Common.Error);
  # Reads all facts. A field that cannot be read is left empty or zero.

  snapshot @1 () -> (items :List(SnapshotItem), error :Common.Error);
  # Lists what runs and is set up on the node, in an order that does not matter, for a comparison with a later list. The
  # agent's own processes and those of the kernel are left out, and so is what the node has no tool to show. Errors:
  # overloaded (there are more than 20 000 items).
}

struct SnapshotItem {
  kind @0 :Kind;
  what @1 :Data;   # Equal for equal things, such as "cat (pid 4711)".

  enum Kind {
    unspecified @0;
    process @1;
    mount @2;
    address @3;    # An address of an interface, or whether the interface is up.
    listener @4;   # A TCP or UDP port.
    rule @5;       # A line of `nft -s list ruleset`, behind the name of its table.
    qdisc @6;      # A line of `tc qdisc show`.
    unit @7;       # A service that runs or has failed, of systemd; only "starting" while the node's services start.
  }
}

struct Facts {
  hostname @0 :Text;
  osId @1 :Text;               # ID of os-release, such as "debian".
  osVersion @2 :Text;          # VERSION_ID, such as "12".
  osName @3 :Text;             # PRETTY_NAME, for people.
  kernelRelease @4 :Text;      # uname -r
  kernelVersion @5 :Text;      # uname -v
  architecture @6 :Text;       # uname -m
  bootId @7 :Text;
  machineId @8 :Text;
  uptimeNs @9 :Int64;          # Since the node's first process began, on the boot clock.
  serviceManager @10 :Text;    # "systemd", "sysv"; empty: unknown.
  virtualization @11 :Text;    # As systemd-detect-virt names it: "none", "kvm", "container" …; empty: unknown.
  cpus @12 :List(Cpu);
  numaNodes @13 :List(NumaNode);
  memory @14 :Memory;
  disks @15 :List(Disk);
  mounts @16 :List(Mount);
  interfaces @17 :List(Interface);
  agent @18 :Agent;
  capabilities @19 :List(Text) $Common.since(3);
  # Those of the keeper, which commands of root have: "mknod" (capabilities(7), without "CAP_"). Null: unknown.
}

struct Cpu {
  number @0 :UInt32;
  online @1 :Bool;
  model @2 :Text;
  socket @3 :UInt32;
  core @4 :UInt32;
  numaNode @5 :UInt32;
}

struct NumaNode {
  number @0 :UInt32;
  cpus @1 :List(UInt32);
  memoryBytes @2 :UInt64;
}

struct Memory {
  totalBytes @0 :UInt64;
  availableBytes @1 :UInt64;
  swapTotalBytes @2 :UInt64;
  swapFreeBytes @3 :UInt64;
}

struct Disk {
  name @0 :Text;               # "vda"
  sizeBytes @1 :UInt64;
  sectorBytes @2 :UInt32;
  rotational @3 :Bool;
  readOnly @4 :Bool;
  removable @5 :Bool;
  model @6 :Text;
  parent @7 :Text;             # The disk of a partition. Empty: this is a whole disk.
}

struct Mount {
  source @0 :Text;
  target @1 :Data;
  type @2 :Text;
  options @3 :Text;
  totalBytes @4 :UInt64;
  availableBytes @5 :UInt64;
}

struct Interface {
  name @0 :Text;
  index @1 :UInt32;
  macAddress @2 :Text;
  mtu @3 :UInt32;
  up @4 :Bool;                 # IFF_UP
  carrier @5 :Bool;            # The link has a peer (IFF_LOWER_UP).
  loopback @6 :Bool;
  speedMbit @7 :UInt32;        # 0: unknown.
  driver @8 :Text;
  addresses @9 :List(Address);

  struct Address {
    family @0 :Family;
    text @1 :Text;             # "10.77.0.11", "fe80::1"
    prefixLength @2 :UInt8;
    scope @3 :Text;            # "global", "link", "host"
    enum Family {
      unspecified @0;
      ipv4 @1;
      ipv6 @2;
    }
  }
}

struct Agent {
  version @0 :Text;
  startedRealtimeNs @1 :Int64;
  residentBytes @2 :UInt64;
  jobsRunning @3 :UInt32;
  sessions @4 :UInt32;
}
