// Faults of single nodes, as opposed to those of the network between them: processes that stand
// still, are killed or can open no more files, memory and processors that are used up, disks that
// are full, read-only, slow or failing, and interfaces that are down.
//
//   {
//     Fault paused = cluster().faultsOn(victim).pause(processesNamed("kvd"));
//     EXPECT_THAT(client, Eventually(Prints({"kvctl", "leader"}, "server2"), 10s));
//   }  // They go on here, whether or not the expectation held.
//
//   cluster().faultsOn(victim).kill(processesNamed("kvd"));
//   node.service("kvd").restart();
//
// Each begins on all its nodes or on none, and is witnessed by the nodes: a pause when every thread
// of every process is seen to have stopped, a full disk when a write has failed. It is a lease as
// the other faults are (fault.h), and undone by its node at its end. What is undone is exactly what
// was done: a process is known by its number and the time of its start.
//
// Things to get right:
//   * Hold the Fault: `cluster().faultsOn(victim).pause(…);` heals at once. Compilers warn of it.
//   * The processes that there are when the fault begins are meant. Children that appear while they
//     are being stopped are stopped too. One of the same name that somebody starts later is not.
//   * The agent, process 1 of the node, and what the agent descends from are refused by any name.
//   * A paused process that somebody kills is no error. One that somebody else tells to go on is,
//     when the fault is healed.
//   * The kernel holds no lease of these. If every process of the agent is killed, the next keeper
//     undoes them, and until then they last.
#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

#include <muster/fault.h>
#include <muster/fault_options.h>
#include <muster/process_choice.h>

namespace harness {
class ControllerNode;
struct ApiAccess;
}  // namespace harness

namespace muster {

// One process that NodeFaults::kill has ended.
struct KilledProcess {
  std::string node = {};
  int pid = 0;

  // Is the name as the kernel kept it, of at most 15 bytes.
  std::string name = {};
};

// Says how much memory a fault takes. One of the two is given.
struct MemoryUse {
  uint64_t bytes = 0;

  // Takes all that is available but this.
  uint64_t leave = 0;
};

struct FullDiskOptions {
  // Is how many bytes are left free.
  uint64_t leave = 0;

  // Also fills the root file system, and the one where the agent keeps its state. The node may not
  // survive that.
  bool evenOurs = false;
};

// Given by Cluster::faultsOn(). It is a value that borrows its nodes, and asks nothing by itself.
// Call from the test thread. Calls end with DeadlineScope::current(), and throw NodeError:
//   kNotFound        A node has no such process, directory or interface.
//   kDenied          It would hit the agent: its processes, its disk, or our connection to it.
//   kInvalid         A value is out of its range. Nothing was touched.
//   kConflict        It is so already, such as a process that is stopped.
//   kUnsupported     The node's kernel or file system cannot do it.
//   kSystem          The kernel refused, or did not show the effect. Nothing of it is left.
class NodeFaults {
 public:
  using Where = std::source_location;

  // Stops every thread of the processes, as SIGSTOP does, until the Fault is healed. Their
  // connections stay, and their peers see silence.
  Fault pause(const ProcessChoice& processes, Where where = Where::current()) const;

  // Lets each of the processes open `leave` more files and no more: open, socket and accept fail
  // with EMFILE then. Healing gives them the limit that they had.
  Fault useUpDescriptors(const ProcessChoice& processes, uint32_t leave = 0,
                         Where where = Where::current()) const;

  // Kills the processes by SIGKILL, and returns those that it has killed when none of them lives.
  // None of them makes another meanwhile. Nothing brings them back but their supervisor or the
  // test: it is no lease.
  std::vector<KilledProcess> kill(const ProcessChoice& processes,
                                  Where where = Where::current()) const;

  // Uses up memory, by a process that the kernel kills before any other when none is left. Returns
  // when that much is resident, 20 s at most. NodeError kConflict if less is available.
  Fault useMemory(const MemoryUse& use, Where where = Where::current()) const;

  // Keeps this many threads of the node busy, from 1 to 1024.
  Fault useCpu(uint32_t threads, Where where = Where::current()) const;

  // Fills the disk of a directory with a file in it, so that writes there fail with ENOSPC. Other
  // processes may free and use space as ever. A disk in memory (tmpfs) is filled if that takes at
  // most half of the memory that is available.
  Fault fillDisk(const std::string& directory, const FullDiskOptions& options = {},
                 Where where = Where::current()) const;

  // Makes what is below a directory read-only: opening a file for writing fails with EROFS. Files
  // that are open already, and processes whose working directory is there, go on writing.
  Fault makeReadOnly(const std::string& directory, Where where = Where::current()) const;

  // Makes the files below a directory slow, failing or forgetful, by a layer over it (FUSE) that
  // everything opened from now on passes through. Files that are open already, and processes whose
  // working directory is there, are not disturbed. At the end open files go on undisturbed; with
  // losesUnsynced they fail, so end their processes before, as a power failure would. NodeError
  // kUnsupported if the kernel lacks FUSE. Healing fails (kInfrastructure) if a write was to fail
  // and none did, since the test has proved nothing then.
  //
  //   Fault forgetful = cluster().faultsOn(server).disturbDisk("/var/lib/kvd",
  //                                                            {.losesUnsynced = true});
  //   server.file("/var/lib/kvd/log").write("not synced");
  //   cluster().faultsOn(server).kill(processesNamed("kvd"));
  //   forgetful.heal();
  Fault disturbDisk(const std::string& directory, const DiskDisturbance& disturbance,
                    Where where = Where::current()) const;

  // Takes an interface down, such as "eth1", until the Fault is healed. It gets its addresses and
  // routes back then. NodeError kDenied if a controller is connected by it.
  Fault takeDown(const std::string& interface, Where where = Where::current()) const;

  // Takes an interface down for a time, from 1 s to 10 min, even the one by which we reach the
  // node. The node brings it up by itself. Returns when it is up and the node has answered;
  // NodeError kUnreachable if that is not before DeadlineScope::current(). This is for one node.
  void takeDownFor(const std::string& interface, std::chrono::nanoseconds time,
                   Where where = Where::current()) const;

 private:
  friend struct harness::ApiAccess;
  explicit NodeFaults(std::vector<harness::ControllerNode*> nodes) : nodes_(std::move(nodes)) {}

  // Outlive this.
  std::vector<harness::ControllerNode*> nodes_;
};

// Print them for gtest: "processes named kvd" and "kvd (812) of server1".
void PrintTo(const ProcessChoice& processes, std::ostream* out);
void PrintTo(const KilledProcess& killed, std::ostream* out);

}  // namespace muster
