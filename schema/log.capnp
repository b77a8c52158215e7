@0xfdd4098626e4f4d7;
# Reads what programs of the node have logged: text files, the journal of systemd, and the kernel's log. It writes
# nothing.
#
# A slice of a log lies between two marks. A mark is a value that the caller keeps. It says for each file how much of
# it had been written, and for the journal and the kernel which entry was the last. The agent keeps nothing, so a mark
# is valid after every restart of the agent. Clocks play no part.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("wire");
using Common = import "common.capnp";

interface Logs $Common.least(operator) {
  # Logs hold secrets, so an observer may not read them. Every method may answer with the errors invalid (the source, a
  # pattern, or a mark of another source), denied, unsupported (the node has no journal or no readable kernel log; the
  # text says what is missing), overloaded and system.

  mark @0 (source :LogSource) -> (mark :LogMark, error :Common.Error);
  # Marks the present end of the source. A file that does not exist yet is not an error.

  read @1 (source :LogSource, from :LogMark, to :LogMark, patterns :List(Text), linesMax :UInt32, bytesMax :UInt32)
      -> (lines :List(LogLine), notes :List(LogNote), next :LogMark, more :Bool, error :Common.Error);
  # Returns lines behind `from`, in order within each file, and the mark behind them. Each call looks at a part of the
  # slice only; `more` says that there is more of it behind `next`. If `to` is given, the slice ends there, and its last
  # bytes are a line even without a newline; otherwise it ends with the last whole line that there is now. Only lines
  # that match one of `patterns` (RE2, on the bytes of the line; at most 64 of 4 KiB) are returned; without patterns,
  # all. linesMax is at most 10000, bytesMax at most 1 MiB; 0 means these.

  await @2 (source :LogSource, from :LogMark, patterns :List(Text), waitNs :Int64)
      -> (lines :List(LogLine), notes :List(LogNote), next :LogMark, error :Common.Error);
  # Waits for a whole line behind `from` that matches one of `patterns`, and returns the first. Without patterns any
  # line will do, and as many come as `read` returns. After `waitNs`, at most 20 s, there is none, and `next` is where
  # to go on. Notes come with the call that finds their reason. A call that is cancelled waits no longer. Error
  # overloaded if over 64 calls wait on the node.
}

struct LogSource {
  union {
    files @0 :Data;
    # An absolute path whose components may have *, ? and [...], which stand for what there is at the time of the call.
    # Names that begin with a dot are only found by a pattern that does. At most 1024 files are read, rotated ones among
    # them. A file that was renamed is found as long as it stays in its directory.

    unit @1 :Text;
    # The journal's entries of a unit, such as "sshd.service". Empty: of all.

    kernel @2 :Void;
    # The kernel's log.

    container @3 :Text;
    # What a container of podman or docker writes, by the container's name or id, in the form of its log driver. Marks
    # are of files or the journal, and an unspecified one is its beginning. Errors: unsupported (the node has neither,
    # or the driver keeps nothing), notFound.
  }
}

struct LogMark {
  union {
    unspecified @0 :Void;
    # In a request `to` means that there is no end, and `from` the beginning of a container's output.

    files @1 :List(LogPlace);
    journal @2 :Text;
    # The cursor of the last entry; empty: the journal had none.

    kernel @3 :UInt64;
    # The number of the next entry.
  }
  bootId @4 :Text;   # Belongs to `kernel`. Empty: that of any boot.
}

struct LogPlace {
  # How far one file is known.
  path @0 :Data;
  device @1 :UInt64;
  inode @2 :UInt64;
  bornNs @3 :Int64;     # When it was made, which tells it from an earlier file of its inode. 0: unknown.
  offset @4 :UInt64;
  tailBytes @5 :UInt32; # The number of bytes before `offset` whose check sum is tailCrc32c.
  tailCrc32c @6 :UInt32;
  line @7 :UInt64;      # The number of lines of the file that have been read since the mark.
}

struct LogLine {
  file @0 :Data;        # The path that the file has now; the unit; or "kernel".
  text @1 :Data;        # Without the newline.
  number @2 :UInt64;    # Counts the file's lines since the first mark, from 1. 0: it is not from a file.
  offset @3 :UInt64;    # The place of its first byte in the file; else the entry's number.
  device @4 :UInt64;
  inode @5 :UInt64;
  isCut @6 :Bool;       # It is the part of 64 KiB of a longer line; the next line goes on with it.
  isUnfinished @7 :Bool;  # It has no newline yet.
}

struct LogNote {
  # Says that a slice is not whole, or why.
  file @0 :Data;
  kind @1 :Kind;
  text @2 :Text;

  enum Kind {
    unspecified @0;
    truncated @1;    # The file was emptied or cut in place; an emptied one is read from its beginning.
    gone @2;         # The file is not in its directory any more: what was written to it since is unknown.
    compressed @3;   # A rotated file was compressed since, and is not read.
    overwritten @4;  # The kernel or the journal has dropped entries that nobody had read.
    rebooted @5;     # The node was booted again: the kernel's log begins anew.
    unreadable @6;   # The file, or the directory that it may be in, cannot be read, or not to its end.
  }
}
