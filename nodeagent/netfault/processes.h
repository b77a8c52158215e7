// Finds processes of this node for a fault, and stops, continues or kills exactly these: a process
// is a number and the time of its start, so that a later one of the same number is left alone.
//
// The agent's own processes, process 1 and what the agent descends from are never touched. All
// calls read /proc and block, so they belong on worker threads.
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include <kj/array.h>
#include <kj/function.h>
#include <kj/io.h>
#include <kj/string.h>
#include <kj/vector.h>

namespace nodeagent::netfault {

// More processes in one fault are refused.
constexpr size_t kProcessesMax = 1024;

// Says which processes are meant.
struct ProcessChoice {
  enum class By { kNone, kName, kPid, kUnit };
  By by = By::kNone;
  // A name, or the name of a unit.
  kj::String text;
  pid_t pid = 0;
};

// Returns "processes named kvd", "process 812" or "processes of unit kvd.service".
kj::String describe(const ProcessChoice& choice);

// One process. Its name is for people.
struct ProcessRef {
  pid_t pid = 0;
  // As ProcessInfo::startTicks.
  uint64_t startTicks = 0;
  kj::String name;

  ProcessRef clone() const { return {pid, startTicks, kj::str(name)}; }
};

// Write references as lines of a fault's record, and read them back. Lines that are none are passed
// over.
kj::String lineOf(const ProcessRef& process);
kj::Array<kj::String> linesOf(kj::ArrayPtr<const ProcessRef> processes);
kj::Vector<ProcessRef> processesIn(kj::ArrayPtr<const kj::String> lines);

// Returns "kvd (812), kvd (815)", ten of them at most.
kj::String describe(kj::ArrayPtr<const ProcessRef> processes);

// Returns the processes that live and are meant, in order of pid. A name is that of the program as
// the kernel keeps it, or the last part of argv[0]. A unit is a service of systemd: all processes
// in its control group. Threads of the kernel have neither. Fails with kind denied if one of them
// is the agent's, process 1 or an ancestor of the agent, and overloaded for more than
// kProcessesMax.
kj::Vector<ProcessRef> findProcesses(const ProcessChoice& choice);

// How the threads of one process stand.
struct ThreadLook {
  // False: it has ended, and another may have its number.
  bool isThere = false;
  size_t threads = 0;
  // Those that have been stopped by a signal.
  size_t stopped = 0;
  // One of the others, and its state as in /proc/PID/stat.
  pid_t running = 0;
  char state = '?';

  bool isStopped() const { return isThere && stopped == threads; }
};
ThreadLook lookAt(const ProcessRef& process);

// Returns a descriptor of this process and no later one of its number, null if it is gone. Fails
// with the kind of the errno, such as system if there are too many descriptors.
kj::AutoCloseFd openProcess(const ProcessRef& process);

// Sends a signal to this process and no later one of its number. Returns false if it is gone. Fails
// with the kind of the errno, such as denied.
bool signalProcess(const ProcessRef& process, int signal);

// Is given all processes that have to be continued if the agent is killed, before they are stopped.
// If it fails, they are not.
using RememberProcesses = kj::Function<void(kj::ArrayPtr<const ProcessRef>)>;

// Stops the processes and waits until every thread of each has stopped. It looks again until it
// finds no new one, so that none which was made meanwhile goes on. Fails with kind notFound if
// there is none, conflict if one is stopped already, system if one does not stop within five
// seconds.
kj::Vector<ProcessRef> stopProcesses(const ProcessChoice& choice, RememberProcesses remember);

// Lets those that live go on, and waits until none of their threads is stopped. Returns whether all
// that live were stopped still. Fails with kind system if one does not go on within five seconds.
bool continueProcesses(kj::ArrayPtr<const ProcessRef> processes);

// Stops the processes, so that none makes another meanwhile, kills them, and waits until they have
// ended. Fails as stopProcesses does, but takes stopped ones too. `remember` is given none as soon
// as nothing has to be continued any more; after a failure, that is when those that live go on.
kj::Vector<ProcessRef> killProcesses(const ProcessChoice& choice, RememberProcesses remember);

}  // namespace nodeagent::netfault
