@0xc3f1a6b2d9e84705;
# Tells what went wrong on the node without anybody who asked for it: processes that crashed, reports of sanitizers, and
# what runs at this moment. It changes nothing.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("wire");
using Common = import "common.capnp";

interface Diagnosis $Common.least(operator) {
  # Reports show memory of programs, so an observer may not read them.

  crashes @0 (from :CrashMark) -> (crashes :List(Crash), next :CrashMark, error :Common.Error);
  # Lists what came since `from`, which is the `next` of an earlier call, in no order and at most 256 of each source.
  # Commands of other sessions are left out; everything else of the node counts. Without realtimeNs the list is empty,
  # and `next` is the present. The agent keeps nothing for the caller. A crash may be told again by a later call; its
  # `key` is the same then.

  processes @1 () -> (text :Data, error :Common.Error);
  # Describes the processes of the node for people: a table, and where in the kernel each waits. At most 256 KiB, of
  # what can be read in two seconds.
}

struct CrashMark {
  epoch @0 :Data;        # Differs between runs of the keeper; that of another one is no error.
  position @1 :UInt64;   # The number of the last end of a command that is known.
  realtimeNs @2 :Int64;  # By the node's clock. 0: this is no mark yet.
}

struct Crash {
  source @0 :Source;
  key @1 :Data;           # Tells crashes apart.
  pid @2 :Int32;          # As the node numbers processes. 0: unknown.
  program @3 :Data;       # The program or service, as its source names it.
  signal @4 :Int32;       # 0: unknown, or none.
  jobNumber @5 :UInt64;   # The command of the caller's session. 0: none is known.
  provoked @6 :Bool;      # The signal was sent through the agent.
  dumped @7 :Bool;        # The kernel made a core of it.
  outOfMemory @8 :Bool;   # The kernel killed it for lack of memory.
  path @9 :Data;          # The file of the core, or of the report. Empty: there is none that is known.
  executable @10 :Data;   # The program, as a core tells it. Empty: unknown.
  text @11 :Data;         # The report's beginning, or what the source says beside. At most 8 KiB.

  enum Source {
    unspecified @0;
    command @1;      # The agent saw the end of a command's first process.
    memory @2;       # The control group of a command counts processes that were killed for lack of memory.
    report @3;       # A sanitizer, by the standard error of a command or by a file that its options name.
    kernel @4;       # The kernel's log.
    core @5;         # A core file.
    journal @6;      # systemd-coredump, which keeps the core; `path` is its file.
    service @7;      # systemd saw the end of a service's process.
  }
}
