// Reads and writes the directory of one detached job, which outlives keepers. It does not decide
// what follows from the files (shim_link.h does); docs/internals/agent.md has the protocol. Every
// call may wait for the disk, so a keeper makes them on a worker thread.
//
//   record   a DetachedRecord: owner, number and specification
//   lock     is held by the shim that lives
//   claim    is made once, by the shim that begins the job
//   exit     a JobStatus, once the job has ended
//   socket   the shim's, to which keepers connect
//   spool/   output that is too much for memory
#pragma once

#include <capnp/message.h>
#include <kj/array.h>
#include <kj/common.h>
#include <kj/io.h>
#include <kj/memory.h>
#include <kj/string.h>
#include <kj/vector.h>

namespace nodeagent::exec {

// A value: names the directory and holds nothing open.
class DetachedFiles {
 public:
  explicit DetachedFiles(kj::StringPtr path) : path_(kj::str(path)) {}

  // Chooses the directory of a new job below `parent`. make() makes it.
  static DetachedFiles choose(kj::StringPtr parent);

  // Makes the directory, and its parent if that is missing. Both get mode 0700.
  void make() const;

  // Finds the directories of all jobs below `parent`.
  static kj::Vector<DetachedFiles> all(kj::StringPtr parent);

  kj::StringPtr path() const { return path_; }
  kj::String socket() const { return kj::str(path_, "/socket"); }
  kj::String spool() const { return kj::str(path_, "/spool"); }

  // Writes the file `name`, "record" or "exit", with a check sum. A reader finds the old content or
  // the new one, never a part.
  void write(kj::StringPtr name, capnp::MessageBuilder& message) const;
  // Does the same with a message that was made flat (capnp::messageToFlatArray).
  void write(kj::StringPtr name, kj::ArrayPtr<const capnp::word> message) const;

  // Reads the file `name`. Returns null if it is missing or damaged.
  kj::Maybe<kj::Own<capnp::MessageReader>> read(kj::StringPtr name) const;

  // Reads a flat message as read() does, which one of our own processes wrote.
  static kj::Own<capnp::MessageReader> readerOf(kj::Array<capnp::word> message);

  // Takes the lock, which is held until the descriptor is closed, at the latest by the end of the
  // process. Returns null if another process holds it.
  kj::Maybe<kj::AutoCloseFd> lock() const;

  // Makes the claim. Returns true to the first caller of all processes and times, and then false.
  bool claim() const;
  bool isClaimed() const;

  bool exists() const;

  // Removes the directory and everything in it.
  void remove() const;

 private:
  kj::String path_;
};

}  // namespace nodeagent::exec
