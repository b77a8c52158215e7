#include "nodeagent/os/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>

#include "schema/support/base/wire_error.h"

namespace nodeagent {

Terminal openTerminal(uint16_t columns, uint16_t rows) {
  int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  if (master < 0) support::failErrno(errno, "open /dev/ptmx for a terminal");
  Terminal terminal{kj::AutoCloseFd(master), nullptr};
  int locked = 0;
  if (ioctl(master, TIOCSPTLCK, &locked) < 0) support::failErrno(errno, "unlock a terminal");
  // The slave is opened by the master and not by a path, because the node's /dev/pts may be another
  // instance.
  int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (slave < 0) support::failErrno(errno, "open the slave of a terminal");
  terminal.slave = kj::AutoCloseFd(slave);
  int result = resizeTerminal(master, columns, rows);
  if (result != 0) support::failErrno(result, "set the size of a terminal");
  return terminal;
}

int resizeTerminal(int master, uint16_t columns, uint16_t rows) {
  winsize size{};
  size.ws_col = columns;
  size.ws_row = rows;
  return ioctl(master, TIOCSWINSZ, &size) < 0 ? errno : 0;
}

}  // namespace nodeagent
