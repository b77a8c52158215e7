@0xe940ddf3f4d51213;
# Runs commands on the node. A job has a number that the caller chose within its session, bounded retained output, and
# exactly one outcome. Starting the same number again attaches to it: nothing runs twice.

# Over budget: this is one service, whose meaning is in its comments.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("wire");
using Common = import "common.capnp";

interface Jobs $Common.least(operator) {
  run @0 (number :UInt64, spec :JobSpec, follow :Follow, acknowledge :List(UInt64))
      -> (progress :JobProgress, error :Common.Error);
  # Starts job `number` (from 1, never reused in the session), or attaches to it, and then waits as the method
  # `follow` does, so that a short command is one round trip. `acknowledge` has the effect of the method of that name.
  # Errors: invalid (the spec; the text names the field), conflict (the number has another spec), expired (the number
  # was acknowledged), overloaded. A program that cannot be started is an outcome, not an error.

  follow @1 (number :UInt64, follow :Follow) -> (progress :JobProgress, error :Common.Error);
  # Waits for output or the end of a job. Errors: notFound, invalid (an offset beyond what was produced).

  writeInput @2 (number :UInt64, chunk :Common.Chunk, end :Bool) -> (acceptedTo :UInt64, error :Common.Error);
  # Offers bytes of standard input by offset. The agent holds the bytes below `acceptedTo` and ignores them when they
  # are sent again; bytes above it must be sent again later (the window is 1 MiB). `end` closes the input after this
  # chunk. Errors: notFound, corrupt (a gap, or a check sum), conflict (the job has no input stream, or it was closed
  # at another offset). If the job closed its input itself, bytes are accepted and dropped.

  signal @3 (number :UInt64, signal :Int32, target :Target) -> (error :Common.Error);
  # Sends a signal. A job that has ended is not an error. Errors: notFound, invalid.

  cancel @4 (number :UInt64, graceNs :Int64) -> (error :Common.Error);
  # Ends the job and every process of it: TERM, then KILL after `graceNs` (0: at once; negative: the spec's own
  # grace). Answers at once; the outcome becomes `cancelled`. If the job has ended, this kills the processes that it
  # left running.

  resize @5 (number :UInt64, columns :UInt16, rows :UInt16) -> (error :Common.Error);
  # Sets the size of a job's terminal.

  acknowledge @6 (numbers :List(UInt64)) -> (error :Common.Error);
  # Says that the caller needs nothing more of these ended jobs. Their output is deleted and their numbers are spent.
  # Unknown numbers and those of running jobs are ignored. Processes that a job left running stay with the session.

  cancelOf @7 (sessionId :Data, number :UInt64, graceNs :Int64) -> (error :Common.Error);
  # Cancels a job, as `cancel` does, of any session of the caller's own identity; the role admin may cancel
  # everybody's. It also finds a job that was acknowledged and left processes running. Errors: notFound, invalid,
  # denied (the job is another identity's).

  adopt @8 (sessionIds :List(Data), number :UInt64) -> (error :Common.Error);
  # Takes detached job `number` over from the first of these sessions that has it. It belongs to this session from now
  # on, under the same number. A controller goes on with such a job in this way after a restart of the agent, which
  # ends sessions. A job that this session has already is not an error. Errors: notFound (no session has it, because
  # it was never begun or was acknowledged), denied (it is another identity's), conflict (its session is open, or the
  # number is taken here).

  enum Target {
    process @0;   # The job's first process.
    all @1;       # Every process of the job, whatever session or group it moved to.
  }
}

interface JobView $Common.least(observer) {
  # Sees the jobs of every session, and changes nothing.

  list @0 (labels :List(Common.Label), max :UInt32, which :Which)
      -> (jobs :List(Summary), truncated :Bool, error :Common.Error);
  # Lists the jobs that carry all of `labels`, the newest first. `max` is at most 1000; 0 means 1000. An agent that
  # does not know `which` yet answers with all.

  follow @1 (sessionId :Data, number :UInt64, follow :Follow) -> (progress :JobProgress, error :Common.Error);
  # Follows a job of any session, as Jobs.follow does.

  enum Which {
    all @0;     # Jobs that were not acknowledged yet, and those of which a process runs.
    alive @1;   # Jobs of which a process runs: the command's own, or one that it left behind.
  }

  struct Summary {
    sessionId @0 :Data;
    number @1 :UInt64;
    identity @2 :Text;       # Who started it.
    labels @3 :List(Common.Label);
    argv @4 :List(Data);     # Cut at 64 items of 256 bytes; what looks like a secret is replaced by "<secret>".
    status @5 :JobStatus;
    alive @6 :Bool;          # A process of it runs.
    processes @7 :UInt32;    # Its processes that run now. 0 while it is being launched.
    acknowledged @8 :Bool;   # Its output is deleted; it is listed for the processes that it left running.
  }
}

struct JobSpec {
  argv @0 :List(Data);
  # At least one item, each without NUL, 4096 items and 1 MiB at most. No shell is involved. argv[0] without a slash
  # is looked up in the PATH of the job's environment.

