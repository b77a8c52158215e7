@0x820942542a812f60;
# Disturbs the node for a while: packets from chosen peers are dropped, all or a part of them, an interface becomes slow
# or goes down, processes stand still or can open no more files, memory or processors are used up, a disk is full, slow
# or failing, or cannot be written.
#
# A fault is a lease. It ends with the session that added it, or after a time that was asked for. The kernel itself
# holds the lease of dropped packets and is told again while it shall last, so they end also when every process of the
# agent has been killed. All others are ended by the next keeper then. A fault that covers several nodes has the same
# id on each of them.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("wire");
using Common = import "common.capnp";

interface FaultView $Common.least(observer) {
  list @0 () -> (faults :List(FaultStatus), error :Common.Error);
  # Answers every fault of the node, whichever session added it. Counters are read from the kernel now.
}

interface Faults extends(FaultView) $Common.least(operator) {
  add @0 (spec :FaultSpec) -> (status :FaultStatus, error :Common.Error);
  # Begins the fault, and answers when the kernel shows it as it was asked for. Sent again with the same id, it answers
  # the same fault. After an error nothing of it is left. Errors: invalid (an address of the node itself, a rate out of
  # range, the agent's own port), unsupported (the text names the package that the node lacks), conflict (the id is
  # another identity's), overloaded, system (the node's tool failed, or it said that it worked and the kernel shows
  # nothing).

  heal @1 (id :Data) -> (found :Bool, status :FaultStatus, others :UInt32, error :Common.Error);
  # Ends the fault, and answers when the kernel shows nothing of it. `found` false: the node has no such fault, because
  # it was healed already or never begun. `status` has the last counters. `others` counts the faults that the node still
  # has. Errors: denied (it is another identity's), system (it is not gone, or it had ended before its time).

  probe @2 (probes :List(Probe), waitNs :Int64) -> (answered :List(Bool), error :Common.Error);
  # Sends one packet, or one TCP connection request, to each address at once, and says for each whether anything came
  # back within `waitNs` (at most 5 s): an answer, or a refusal by the peer's kernel. At most 64 probes.

  kill @3 (id :Data, processes :Processes) -> (killed :List(ProcessName), error :Common.Error);
  # Kills the processes, and answers when none of them lives. They are stopped first, so that none makes another
  # meanwhile. It is no lease: nothing brings them back. `id` are 16 random bytes; sent again with the same id, it kills
  # nothing and answers what it has killed. Errors: invalid, notFound (there is no such process), denied (one is the
  # agent's, or process 1), conflict (the id is another identity's), overloaded, system (one does not end).
}

struct FaultSpec {
  id @0 :Data;        # 16 random bytes that the controller chose.
  title @1 :Text;     # What the whole fault is to people, such as "isolate". [a-z-]{1,32}
  holdNs @2 :Int64;   # The fault lasts for this time whatever becomes of the session, at most 24 h. 0: it lasts as
                      # long as the session.
  effect :union {
    unspecified @3 :Void;
    drop @4 :Drop;
    link @5 :Link;
    pause @6 :Processes;
    descriptors @7 :Descriptors;
    memory @8 :MemoryUse;
    cpu @9 :CpuUse;
    full @10 :FullDisk;
    readOnly @11 :ReadOnlyDirectory;
    down @12 :InterfaceDown;
    disk @13 :DisturbedDisk;
  }
}

struct MemoryUse {
  # Uses up memory of the node, in a process that the kernel kills before all others when there is none left. Errors:
  # conflict (less is available), system (the process was ended).
  bytes @0 :UInt64;   # 0: all that is available but `leave`.
  leave @1 :UInt64;
}

struct CpuUse {
  threads @0 :UInt32;   # That run without a pause. 1 to 1024.
}

struct FullDisk {
  # Fills the disk of a directory with a file there. Errors: denied (it is the root file system, or the agent's state is
  # on it, and evenOurs is not set; or its files are memory, and would take more than half), conflict (it is full
  # already), unsupported (it has no size, or no fallocate).
  directory @0 :Text;
  leave @1 :UInt64;      # Bytes that are left free.
  evenOurs @2 :Bool;
}

struct ReadOnlyDirectory {
  # Makes what is below a directory read-only, by a mount there. Files that are open for writing stay so. Errors: denied
  # (the agent's state is below it), conflict (it is so already).
  directory @0 :Text;
}

