// Reads and writes the directory of one detached job, which outlives keepers. It does not decide
// what follows from the files (shim_link.h does); docs/internals/agent.md has the protocol.
//
//   record   a DetachedRecord: owner, number and specification
//   lock     is held by the shim that lives
//   claim    is made once, by the shim that begins the job
//   exit     a JobStatus, once the job has ended
//   socket   the shim's, to which keepers connect
//   spool/   output that is too much for memory
#pragma once

#include <capnp/message.h>
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

  // Makes a new directory below `parent`, and `parent` if it is missing. Both get mode 0700.
  static DetachedFiles make(kj::StringPtr parent);

  // Finds the directories of all jobs below `parent`.
  static kj::Vector<DetachedFiles> all(kj::StringPtr parent);

  kj::StringPtr path() const { return path_; }
  kj::String socket() const { return kj::str(path_, "/socket"); }
  kj::String spool() const { return kj::str(path_, "/spool"); }

  // Writes the file `name`, "record" or "exit", with a check sum. A reader finds the old content or
  // the new one, never a part.
  void write(kj::StringPtr name, capnp::MessageBuilder& message) const;

  // Reads the file `name`. Returns null if it is missing or damaged.
  kj::Maybe<kj::Own<capnp::MessageReader>> read(kj::StringPtr name) const;

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