  environment @1 :List(Variable);   # Added to the base, later ones win. At most 1024 and 256 KiB.
  environmentBase @2 :EnvironmentBase;
  directory @3 :Data;      # Working directory; empty: "/".
  user @4 :Text;           # Name or decimal uid; empty: the keeper's own. Groups come from the node's user database.
  group @5 :Text;          # Name or decimal gid; empty: the user's primary group.
  umask @6 :UInt16 = 18;   # 18 is octal 022.
  input @7 :Input;
  output @8 :StreamPolicy;  # For standard output.
  errors @9 :StreamPolicy;  # For standard error.
  mergeErrors @10 :Bool;    # Standard error goes into standard output, in order; `errors` is ignored.
  terminal @11 :Terminal;   # Absent: pipes. Present: a pseudo terminal; implies mergeErrors, and input as a stream.

  deadlineNs @12 :Int64;
  # The time allowed from the start; after it the whole job is killed with outcome `deadline`. It must be positive;
  # Int64's maximum means none.

  graceNs @13 :Int64 = 2000000000;   # Between TERM and KILL, for the deadline, a cancel and the session's end.

  drainNs @14 :Int64 = 200000000;
  # How long to wait, after the process has ended, for end-of-file on its output while descendants hold it open.

  lifetime @15 :JobLifetime;
  labels @16 :List(Common.Label);   # In addition to the session's. At most 32.
  limits @17 :List(Limit);
  niceness @18 :Int8;

  struct Variable {
    name @0 :Data;    # Not empty, no "=", no NUL.
    value @1 :Data;   # No NUL. Never logged.
  }

  enum EnvironmentBase {
    login @0;     # PATH, HOME, USER, LOGNAME, SHELL, LANG=C.UTF-8 of the job's user.
    agent @1;     # The environment that the keeper was started with.
    none @2;      # Nothing but `environment` and NODEAGENT_JOB.
    # NODEAGENT_JOB is added to every base, because the agent finds by it processes that left the job's control group.
  }

  struct Input {
    union {
      none @0 :Void;     # /dev/null
      inline @1 :Data;   # At most 256 KiB, then end of file.
      stream @2 :Void;   # Sent by writeInput, and ended by its `end`.
    }
  }

  struct StreamPolicy {
    retainedBytesMax @0 :UInt64;   # From 4 KiB to 4 GiB; 0 means 64 MiB.
    overflow @1 :Overflow;
  }

  enum Overflow {
    block @0;      # Stop reading, so that the process waits and nothing is lost.
    keepHead @1;   # Keep the first bytes, drop and count the rest.
    keepTail @2;   # Keep the last bytes, drop and count the oldest.
    kill @3;       # End the job with outcome `outputLimit`.
  }

  struct Terminal {
    columns @0 :UInt16 = 80;
    rows @1 :UInt16 = 24;
    type @2 :Text = "xterm-256color";   # TERM
  }

  enum JobLifetime {
    session @0;    # Killed when the session ends, with all that it left running.
    detached @1;   # Goes on when the session ends, and over a restart of front and keeper.
  }

  struct Limit {
    resource @0 :Resource;
    value @1 :UInt64;         # The maximum of UInt64: unlimited.

    enum Resource {
      unspecified @0;
      openFiles @1;           # RLIMIT_NOFILE
      coreBytes @2;           # RLIMIT_CORE
      fileBytes @3;           # RLIMIT_FSIZE
      addressSpaceBytes @4;   # RLIMIT_AS
      lockedBytes @5;         # RLIMIT_MEMLOCK
      stackBytes @6;          # RLIMIT_STACK
      processesOfUser @7;     # RLIMIT_NPROC
      cpuSeconds @8;          # RLIMIT_CPU
      memoryBytes @9;         # Limits the whole job, by cgroup; error unsupported where there is none.
      processes @10;          # Limits the whole job, by cgroup; error unsupported where there is none.
    }
  }
}

struct Follow {
  # Says what to wait for, and which output the answer brings.
  outputFrom @0 :UInt64;   # Offset in standard output from which to answer. Bytes below it stay retained.
  errorsFrom @1 :UInt64;
  bytesMax @2 :UInt32;     # Bounds both chunks together, at most Limits.chunkBytesMax. 0: only the status.
  waitNs @3 :Int64;        # 0: answer at once. At most 20 s; more is cut to that.
  until @4 :Until;

  releaseTo @5 :Bool;
  # Says that the caller has stored everything below outputFrom and errorsFrom. The agent may drop those bytes, which
  # lets a job that blocks on a full retention go on.

  bytesMin @6 :UInt32;
  # Above 0, this asks for a range of bulk output. The answer waits until bytesMin bytes of standard output are there
  # from outputFrom on, but for 20 ms at most once some of them are there. The end of the job, bytes of standard
  # error, a full retention and `waitNs` end the wait as well; `until` is ignored. outputFrom may then lie beyond the
  # bytes produced so far, by JobProgress.aheadBytesMax at most, so that several ranges can be asked for without
  # waiting for an answer. An older agent ignores this field, and shows that by an aheadBytesMax of 0.

