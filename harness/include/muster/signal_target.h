// Names the processes of a command that a signal is meant for: see Process::signal.
//
//   Process server = node.start({"kvd", "--foreground"});
//   server.signal(SIGHUP, SignalTarget::kProcess);
//
// It does not choose between threads, and does not reach the processes of other commands.
#pragma once

#include <iosfwd>

namespace muster {

enum class SignalTarget {
  // Only the first process gets the signal, the one whose number is Process::pid().
  kProcess,

  // Every process of the command gets the signal, whatever session or group it moved to.
  kAll,
};

// Prints the word for gtest.
void PrintTo(SignalTarget target, std::ostream* out);

}  // namespace muster
