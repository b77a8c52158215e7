// Follows the kernel's log for processes that crashed or were killed for lack of memory. The kernel
// says nothing of a process that was ended by abort().
#pragma once

#include <optional>

#include <kj/io.h>
#include <kj/string.h>

#include "nodeagent/session/deaths.h"

namespace nodeagent::diagnosis {

// Reads a line of /dev/kmsg. Absent: it is about something else.
std::optional<Death> parseKernelDeath(kj::StringPtr line);

// Follows from the object's construction on, on nodes whose numbers of processes are those of the
// log; elsewhere the log is about other nodes too, and nothing is found. It never blocks.
class KernelDeaths {
 public:
  KernelDeaths();
  KJ_DISALLOW_COPY(KernelDeaths);

  // Enters what came since the last call.
  void readOn(Deaths& deaths);

 private:
  // Unset where nothing is found.
  kj::AutoCloseFd log_;
};

}  // namespace nodeagent::diagnosis
