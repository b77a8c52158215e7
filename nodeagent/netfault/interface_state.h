// What the kernel forgets of an interface that is taken down, as commands of `ip` that give it
// back: IPv6 addresses that are not its own, and routes of all tables.
//
// A command is a line of words behind "ip", such as "-4 route add 10.1.0.0/16 via 10.0.0.7 dev
// eth0". The lifetime of a route is "expires @SECONDS" in it, the time on the boot clock at which
// the route is over. All calls run `ip` and block, so they belong on worker threads.
#pragma once

#include <stddef.h>

#include <kj/array.h>
#include <kj/string.h>

#include "nodeagent/netfault/run_tool.h"

namespace nodeagent::netfault {

// An interface with more of them is left alone.
constexpr size_t kRestoreCommandsMax = 1024;

// Returns the commands that give the interface what it has now. They stand in the order in which
// each finds what it needs: addresses, then routes to the link, then those by a gateway. Fails with
// kind unsupported if the node has no `ip`, overloaded if there are more than kRestoreCommandsMax.
kj::Array<kj::String> restoreCommands(const RunTool& run, kj::StringPtr interface);

// Returns those of `commands` whose address or route the interface does not have. One whose time is
// over is not missing.
kj::Array<kj::String> missingAmong(const RunTool& run, kj::StringPtr interface,
                                   kj::ArrayPtr<const kj::String> commands);

// Runs the commands for the interface, whatever its name was when they were noted. Another route
// that somebody has put into the place of one stays. Returns what failed, each with its reason.
kj::Array<kj::String> restore(const RunTool& run, kj::StringPtr interface,
                              kj::ArrayPtr<const kj::String> commands);

}  // namespace nodeagent::netfault
