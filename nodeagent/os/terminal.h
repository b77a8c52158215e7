// Makes pseudo terminals for jobs.
#pragma once

#include <stdint.h>

#include <kj/io.h>

namespace nodeagent {

struct Terminal {
  // Non-blocking. Reading fails with EIO once no process has the slave open.
  kj::AutoCloseFd master;
  // For the job's standard descriptors; the owner closes it after the start.
  kj::AutoCloseFd slave;
};

// Opens a terminal. Fails (support::failErrno) if the node has no more, or no /dev/ptmx.
Terminal openTerminal(uint16_t columns, uint16_t rows);

// Sets the size; the kernel tells the terminal's foreground processes by SIGWINCH. Returns an
// errno, or 0.
int resizeTerminal(int master, uint16_t columns, uint16_t rows);

}  // namespace nodeagent
