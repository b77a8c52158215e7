// Starts one program, without a shell and without waiting: the loop never stands still, however
// slow the file system of the program or of its directory is. It does not reap; the owner of the
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
  // All supplementary groups.
  kj::Array<gid_t> groups;
};

struct ResourceLimit {
  // RLIMIT_...
  int resource = 0;
  // Sets both the soft and the hard limit; the maximum of the type means unlimited.
  uint64_t value = 0;
};

// Describes the program. Everything is borrowed until launchProgram returns, except the
// descriptors, which the caller closes afterwards.
struct SpawnOptions {
  // At least one item. argv[0] without a slash is looked up in `environment`'s PATH, or in
  // /bin:/usr/bin if it has none.
  kj::ArrayPtr<const kj::String> argv;
  // Items of the form "NAME=value".
  kj::ArrayPtr<const kj::String> environment;
  kj::StringPtr directory = "/";
  mode_t umask = 022;
  // Absent: the program runs as the keeper's user.
  kj::Maybe<const Credentials&> credentials;
  kj::ArrayPtr<const ResourceLimit> limits;
  kj::Maybe<int> niceness;
  int input = -1;
  int output = -1;
  int errors = -1;
  // True if `input` is the slave of a pseudo terminal.
  bool controllingTerminal = false;
  // The program's oom_score_adj. Absent: it is the keeper's. A program that reaches its start in
  // shared memory has the keeper's until Launch::outcome() says that it runs, and so have processes
  // that it starts before: see setInheritedOomScore.
  kj::Maybe<int> oomScore;
  // Where the child is on its way to its program. Sharing the keeper's memory saves a copy of its
  // page tables. Where the user changes, the memory is the child's own in any case.
  enum class Memory { kShared, kOwn };
  Memory memory = Memory::kShared;
  // The directory descriptor of a cgroup2; -1: stay in the keeper's.
  int cgroup = -1;
};

struct SpawnFailure {
  SpawnStage stage = SpawnStage::kClone;
  int errorNumber = 0;
  int detail = 0;
};

// A child on its way to its program. Its destruction before that kills the child, and does not wait
// for it.
class Launch {
 public:
  virtual ~Launch() noexcept(false) = default;

  virtual pid_t pid() const = 0;

  // Returns a descriptor that becomes readable once the process has ended. The launch owns it until
  // it is taken.
  virtual kj::AutoCloseFd takePidfd() = 0;

  // Returns null while the child has not reached its program. Nothing wakes the caller, and the
  // launch's memory stays allocated until this returns a value: poll it, and call it once more
  // after the process ends and before reaping it.
  //
  // An empty inner Maybe says that the program runs, or ran. A failure says that no process of the
  // program ever was; the child exits and is still to be reaped.
  virtual kj::Maybe<kj::Maybe<SpawnFailure>> outcome() = 0;
};

// Starts the program. The failure has stage kClone if there is not even a child, such as EAGAIN for
// too many processes.
kj::OneOf<kj::Own<Launch>, SpawnFailure> launchProgram(const SpawnOptions& options);

// Gives `score` to those of `pids` that still have the oom_score_adj of this process. Returns
// whether there was one.
bool setInheritedOomScore(kj::ArrayPtr<const pid_t> pids, int score);

// Returns the paths that launchProgram tries for `program`, in order.
kj::Array<kj::String> programCandidates(kj::StringPtr program,
                                        kj::ArrayPtr<const kj::String> environment);

}  // namespace nodeagent
