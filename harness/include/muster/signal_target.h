// Which processes of a command a signal is meant for. See Process::signal.
#pragma once

namespace muster {

enum class SignalTarget {
  kProcess,  // The first process.
  kAll,      // Every process of the command, whatever session or group it moved to.
};

}  // namespace muster
