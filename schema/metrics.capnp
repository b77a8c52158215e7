@0xa5635f2ea0e5a618;
# Records what a node and some of its processes use of processors, memory, disks, network and descriptors.
#
# The agent takes samples by itself, also while the controller is away, and keeps the newest. The controller fetches
# them by number. It changes nothing on the node.
#
# Counters are what the kernel has counted since the node's boot or the start of the process. A share or a rate is the
# difference of two samples. Where a node shares a kernel, as a local node does, NodeUsage is about the whole machine,
# but for interfaces and the count of processes.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("wire");
using Common = import "common.capnp";

interface Metrics $Common.least(observer) {
  record @0 (recording :UInt64, processes :List(Data), intervalNs :Int64) -> (error :Common.Error);
  # Begins a recording of a number that the caller chose, and takes its first sample. If the session has one of this
  # number, it goes on as it is. Processes are chosen by their names: that of the program as the kernel keeps it, at
  # most 15 bytes, or the last part of argv[0]. Without names only the node is recorded. Names: at most 64, each of 1 to
  # 255 bytes without a slash or a control character. intervalNs: from 100 ms to 1 h. Errors: invalid, overloaded (the
  # session has 8 recordings, or the node 32), expired.

  read @1 (recording :UInt64, after :UInt64, waitNs :Int64)
      -> (samples :List(UsageSample), lostTo :UInt64, more :Bool, error :Common.Error);
  # Returns samples numbered above `after`, in order. If there are none it waits for the next one, for `waitNs` at most,
  # which is 20 s at most. The agent keeps 2 MiB of samples of a recording. `lostTo` is the number of the newest one
  # that it has dropped: what lies between `after` and it is lost. 0: none was dropped. `more` says that there are more
  # samples already. A call that is cancelled waits no longer. Errors: notFound (the session has no such recording),
  # invalid, expired.

  stop @2 (recordings :List(UInt64)) -> (error :Common.Error);
  # Ends recordings and forgets their samples. One that is not there has ended already. The end of the session ends all.
}

struct UsageSample {
  number @0 :UInt64;             # Counts the samples of the recording, from 1.
  realtimeNs @1 :Int64;          # CLOCK_REALTIME when the sample was begun.
  boottimeNs @2 :Int64;          # CLOCK_BOOTTIME then, which is never set.
  node @3 :NodeUsage;
  processes @4 :List(ProcessUsage);  # In order of pid, at most 256.
  processesLeftOut @5 :UInt32;   # Those beyond the 256.
}

struct NodeUsage {
  # A number that cannot be read is -1.
  processors @0 :Int32 = -1;          # Those that are online.
  busyNs @1 :Int64 = -1;              # Time of all processors that was neither idle nor waiting for a disk, nor stolen.
  idleNs @2 :Int64 = -1;              # The rest of their time.
  memoryTotalBytes @3 :Int64 = -1;
  memoryAvailableBytes @4 :Int64 = -1;  # As the kernel estimates it (MemAvailable).
  swapTotalBytes @5 :Int64 = -1;
  swapFreeBytes @6 :Int64 = -1;
  diskReadBytes @7 :Int64 = -1;       # Counted at whole disks that have a device, so without loop, md and dm.
  diskWrittenBytes @8 :Int64 = -1;
  networkReceivedBytes @9 :Int64 = -1;  # Counted at every interface of the node but the loopback.
  networkSentBytes @10 :Int64 = -1;
  descriptors @11 :Int64 = -1;        # Open files of the kernel (file-nr).
  processes @12 :Int64 = -1;          # Processes that the agent sees.
  load1 @13 :Float64 = -1;            # The load average of a minute.
}

struct ProcessUsage {
  # A number that cannot be read, perhaps for lack of a permission, is -1.
  pid @0 :Int32;
  startTicks @1 :UInt64;             # Tells two processes of one pid apart (field 22 of /proc/PID/stat).
  name @2 :Data;                     # The name by which it was chosen.
  cpuNs @3 :Int64 = -1;              # Processor time in user and kernel mode.
  residentBytes @4 :Int64 = -1;      # VmRSS
  anonymousBytes @5 :Int64 = -1;     # RssAnon and VmSwap: what the process itself has written to, and cannot drop.
  threads @6 :Int32 = -1;
  descriptors @7 :Int32 = -1;
  readBytes @8 :Int64 = -1;          # Fetched from storage (read_bytes of /proc/PID/io).
  writtenBytes @9 :Int64 = -1;       # Sent to storage (write_bytes).
}
