// Lists the exit statuses that the programs of Muster share, so that a script can tell failures
// apart by number. Each program's main decides which failure gets which status.
#pragma once

#include <stdexcept>

namespace support {

// The numbers and their meanings are those of <sysexits.h>.
enum ExitStatus : int {
  kExitOk = 0,
  // The command line is wrong.
  kExitUsage = 64,
  // The content of a file, a node set or an answer is wrong.
  kExitData = 65,
  // A file that was named cannot be read.
  kExitNoInput = 66,
  // A cluster, a node or a process that is needed cannot be reached.
  kExitUnavailable = 69,
  // A bug of ours.
  kExitInternal = 70,
  // A call to the operating system failed.
  kExitSystem = 71,
  // A node, a file or a socket could not be made.
  kExitCannotCreate = 73,
  // Output could not be written.
  kExitIo = 74,
  // The other side is busy; the same call may succeed later.
  kExitTryAgain = 75,
  // The other side is not the one that was expected.
  kExitProtocol = 76,
  // A privilege, a permission or a kernel feature is missing.
  kExitNoPermission = 77,
  // The configuration is wrong.
  kExitConfig = 78,
};

// Exit statuses of a test program and of `muster run`, besides those above.
enum TestExitStatus : int {
  kExitPassed = 0,
  // A test failed, or the program did what no passing program does.
  kExitFailed = 1,
  // Nodes or set-up failed, so that tests could not be tried.
  kExitInfrastructure = 2,
  // No test ran: none was selected, or all were skipped.
  kExitNothingRan = 3,
  // Somebody ended `muster run`. A test program dies of the signal.
  kExitCancelled = 4,
};

// Says what is wrong with a program's command line. The program prints the text and ends with
// kExitUsage.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace support
