@0xd751b3f9129bd854;
# Carries what commands of a session say to the test and to commands on other nodes: events, barriers and reports.
#
# A command speaks to its agent over a unix socket of the node (`nodeagent notify`). The agent keeps what it said as
# records until the controller has them. It decides nothing: the controller joins the records of all nodes, and answers
# the commands that wait.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("wire");
using Common = import "common.capnp";

interface Sync $Common.least(operator) {
  pull @0 (after :UInt64, waitNs :Int64) -> (records :List(Record), error :Common.Error);
  # Answers the oldest records above `after`, in order and without a gap, as soon as there is one, or none after
  # `waitNs` (at most 20 s). The agent forgets those up to `after`. Asking again with the same `after` brings the same
  # records first. Errors: expired (the session has ended), invalid (`after` is beyond the last record).

  answer @1 (answers :List(Answer)) -> (error :Common.Error);
  # Answers commands that wait. A waiter that was answered, or has gone, is no error. What an answer brought that came
  # too late is in a record of that waiter, `withdrawn`.

  watch @2 (number :UInt64) -> (error :Common.Error);
  # Asks for a record when job `number` of the session ends. If the agent does not know it, because it ended long ago,
  # was not started, or is detached, the record comes at once, and so it does for a job that has ended.
}

interface SyncView $Common.least(observer) {
  waits @0 () -> (waits :List(WaitingCommand), error :Common.Error);
  # Lists the commands of all sessions that wait on this node, for people who look for what a test hangs at. In no
  # order, 1000 at most.
}

struct WaitingCommand {
  sessionId @0 :Data;
  job @1 :UInt64;
  command @2 :Text;       # As in Record.
  identity @3 :Text;      # The session's owner, such as "operator:ci".
  name @4 :Text;          # The event or the barrier.
  isBarrier @5 :Bool;
  count @6 :UInt32;       # How many commands it wants at the barrier. 0: whatever the others or the test say.
  waitedNs @7 :Int64;     # For how long it has waited.
  remainingNs @8 :Int64;  # The time until it gives up by itself.
}

struct Record {
  number @0 :UInt64;      # Counts the records of the session from 1.
  job @1 :UInt64;         # The number of the command that it is about.
  command @2 :Text;       # The command for people, cut; words that look like secrets are replaced by "<secret>".
  union {
    unspecified @3 :Void;
    notified @4 :Event;   # It has sent an event.
    waits @5 :Wait;       # It waits for an event.
    arrived @6 :Arrival;  # It waits at a barrier.

    withdrawn @7 :Withdrawal;
    # It does not wait any more, and no answer has reached it.

    ended @8 :End;
    # Its first process has ended. Comes for commands that are watched, or have waited at a barrier.

    reported @9 :Report;
  }

  struct Event {
    name @0 :Text;
    data @1 :List(Item);
  }
  struct Wait {
    waiter @0 :UInt64;    # The agent's number of the waiter, never used again in the session.
    event @1 :Text;
  }
  struct Arrival {
    waiter @0 :UInt64;
    barrier @1 :Text;
    count @2 :UInt32;     # How many commands it wants there. 0: whatever the others or the test say.
  }
  struct Withdrawal {
    waiter @0 :UInt64;
    timedOut @1 :Bool;    # The time that it allowed is over. False: the process that waited has ended.
  }
  struct End {
    how @0 :Text;         # Such as "was killed by SIGKILL".
    output @1 :Data;      # The last bytes of standard output, 512 at most.
    errors @2 :Data;      # Those of standard error.
  }
  struct Report {
    result @0 :Result;
    message @1 :Data;
    data @2 :List(Item);
  }
  enum Result {
    none @0;              # Only data.
    pass @1;
    fail @2;
    skip @3;
  }
}

struct Item {
  name @0 :Text;    # [A-Za-z0-9._-]{1,64}
  value @1 :Data;   # Without NUL and newline. All values of an event have 8 KiB at most.
}

struct Answer {
  waiter @0 :UInt64;
  union {
    done @1 :Void;                # The barrier is complete.
    event @2 :List(Item);         # The event's data.
    failed @3 :Text;              # Says why it will not be.
  }
}
