// Pseudo terminals for jobs.
#pragma once

#include <stdint.h>

#include <kj/io.h>

namespace nodeagent {

struct Terminal {
  kj::AutoCloseFd
      master;  // Non-blocking. Reading fails with EIO once no process has the slave open.
  kj::AutoCloseFd slave;  // For the job's standard descriptors; to be closed after the start.
};

// Fails (support::failErrno) if the node has no more or no /dev/ptmx.
Terminal openTerminal(uint16_t columns, uint16_t rows);

// The kernel tells the terminal's foreground processes by SIGWINCH. An errno, or 0.
int resizeTerminal(int master, uint16_t columns, uint16_t rows);

}  // namespace nodeagent
