// Makes groups of processes that nothing can leave by setsid or a double fork: directories of a
// cgroup2 hierarchy. It tries whether the node offers one and never assumes it. os/process_set.h
// has the substitute, and decides which to use.
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

// These two look at the group with the descriptor `directory` and at all groups nested in it,
// however deep, and so take as long as there are groups and processes. The first returns the pids
// of all live processes that this PID namespace can name. The second kills them, also those that
// Cgroup::killAll misses.
kj::Vector<pid_t> processesBelow(int directory);
void killGroup(int directory);

// One group. Its destruction kills the processes that are still in it and returns the directory to
// the tree.
class Cgroup {
 public:
  Cgroup(CgroupTree& tree, kj::String path, kj::AutoCloseFd directory, kj::AutoCloseFd events);
  ~Cgroup() noexcept(false);
  KJ_DISALLOW_COPY(Cgroup);

  kj::StringPtr path() const { return path_; }
  int directoryFd() const { return directory_; }

  // Says whether a live process is in the group or in one nested in it, however deep. It asks for
  // one number, so it does not matter how many there are.
  bool isPopulated() const;

  // Returns a descriptor that is urgent (POLLPRI) whenever isPopulated() changes. Its file is
  // "cgroup.events", which must be read before a change counts as new.
  int eventsFd() const { return events_; }

  // Returns the pids of all live processes that this PID namespace can name, if no group is nested
  // in this one and they are few; null otherwise, and processesBelow() tells.
  kj::Maybe<kj::Vector<pid_t>> fewProcesses() const;

  // Kills every process, also one that forks or is stopped, and those in nested groups. They are
  // gone soon afterwards, but not yet on return. A process whose first thread has ended is missed,
  // and so are all on Linux before 5.14, which are only frozen: killGroup() ends those.
  void killAll() const;

  // Says that the group must not be used again, because it is killed in another way.
  void retire() const { spent_ = true; }

  // Returns how many of the group's processes the kernel killed because the group or the node ran
  // out of memory; null if it does not count them.
  kj::Maybe<uint64_t> memoryKills() const;

  // Writes one control file, such as "memory.max". Returns an errno, or 0.
  int write(kj::StringPtr file, kj::StringPtr value) const;

 private:
  friend class CgroupTree;

  CgroupTree& tree_;
  kj::String path_;
  kj::AutoCloseFd directory_;
  kj::AutoCloseFd events_;
  // True if the group must not be used again, because it holds settings that the next job must not
  // inherit, or because it was killed: Linux 6.14 and later kill at once whatever is started into a
  // group that ever was.
  mutable bool spent_ = false;
};

// Owns the keeper's part of the hierarchy, <mount>/[own group/]nodeagent/<name>. It outlives its
// groups.
class CgroupTree {
 public:
  // Finds a cgroup2 mount where groups can be made, and kills and removes the groups that an
  // earlier keeper of that `name` left there. Null if the node has none. `name` is unique among the
  // keepers that may share the mount. May block for two seconds, so it belongs to the keeper's
  // start.
  static kj::Maybe<kj::Own<CgroupTree>> open(kj::StringPtr name);

  // Opens a tree as above, but only below this directory.
  static kj::Maybe<kj::Own<CgroupTree>> openBelow(kj::StringPtr directory, kj::StringPtr name);

  explicit CgroupTree(kj::String directory, kj::String parent);
  ~CgroupTree() noexcept(false);
  KJ_DISALLOW_COPY(CgroupTree);

  // Returns an empty group, new or recycled. Throws if the kernel refuses, such as for a limit on
  // groups.
  kj::Own<Cgroup> take();

  kj::StringPtr directory() const { return directory_; }
  bool limitsMemory() const { return limitsMemory_; }
  bool limitsProcesses() const { return limitsProcesses_; }

  // Returns the paths of groups that could not be removed yet: processes of theirs have not gone,
  // or other groups are nested in them, which removeGroups() removes.
  kj::ArrayPtr<const kj::String> lingering() const { return lingering_; }

 private:
  friend class Cgroup;
  struct Spare {
    kj::String path;
    kj::AutoCloseFd directory;
    kj::AutoCloseFd events;
  };

  void recycle(Cgroup& group);
  void removeSomeLingering();
  void removeLingering();
  void killLeftovers();
  bool claim();
  void removeAbandoned();
  void enableControllers();

  kj::String directory_;
  kj::String parent_;
  // Locked for the whole life of this keeper.
  kj::AutoCloseFd claim_;
  uint64_t nextNumber_ = 1;
  bool limitsMemory_ = false;
  bool limitsProcesses_ = false;
  kj::Vector<Spare> spares_;
  kj::Vector<kj::String> lingering_;
};

// Removes these groups and all that are nested in them, where no process is left. It takes as long
// as there are groups.
void removeGroups(kj::ArrayPtr<const kj::String> paths);

// Returns the number of "oom_kill" in the text of memory.events; null if there is none.
kj::Maybe<uint64_t> parseMemoryKills(kj::StringPtr events);

// Returns the directories where groups might be made, the best first, from the texts of
// /proc/self/mountinfo and /proc/self/cgroup.
kj::Vector<kj::String> cgroupCandidates(kj::StringPtr mountinfo, kj::StringPtr ownGroups);

}  // namespace nodeagent
