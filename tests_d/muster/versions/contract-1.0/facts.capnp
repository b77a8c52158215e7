@0xe3a3becb7e51109d;
using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("wire");
using Common = import "common.capnp";
interface FactsView {
  read @0 () -> (facts :Facts, error :Common.Error);
}
struct Facts {
  hostname @0 :Text;
  osId @1 :Text;
  osVersion @2 :Text;
  osName @3 :Text;
  kernelRelease @4 :Text;
  kernelVersion @5 :Text;
  architecture @6 :Text;
  bootId @7 :Text;
  machineId @8 :Text;
  uptimeNs @9 :Int64;
  serviceManager @10 :Text;
  virtualization @11 :Text;
  cpus @12 :List(Cpu);
  numaNodes @13 :List(NumaNode);
  memory @14 :Memory;
  disks @15 :List(Disk);
  mounts @16 :List(Mount);
  interfaces @17 :List(Interface);
  agent @18 :Agent;
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
  name @0 :Text;
  sizeBytes @1 :UInt64;
  sectorBytes @2 :UInt32;
  rotational @3 :Bool;
  readOnly @4 :Bool;
  removable @5 :Bool;
  model @6 :Text;
  parent @7 :Text;
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
  up @4 :Bool;
  carrier @5 :Bool;
  loopback @6 :Bool;
  speedMbit @7 :UInt32;
  driver @8 :Text;
  addresses @9 :List(Address);
  struct Address {
    family @0 :Family;
    text @1 :Text;
    prefixLength @2 :UInt8;
    scope @3 :Text;
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
