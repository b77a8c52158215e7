// Returns memory to the kernel that only the start or a time of much work needed.
#pragma once

#include <stdint.h>

#include <kj/async.h>
#include <kj/timer.h>

namespace nodeagent {

// Returns the heap's free pages to the kernel, and those of the program's code and constants. Pages
// of these that are needed again come from the page cache, by one fault for each 64 KiB. Call it at
// the end of the start, which runs through most of a program that uses a fraction of it afterwards.
// Writable data stays as it is. It cannot fail; at worst it releases nothing.
void trimResidentMemory();

// Returns the heap's free pages to the kernel when the process has worked and is idle again. The C
// library keeps those that bulk transfers needed, since they lie between others.
class IdleTrim {
 public:
  // Looks every two seconds, until cancelled. `timer` outlives it.
  kj::Promise<void> run(kj::Timer& timer);

  // Takes the CPU time that the process has used at this look. Returns true if it has returned
  // pages, which costs some milliseconds for 64 MiB.
  bool look(int64_t cpuNs);

 private:
  int64_t lastCpuNs_ = 0;
  bool hasWorked_ = false;
};

}  // namespace nodeagent
