// Starts one program, without a shell and without waiting: the loop never stands still, however
// slow the file system of the program or of its directory is. It does not reap: whoever owns the
// pidfd does (os/pidfd.h).
#pragma once

#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

#include <kj/array.h>
#include <kj/io.h>
#include <kj/memory.h>
#include <kj/one-of.h>
#include <kj/string.h>

#include "nodeagent/os/spawn_child.h"

namespace nodeagent {

struct Credentials {
  uid_t user = 0;
  gid_t group = 0;
  kj::Array<gid_t> groups;  // All supplementary groups.
};

struct ResourceLimit {
  int resource = 0;    // RLIMIT_...
  uint64_t value = 0;  // Soft and hard; the maximum: unlimited.
};

// Everything is borrowed until launchProgram returns, but for the descriptors, which the caller
// closes afterwards.
struct SpawnOptions {
  kj::ArrayPtr<const kj::String> argv;  // At least one; argv[0] without a slash is looked up in
                                        // `environment`'s PATH, or in /bin:/usr/bin if it has none.
  kj::ArrayPtr<const kj::String> environment;  // "NAME=value"
  kj::StringPtr directory = "/";
  mode_t umask = 022;
  kj::Maybe<const Credentials&> credentials;  // Absent: stay who the keeper is.
  kj::ArrayPtr<const ResourceLimit> limits;
  kj::Maybe<int> niceness;
  int input = -1;
  int output = -1;
  int errors = -1;
  bool controllingTerminal = false;  // `input` is the slave of a pseudo terminal.
  bool isOfTheAgent = false;         // As well protected from lack of memory as the keeper.
  int cgroup = -1;                   // Directory descriptor of a cgroup2; -1: stay in the keeper's.
};

struct SpawnFailure {
  SpawnStage stage = SpawnStage::kClone;
  int errorNumber = 0;
  int detail = 0;
};

// A child on its way to its program. Destroying it earlier than that kills the child.
class Launch {
 public:
  virtual ~Launch() noexcept(false) = default;

  virtual pid_t pid() const = 0;

  // Becomes readable once the process has ended. Stays owned by the launch until taken.
  virtual kj::AutoCloseFd takePidfd() = 0;

  // null: not known yet, which costs memory and tells nobody: ask now and then, and once the
  // process has ended, before it is reaped; then it is known. An empty inner Maybe: the program
  // runs, or ran. Otherwise no process of the program ever was; the child exits and is still to be
  // reaped.
  virtual kj::Maybe<kj::Maybe<SpawnFailure>> outcome() = 0;
};

// `failure`: with stage kClone if there is not even a child, such as EAGAIN for too many processes.
kj::OneOf<kj::Own<Launch>, SpawnFailure> launchProgram(const SpawnOptions& options);

// The paths that launchProgram tries for `program`, in order.
kj::Array<kj::String> programCandidates(kj::StringPtr program,
                                        kj::ArrayPtr<const kj::String> environment);

}  // namespace nodeagent
