// A clock of its own for one command or service: it is earlier or later than the node's, and runs
// faster or slower. The clock of the machine stays as it is.
//
//   FakeClock late{.offset = -std::chrono::hours(1)};
//   Process server = victim.start(withClock(victim, late, {"kvd", "-f"}));
//   Change clock = restartWithClock(victim, late, "kvd");
//
// It is done by libfaketime, which is loaded into the command and into what that starts (Debian's
// package faketime, on the node). Programs that are linked statically do not see it, and those that
// ask the kernel by themselves. So the command may not see the clock although the node has shown
// that it works for others. The first process of the
// command is faketime, which waits for `argv`: Process::pid() is its number.
#pragma once

#include <chrono>
#include <iosfwd>
#include <source_location>
#include <string>

#include <muster/change.h>
#include <muster/node.h>

namespace muster {

// A plain value. The default is the clock of the node.
struct FakeClock {
  // Is added to the node's time, and is at most ten years either way.
  std::chrono::nanoseconds offset{0};

  // Is how fast the clock runs, from 0.01 to 100. Waits of the command end accordingly.
  double rate = 1;
};

// Returns the command that runs `argv` with this clock on `node`. It first tries the clock there,
// which takes a second: NodeError kUnsupported, naming the package, if the node has no faketime;
// kInfrastructure if a command with this clock shows another time or another rate; kInvalid for
// values out of range, and for an empty `argv`. Call from the test thread.
Argv withClock(const Node& node, const FakeClock& clock, const Argv& argv,
               std::source_location where = std::source_location::current());

// Restarts a service of `node` with this clock, and returns when one of its processes has it. The
// clock is a ServiceEnvironment (change_options.h): it is taken away at the end of the test, or by
// Change::undo, and the service keeps it until it is restarted after that. Fails as withClock and
// as change with a ServiceEnvironment do, with the errors of Service::restart, and with
// kInfrastructure if no process of the service has the clock ten seconds after the restart. Then
// nothing of the clock is left but in what runs. Call from the test thread.
Change restartWithClock(const Node& node, const FakeClock& clock, const std::string& service,
                        std::source_location where = std::source_location::current());

// Prints offset and rate for gtest.
void PrintTo(const FakeClock& clock, std::ostream* out);

}  // namespace muster