struct DisturbedDisk {
  # Serves what is below a directory by a process of the agent (FUSE), which disturbs it. Files that are open already,
  # and processes whose working directory is there, are not disturbed. At the end, files that are open go on
  # undisturbed, unless losesUnsynced is set. A write of more than 1 MiB counts several times. Errors of `add`: denied
  # (the agent's state is below it), unsupported (the kernel lacks FUSE). An error of `heal` besides: system (a write
  # was to fail, and none did).
  directory @0 :Text;
  delayNs @1 :Int64;          # Delays each read that the kernel has not cached, each write and each sync. At most 10 s.
  bytesPerSecond @2 :UInt64;  # The rate of reads and writes together, from 4096. 0: as fast as the disk is.
  failFrom @3 :UInt64;        # The first write that fails, counted from 1. 0: none.
  failCount @4 :UInt64;       # How many writes fail from there on. 0: all.
  failWith @5 :WriteError;
  losesUnsynced @6 :Bool;     # At the end, the content of each file is what was last synced, as after a power failure.
                              # Files that are open then have no disk any more. Names are kept.

  enum WriteError {
    io @0;        # EIO
    noSpace @1;   # ENOSPC
  }
}

struct InterfaceDown {
  # Takes an interface down. Its addresses and routes are given back at the end. Errors: notFound (no such interface),
  # conflict (it is down already), denied (a controller is connected by it, and evenOurs is not set).
  interface @0 :Text;
  evenOurs @1 :Bool;     # Needs a holdNs of ten minutes at most. The answer may arrive only when it is up again; `add`,
                         # sent again with its id, is answered for ten minutes more.
}

struct Processes {
  # Which processes of the node are meant. The agent's own, process 1 and what the agent descends from are refused.
  union {
    unspecified @0 :Void;
    name @1 :Text;   # The program's as the kernel keeps it, or the last part of argv[0]. 1 to 255 bytes, no "/".
    pid @2 :Int32;
    unit @3 :Text;   # A service of systemd: all that is in its control group. 1 to 255 bytes, no "/".
  }
}

struct Descriptors {
  # Lowers how many files the processes may open, so that each can open `leave` more. Those that exist now are meant.
  processes @0 :Processes;
  leave @1 :UInt32;   # At most 1000000.
}

struct ProcessName {
  pid @0 :Int32;
  name @1 :Text;
}

struct Drop {
  # Drops packets that come in from these addresses. TCP packets to and from the agent's own ports pass.
  addresses @0 :List(Text);   # IPv4 and IPv6, at most 512. None may be of this node.
  peers @1 :List(Text);       # The names of the nodes that have them, for people.
  protocol @2 :Protocol;
  port @3 :UInt16;            # Only packets to this port. 0: all. With protocol any: of TCP and UDP.
  fromPort @4 :Bool;          # Also packets that come from this port, which are answers.
  partsPerMillion @5 :UInt32; # How many of a million packets are dropped, at random. 0: all of them.
  peerPorts @6 :List(UInt16); # Ports of the peers' agents: answers from there to a controller on this node pass.

  enum Protocol {
    any @0;
    tcp @1;
    udp @2;
  }
}

struct Link {
  # Makes what the node sends by one interface slow or unreliable. It belongs to the keeper alone: the kernel does not
  # end it by itself. Errors of `add` besides: notFound (no such interface), conflict (the interface is degraded
  # already, or has a queueing discipline that is not ours), unsupported (the node lacks both the discipline and what a
  # relay needs).
  interface @0 :Text;
  bitsPerSecond @1 :UInt64;  # From 8 kbit/s to 100 Gbit/s. 0: as fast as it is.
  delayNs @2 :Int64;         # Delays each packet, at most 60 s. This and all below need netem or a relay.
  jitterNs @3 :Int64;        # By how much the delay varies.
  duplicatePpm @4 :UInt32;   # How many of a million packets are sent twice.
  reorderPpm @5 :UInt32;     # How many are sent at once, before those that are delayed.
  corruptPpm @6 :UInt32;     # How many have a wrong bit.
}

struct Probe {
  address @0 :Text;
  protocol @1 :Drop.Protocol;  # any means udp.
  port @2 :UInt16;             # 0: one that hardly anything listens on.
}

struct FaultStatus {
  id @0 :Data;
  title @1 :Text;
  state @2 :State;
  sinceRealtimeNs @3 :Int64;
  remainingNs @4 :Int64;   # Until it ends by itself: of its time, or of its session's lease.
  isHeld @5 :Bool;         # It has a time of its own, and no session.
  owner @6 :Text;          # The identity that added it.
  peers @7 :List(Text);
  text @8 :Text;           # What it does, for people, such as "drops packets from 10.77.0.12".
  packets @9 :UInt64;      # Dropped so far. Of a link: sent so far.
  bytes @10 :UInt64;
  reason @11 :Text;        # Why it failed. Empty: it did not.
  witness @12 :Text;       # What the node has just seen of it, for people. Empty: nothing but the numbers above.

  enum State {
    unspecified @0;
    settingUp @1;
    active @2;       # The kernel has shown it.
    recovering @3;
    gone @4;         # The kernel has shown that nothing of it is left.
    failed @5;       # It ended before its time, or does not end.
  }
}
