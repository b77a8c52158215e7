// The directory of one detached job: what it is begun from, the mark that it was begun, and how it
// ended. It outlives keepers; see docs/internals/agent.md.
//
// Files: `record` (DetachedRecord), `lock` (held by the shim that lives), `claim` (made once, by
// the shim that begins the job), `exit` (JobStatus, once it has ended), `socket` (of the shim),
// `spool/`.
#pragma once

#include <capnp/message.h>
#include <kj/common.h>
#include <kj/io.h>
#include <kj/memory.h>
#include <kj/string.h>
#include <kj/vector.h>

namespace nodeagent {

// A value: names the directory and holds nothing open.
class DetachedFiles {
 public:
  explicit DetachedFiles(kj::StringPtr path) : path_(kj::str(path)) {}

  // A new directory below `parent`, which is made if it is missing; both with mode 0700.
  static DetachedFiles make(kj::StringPtr parent);

  // Of all jobs below `parent`.
  static kj::Vector<DetachedFiles> all(kj::StringPtr parent);

  kj::StringPtr path() const { return path_; }
  kj::String socket() const { return kj::str(path_, "/socket"); }
  kj::String spool() const { return kj::str(path_, "/spool"); }

  // Whole or not at all, with a check sum. `name`: "record" or "exit".
  void write(kj::StringPtr name, capnp::MessageBuilder& message) const;

  // null: it is not there, or damaged.
  kj::Maybe<kj::Own<capnp::MessageReader>> read(kj::StringPtr name) const;

  // Held until the descriptor is closed, at the latest by the end of the process; null: another has
  // it.
  kj::Maybe<kj::AutoCloseFd> lock() const;

  // True for one caller, ever.
  bool claim() const;
  bool isClaimed() const;

  bool exists() const;

  // Removes the directory and all that is in it.
  void remove() const;

 private:
  kj::String path_;
};

}  // namespace nodeagent
