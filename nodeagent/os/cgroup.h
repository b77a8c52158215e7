// Groups of processes that nothing can leave by setsid or a double fork: directories of a cgroup2
// hierarchy. Whether the node offers one is tried, never assumed; os/process_set.h has the
// substitute.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <kj/io.h>
#include <kj/memory.h>
#include <kj/string.h>
#include <kj/vector.h>

namespace nodeagent {

class CgroupTree;

// One group. Destroying it kills what is still in it and gives the directory back.
class Cgroup {
 public:
  Cgroup(CgroupTree& tree, kj::String path, kj::AutoCloseFd directory, kj::AutoCloseFd processes);
  ~Cgroup() noexcept(false);
  KJ_DISALLOW_COPY(Cgroup);

  kj::StringPtr path() const { return path_; }
  int directoryFd() const { return directory_; }

  // Pids of all live processes, those of nested groups included, that this PID namespace can name.
  kj::Vector<pid_t> processes() const;

  // Sends `signal` to each process that is there now; those that fork meanwhile may be missed.
  void signalAll(int signal) const;

  // Kills every process, also one that forks or is stopped. They are gone soon afterwards, not yet
  // on return.
  void killAll() const;

  // How many processes the kernel killed in it for lack of memory, of the group or of the node;
  // null: it does not count them.
  kj::Maybe<uint64_t> memoryKills() const;

  // Writes one control file, such as "memory.max"; an errno, or 0.
  int write(kj::StringPtr file, kj::StringPtr value) const;

 private:
  friend class CgroupTree;

  CgroupTree& tree_;
  kj::String path_;
  kj::AutoCloseFd directory_;
  kj::AutoCloseFd processes_;
  // Not to be used again: it holds settings that the next job must not inherit, or it was killed
  // (Linux 6.14 and later kill at once what is started into a group that ever was).
  mutable bool spent_ = false;
};

// The keeper's own part of the hierarchy: <mount>/[own group/]nodeagent/<name>. Outlives its
// groups.
class CgroupTree {
 public:
  // Finds a cgroup2 mount where groups can be made, and kills and removes what an earlier keeper of
  // that `name` left there; null if the node has none. `name` is unique among the keepers that may
  // share the mount. May block for two seconds: for the start of the keeper.
  static kj::Maybe<kj::Own<CgroupTree>> open(kj::StringPtr name);

  // As above, below this directory only.
  static kj::Maybe<kj::Own<CgroupTree>> openBelow(kj::StringPtr directory, kj::StringPtr name);

  explicit CgroupTree(kj::String directory, kj::String parent);
  ~CgroupTree() noexcept(false);
  KJ_DISALLOW_COPY(CgroupTree);

  // An empty group, new or recycled; throws if the kernel refuses, such as for a limit on groups.
  kj::Own<Cgroup> take();

  kj::StringPtr directory() const { return directory_; }
  bool limitsMemory() const { return limitsMemory_; }
  bool limitsProcesses() const { return limitsProcesses_; }

  // Groups that could not be removed yet because something in them has not gone.
  size_t lingering() const { return lingering_.size(); }

 private:
  friend class Cgroup;
  struct Spare {
    kj::String path;
    kj::AutoCloseFd directory;
    kj::AutoCloseFd processes;
  };

  void giveBack(Cgroup& group);
  void removeLingering();
  void killLeftovers();
  bool claim();
  void removeAbandoned();
  void enableControllers();

  kj::String directory_;
  kj::String parent_;
  kj::AutoCloseFd claim_;  // Locked as long as this keeper lives.
  uint64_t nextNumber_ = 1;
  bool limitsMemory_ = false;
  bool limitsProcesses_ = false;
  kj::Vector<Spare> spares_;
  kj::Vector<kj::String> lingering_;
};

// The number of "oom_kill" in the text of memory.events; null: there is none.
kj::Maybe<uint64_t> parseMemoryKills(kj::StringPtr events);

// Where groups might be made, the best first, from the texts of /proc/self/mountinfo and
// /proc/self/cgroup.
kj::Vector<kj::String> cgroupCandidates(kj::StringPtr mountinfo, kj::StringPtr ownGroups);

}  // namespace nodeagent
