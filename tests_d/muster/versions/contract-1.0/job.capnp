@0xe940ddf3f4d51213;
using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("wire");
using Common = import "common.capnp";
interface Jobs {
  run @0 (number :UInt64, spec :JobSpec, follow :Follow, acknowledge :List(UInt64))
      -> (progress :JobProgress, error :Common.Error);
  follow @1 (number :UInt64, follow :Follow) -> (progress :JobProgress, error :Common.Error);
  writeInput @2 (number :UInt64, chunk :Common.Chunk, end :Bool) -> (acceptedTo :UInt64, error :Common.Error);
  signal @3 (number :UInt64, signal :Int32, target :Target) -> (error :Common.Error);
  cancel @4 (number :UInt64, graceNs :Int64) -> (error :Common.Error);
  resize @5 (number :UInt64, columns :UInt16, rows :UInt16) -> (error :Common.Error);
  acknowledge @6 (numbers :List(UInt64)) -> (error :Common.Error);
  cancelOf @7 (sessionId :Data, number :UInt64, graceNs :Int64) -> (error :Common.Error);
  adopt @8 (sessionIds :List(Data), number :UInt64) -> (error :Common.Error);
  enum Target {
    process @0;
    all @1;
  }
}
interface JobView {
  list @0 (labels :List(Common.Label), max :UInt32, which :Which)
      -> (jobs :List(Summary), truncated :Bool, error :Common.Error);
  follow @1 (sessionId :Data, number :UInt64, follow :Follow) -> (progress :JobProgress, error :Common.Error);
  enum Which {
    all @0;
    alive @1;
  }
  struct Summary {
    sessionId @0 :Data;
    number @1 :UInt64;
    identity @2 :Text;
    labels @3 :List(Common.Label);
    argv @4 :List(Data);
    status @5 :JobStatus;
    alive @6 :Bool;
    processes @7 :UInt32;
    acknowledged @8 :Bool;
  }
}
struct JobSpec {
  argv @0 :List(Data);
  environment @1 :List(Variable);
  environmentBase @2 :EnvironmentBase;
  directory @3 :Data;
  user @4 :Text;
  group @5 :Text;
  umask @6 :UInt16 = 18;
  input @7 :Input;
  output @8 :StreamPolicy;
  errors @9 :StreamPolicy;
  mergeErrors @10 :Bool;
  terminal @11 :Terminal;
  deadlineNs @12 :Int64;
  graceNs @13 :Int64 = 2000000000;
  drainNs @14 :Int64 = 200000000;
  lifetime @15 :JobLifetime;
  labels @16 :List(Common.Label);
  limits @17 :List(Limit);
  niceness @18 :Int8;
  struct Variable {
    name @0 :Data;
    value @1 :Data;
  }
  enum EnvironmentBase {
    login @0;
    agent @1;
    none @2;
  }
  struct Input {
    union {
      none @0 :Void;
      inline @1 :Data;
      stream @2 :Void;
    }
  }
  struct StreamPolicy {
    retainedBytesMax @0 :UInt64;
    overflow @1 :Overflow;
  }
  enum Overflow {
    block @0;
    keepHead @1;
    keepTail @2;
    kill @3;
  }
  struct Terminal {
    columns @0 :UInt16 = 80;
    rows @1 :UInt16 = 24;
    type @2 :Text = "xterm-256color";
  }
  enum JobLifetime {
    session @0;
    detached @1;
  }
  struct Limit {
    resource @0 :Resource;
    value @1 :UInt64;
    enum Resource {
      unspecified @0;
      openFiles @1;
      coreBytes @2;
      fileBytes @3;
      addressSpaceBytes @4;
      lockedBytes @5;
      stackBytes @6;
      processesOfUser @7;
      cpuSeconds @8;
      memoryBytes @9;
      processes @10;
    }
  }
}
struct Follow {
  outputFrom @0 :UInt64;
  errorsFrom @1 :UInt64;
  bytesMax @2 :UInt32;
  waitNs @3 :Int64;
  until @4 :Until;
  releaseTo @5 :Bool;
  bytesMin @6 :UInt32;
  outputStoredTo @7 :UInt64;
  enum Until {
    change @0;
    ended @1;
  }
}
struct JobProgress {
  status @0 :JobStatus;
  output @1 :Common.Chunk;
  errors @2 :Common.Chunk;
  aheadBytesMax @3 :UInt32;
}
struct JobStatus {
  state @0 :State;
  outcome @1 :JobOutcome;
  pid @2 :Int32;
  startedRealtimeNs @3 :Int64;
  startedBoottimeNs @4 :Int64;
  elapsedNs @5 :Int64;
  output @6 :StreamStatus;
  errors @7 :StreamStatus;
  inputAcceptedTo @8 :UInt64;
  holders @9 :List(Process);
  leftRunning @10 :UInt32;
  usage @11 :Usage;
  stopping @12 :Stopping;
  enum Stopping {
    none @0;
    deadline @1;
    cancelled @2;
    outputLimit @3;
    sessionEnded @4;
  }
  enum State {
    unspecified @0;
    running @1;
    ended @2;
  }
  struct StreamStatus {
    producedBytes @0 :UInt64;
    droppedBytes @1 :UInt64;
    retainedFrom @2 :UInt64;
    retainedTo @3 :UInt64;
    ended @4 :Bool;
    sha256 @5 :Data;
  }
  struct Process {
    pid @0 :Int32;
    command @1 :Text;
  }
  struct Usage {
    cpuUserNs @0 :Int64;
    cpuSystemNs @1 :Int64;
    residentBytesMax @2 :UInt64;
  }
}
struct JobOutcome {
  union {
    unspecified @0 :Void;
    exited @1 :Int32;
    signalled @2 :Signal;
    notStarted @3 :Common.Error;
    deadline @4 :Ending;
    cancelled @5 :Ending;
    outputLimit @6 :Ending;
    sessionEnded @7 :Ending;
    lost @8 :Lost;
  }
  struct Signal {
    number @0 :Int32;
    coreDumped @1 :Bool;
    outOfMemory @2 :OutOfMemory;
  }
  enum OutOfMemory {
    unknown @0;
    no @1;
    perhaps @2;
    yes @3;
  }
  struct Ending {
    union {
      exited @0 :Int32;
      signalled @1 :Signal;
    }
  }
  struct Lost {
    reason @0 :Reason;
    text @1 :Text;
    enum Reason {
      unspecified @0;
      keeperRestarted @1;
      nodeRebooted @2;
      recordDamaged @3;
      supervisorKilled @4;
    }
  }
}
struct DetachedRecord {
  sessionId @0 :Data;
  number @1 :UInt64;
  identity @2 :Text;
  labels @3 :List(Common.Label);
  spec @4 :JobSpec;
  bootId @5 :Text;
  group @6 :Text;
}
