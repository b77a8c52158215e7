#include "schema/support/base/standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "schema/support/base/exit_status.h"

namespace support {

// The lowest number that is free is the one that is opened. Whoever is executed later inherits it,
// as it would have inherited a stream.
void openStandardStreams() {
  for (int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(stream, F_GETFD) >= 0 || errno != EBADF) continue;
    int mode = stream == STDIN_FILENO ? O_WRONLY : O_RDONLY;
    if (::open("/dev/null", mode) != stream) ::_exit(kExitSystem);
  }
}

}  // namespace support
