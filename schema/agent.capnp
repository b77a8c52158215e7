@0xf96bb342e73c9de6;
# Lets a controller in: the gate, the session, and the capabilities that a role is granted.
#
# The connection's bootstrap capability is a Gate. Nothing else can be called before `hello` succeeded. Afterwards
# only granted capabilities can be called: one that was not granted cannot be named. This file does not list the
# services. Each has a file of its own, and its interfaces name the least role that is granted them.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("wire");
using Common = import "common.capnp";

const protocolMajor :UInt16 = 1;   # Another major is refused.
const protocolMinor :UInt16 = 4;
# Minors interoperate. A method that the agent lacks answers "unimplemented"; a field of a request that it lacks is not
# sent to it ($Common.since). A change that adds such a method or field raises the number, once a release.
#
# Minor 1 added Grants.more. Minor 2 added to file.capnp what faithful copies take: FileView.extents, DigestKind, the
# hole before a chunk, the last five fields of WriteOptions, and the last three of TreeEntry. Minor 3 added
# Facts.capabilities, JobOutcome.failedStep, and Welcome.earlier with the two methods of Session that act on such
# sessions. Minor 4 added the scopes of a session, FactsView.snapshot, and to service.capnp the services of users,
# restoration, awaitActive and the actions from mask on.

interface Gate {
  hello @0 (greeting :Greeting) -> (welcome :Welcome, session :Session, error :Common.Error);
  # Creates or attaches to the caller's session. Errors: versionMismatch, wrongNode, expired (attachOnly and
  # the session is not known), denied (the session belongs to another identity), overloaded, invalid.
}

struct Greeting {
  protocolMajor @0 :UInt16;
  protocolMinor @1 :UInt16;
  build @2 :Text;             # The controller's version, for messages.
  nodeName @3 :Text;          # The node that the caller expects; empty: any. Another name is error wrongNode.
  sessionId @4 :Data;         # 16 random bytes that the controller chose.
  attach @5 :Attach;
  leaseNs @6 :Int64;          # Time without contact after which the session ends, on the boot clock.
                              # 0: 60 s. At least 1 s, at most 24 h. Fixed when the session is created.
  silenceMaxNs @7 :Int64;     # The agent ends a connection that carried nothing for this long; the caller pings
                              # at least three times as often. 0: 5 s. From 200 ms to 1 h.
  labels @8 :List(Common.Label);  # Labels of the session, which its jobs inherit. At most 32.
}

enum Attach {
  createOrAttach @0;   # Begin the session, or go on with it; for a first connection.
  attachOnly @1;       # Go on with it, or error expired; for a reconnect, whose jobs must not be started again.
}

struct Welcome {
  protocolMajor @0 :UInt16;
  protocolMinor @1 :UInt16;
  build @2 :Text;          # The agent's version.
  nodeName @3 :Text;
  bootId @4 :Text;         # /proc/sys/kernel/random/boot_id, or the node's own where it shares a kernel.
  keeperEpoch @5 :Data;    # 16 random bytes, new with every start of the keeper.
  attached @6 :Bool;       # The session existed already.
  identity @7 :Text;       # The caller as the agent knows it, such as "operator:ci" or "uid:0".
  role @8 :Common.Role;
  grants @9 :Grants;
  limits @10 :Limits;
  clock @11 :Clock;

  earlier @12 :List(EarlierSession);
  # Lists the caller's sessions that have no connection and wait for their lease, the newest first and at most 16. Empty
  # if the session existed already.
}

struct EarlierSession {
  # Says what a controller has left that ended without a word, for the next one of the same identity.
  sessionId @0 :Data;
  labels @1 :List(Common.Label);
  beganRealtimeNs @2 :Int64;
  leaseLeftNs @3 :Int64;    # The time until the node ends the session.
  running @4 :List(Text);   # What runs, such as "job 7 (dd)". At most 16.
  runningCount @5 :UInt32;  # All of them.
  changeCount @6 :UInt32;   # Other entries of the undo list, such as changed files.
}

struct Grants {
  # Fields 0 to 6 are for controllers of protocol 1.0. An agent fills them in beside `more`; null: not granted.
  obsoleteJobs @0 :Capability;
  obsoleteJobView @1 :Capability;
  obsoleteFiles @2 :Capability;
  obsoleteFileView @3 :Capability;
  obsoleteServices @4 :Capability;
  obsoleteServiceView @5 :Capability;
  obsoleteFacts @6 :Capability;

  more @7 :List(Grant);
  # Lists everything that the role is granted, in no order, each interface once. A missing interface is not granted to
  # the role, or not offered by this agent. An agent of protocol 1.0 leaves the list empty.
}

struct Grant {
  interfaceId @0 :UInt64;       # The id that Cap'n Proto gives the interface.
  capability @1 :Capability;
}

struct Limits {
  frameBytesMax @0 :UInt64;    # Bounds one message in either direction.
  chunkBytesMax @1 :UInt64;    # Bounds one Chunk.data.
  jobsMax @2 :UInt32;          # Bounds the jobs that run at once in one session.
}

struct Clock {
  # Holds two clocks that were read together. With its own readings before and after the call, the caller estimates
  # the node's offset.
  realtimeNs @0 :Int64;   # CLOCK_REALTIME
  boottimeNs @1 :Int64;   # CLOCK_BOOTTIME
}

interface Session {
  ping @0 () -> (clock :Clock);
  # Renews the lease. The keeper answers, so a ping proves the whole path. It never waits behind work.

  close @1 () -> (leftovers :List(Leftover), error :Common.Error);
  # Ends the session: kills its jobs, walks its undo list backwards, and answers when that is done. Closing
  # a closed session answers the same list. `leftovers` names what could not be undone; empty: nothing is left.

  endEarlier @2 (sessionId :Data) -> (leftovers :List(Leftover), error :Common.Error);
  # Ends another session of the caller's identity, as `close` of that session would. A session that is not known has
  # ended already, and the list is empty. Errors: conflict (a controller is connected to it), denied (it belongs to
  # another identity), invalid.

  adoptEarlier @3 (sessionId :Data) -> (error :Common.Error);
  # Makes another session of the caller's identity last as long as this one: it has its lease and ends with it, after
  # what this one has changed since then was undone. What it owns keeps its numbers and stays its own. A controller that
  # attaches to it takes it back. Errors: expired (it is not known), and those of endEarlier.

  openScope @4 (scopeId :Data, labels :List(Common.Label)) -> (grants :Grants, error :Common.Error);
  # Begins a part of the session that can be ended alone, or finds it. What is done through `grants` belongs to the
  # scope. A scope has an undo list and job numbers of its own, and the labels of the session, where those given here
  # win. It ends by closeScope or with the session, before everything that the session did earlier. scopeId: 16 random
  # bytes that the controller chose. At most 32 scopes at once. Errors: expired (it has ended), conflict (the id is
  # taken), overloaded, invalid.

  closeScope @5 (scopeId :Data) -> (leftovers :List(Leftover), error :Common.Error);
  # Ends a scope as `close` ends a session. A scope that is not known has ended, and the list is empty. The last 8
  # scopes that ended answer the same list again. Errors: invalid.

  struct Leftover {
    what @0 :Text;              # Such as "job 7 pid 4711 (dd)".
    reason @1 :Common.Error;
  }
}