  outputStoredTo @7 :UInt64;
  # With bytesMin, releaseTo releases standard output below this offset only, because the answers for the bytes
  # between it and outputFrom have not come yet.

  enum Until {
    change @0;   # There is output beyond the offsets, or the job has ended.
    ended @1;    # The job has ended, or more than bytesMax are ready.
  }
}

struct JobProgress {
  status @0 :JobStatus;
  output @1 :Common.Chunk;   # Begins at outputFrom, or at the oldest retained byte if that is later.
  errors @2 :Common.Chunk;

  aheadBytesMax @3 :UInt32;
  # How far beyond the bytes produced so far outputFrom may lie, together with Follow.bytesMin. 0 means not at all,
  # because those bytes might be dropped, or because the agent is older.

  order @4 :List(UInt64);
  # The order in which the agent read the two streams. It gives the lengths of what was read of standard output and of
  # standard error by turns, beginning with standard output (0 if errors came first) and up to the last byte of each.
  # Only the last 4096 turns are known, so that the lengths of a stream may be less than its producedBytes. What was
  # written to both streams before the agent looked counts as read one stream after the other.
  #
  # It comes with the answer that brings an ended job's last bytes. Empty: not known, because the agent is older or had
  # no memory, or there are bytes of one stream only.
}

struct JobStatus {
  state @0 :State;
  outcome @1 :JobOutcome;          # Valid in state ended only.
  pid @2 :Int32;                # 0: not started.
  startedRealtimeNs @3 :Int64;
  startedBoottimeNs @4 :Int64;
  elapsedNs @5 :Int64;          # Until now or the end.
  output @6 :StreamStatus;
  errors @7 :StreamStatus;
  inputAcceptedTo @8 :UInt64;

  holders @9 :List(Process);
  # Processes that still held the output open when the drain ended; at most 16.

  leftRunning @10 :UInt32;      # Processes of the job that were alive when the first one had ended.
  usage @11 :Usage;

  stopping @12 :Stopping;
  # In state running: the agent is ending the job, and its outcome will be of this kind.

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
    producedBytes @0 :UInt64;   # All bytes ever read from the process.
    droppedBytes @1 :UInt64;    # Those of them lost to the overflow policy. Exact.
    retainedFrom @2 :UInt64;    # Offset of the oldest byte that can still be read.
    retainedTo @3 :UInt64;      # Offset after the newest that can.
    ended @4 :Bool;             # No further bytes will come.
    sha256 @5 :Data;            # The digest of all produced bytes, once ended. Empty before.
  }
  struct Process {
    pid @0 :Int32;
    command @1 :Text;
  }
  struct Usage {
    cpuUserNs @0 :Int64;
    cpuSystemNs @1 :Int64;
    residentBytesMax @2 :UInt64;
    # The largest size of the first process. 0 means not known, or that it stayed smaller than the agent (some MiB),
    # because the kernel counts the agent's size as that of each process that it starts.
  }
}

struct JobOutcome {
  union {
    unspecified @0 :Void;
    exited @1 :Int32;             # The exit status, 0 to 255.
    signalled @2 :Signal;         # Ended by a signal that was not ours.
    notStarted @3 :Common.Error;  # No process of the command ever ran; errno tells why.
    deadline @4 :Ending;          # Killed at its deadline.
    cancelled @5 :Ending;         # Killed by cancel.
    outputLimit @6 :Ending;       # Killed by the overflow policy.
    sessionEnded @7 :Ending;      # Killed because the session closed or its lease ran out.
    lost @8 :Lost;                # Its end cannot be known.
  }
  failedStep @9 :StartStep;       # In notStarted: which step of the start failed.
  enum StartStep {
    unspecified @0;   # The agent is older.
    other @1;         # Anything but the next two, such as a limit or the user.
    directory @2;     # The working directory could not be entered.
    program @3;       # execve failed: the program or its interpreter is missing or no program, or may not be run.
  }
  struct Signal {
    number @0 :Int32;
    coreDumped @1 :Bool;
    outOfMemory @2 :OutOfMemory;
  }
  enum OutOfMemory {
    # Says whether the kernel killed it because its control group or the node ran out of memory.
    unknown @0;   # The node does not tell, or the agent is older.
    no @1;
    perhaps @2;   # The kernel killed some process meanwhile, and the node does not tell whose.
    yes @3;
  }
  struct Ending {
    # Says how a killed job's first process ended.
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
      supervisorKilled @4;   # The process that kept a detached job was killed. The job ran once at most.
    }
  }
}

struct DetachedRecord {
  # The record from which a detached job is begun. It is kept on the node's disk, so that a later keeper finds it, and
  # never sent.
  sessionId @0 :Data;   # The session that it belongs to now: see Jobs.adopt.
  number @1 :UInt64;
  identity @2 :Text;    # Who started it.
  labels @3 :List(Common.Label);   # The session's and the specification's.
  spec @4 :JobSpec;
  bootId @5 :Text;      # The node's boot id then. After a reboot nothing is begun from the record.
  group @6 :Text;       # The name by which its processes are found.
  variables @7 :List(JobSpec.Variable);   # Those that CommandEnvironmentChange had given to the session.
}
