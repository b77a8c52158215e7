@0xb44ae5c441d0e6d7;
# Defines what every service of the agent shares: errors as data, labels, and the units of the whole contract.
#
# Units are the same everywhere. Durations and clock readings are Int64 nanoseconds; sizes and offsets are bytes. Text
# is UTF-8 for people and for names that Muster gives; Data is bytes of the node's own (paths, arguments, values).
# Paths are absolute.
#
# Every method may be sent twice without harm, because things are named by ids that the caller chose, and data by
# offset. Nothing is pushed: a caller that waits polls, for at most `waitNs`.
#
# Results carry `error`; if it is absent, the call worked. A field that comes with an error is valid only where its
# comment says so.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("wire");

struct Error {
  # A failure as the caller should see it; the agent composes the text, so nothing of its memory leaks into it.

  kind @0 :Kind;
  errno @1 :Int32;       # The node's errno where a system call failed; 0: none was involved.
  text @2 :Text;         # What was attempted and what came back, lower case, no full stop.
  incident @3 :UInt64;   # The number under which the agent's log explains a failure of kind internal. 0: none.

  enum Kind {
    unspecified @0;
    invalid @1;          # The request can never work: a field is out of range or contradicts another. Fix it.
    notFound @2;         # No such job, path, unit, user.
    conflict @3;         # The id is taken by something else, or the target exists and must not.
    denied @4;           # This identity may not, or the node's own permissions refuse.
    unsupported @5;      # This agent or this node cannot (no systemd, no xattrs, an older agent).
    overloaded @6;       # A limit is reached; try again later. The text names the limit.
    expired @7;          # The session is unknown here: its lease ran out, or the keeper was restarted.
    system @8;           # A system call failed: see errno.
    corrupt @9;          # A check sum or an offset does not agree with what was sent before.
    versionMismatch @10; # Protocol majors differ; the text says which side to upgrade.
    wrongNode @11;       # The caller expected another node name.
    timeout @12;         # The operation's own limit passed; the text says what is known of its effect.
    internal @13;        # A bug or an unforeseen failure of the agent.
    refused @14;         # The caller is not let in, for a reason that has no kind of its own; see the text.
    reserved @15;        # The node is reserved for others, as the text says (reserve.capnp). Try again later.
  }
}

struct Label {
  # A name that a controller gives to a session or job, such as run=2026-11-21T04:00 or test=LeaseTest.X.
  name @0 :Text;    # [a-z0-9._-]{1,64}
  value @1 :Text;   # At most 256 bytes, no control characters.
}

struct Chunk {
  # A part of a byte stream.
  offset @0 :UInt64;   # The place of the first byte of `data` in the whole stream.
  data @1 :Data;
  crc32c @2 :UInt32;   # The check sum of `data`: Castagnoli polynomial (RFC 3720, appendix B.4).
}

enum Role {
  # Says what an identity may do on a node. Each role includes the one before it.
  unspecified @0;
  observer @1;   # Sees: facts, job and service state, readable files.
  operator @2;   # Also acts: jobs, files, services. Root-equivalent on the node.
  admin @3;      # Also manages the agent and other sessions' jobs.
}

const leastAnnotation :UInt64 = 0xfa5cd85b118a75fd;
# The id of the next annotation, by which C++ finds it.

annotation least @0xfa5cd85b118a75fd (interface) :Role;
# The least role that is granted the interface. Every interface that the agent offers carries it, and one that extends
# another names no lesser role than that one does, since its holder may call the methods of both.

const sinceAnnotation :UInt64 = 0xd03292dc61cacb3d;
# The id of the next annotation, by which C++ finds it.

annotation since @0xd03292dc61cacb3d (field, enumerant, param) :UInt16;
# The protocol minor that brought a field or value of a request. An agent of an earlier minor does not see it, and
# would do something else than it was asked to. Therefore the controller does not send it there, and the call fails
# with error unsupported. Every field and value of a request that protocol 1.0 lacks carries the annotation.

enum Lifetime {
  # How long the effect of a change is meant to last.
  session @0;    # Undone when the session closes or its lease runs out.
  permanent @1;  # Stays.
}
