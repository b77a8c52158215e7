// Looks up host names by this machine's resolver: hosts file, DNS, and whatever else nsswitch.conf
// names. An answer is not kept, so that a changed address is followed.
#pragma once

#include <sys/socket.h>

#include <functional>
#include <string>
#include <vector>

#include "harness/os/wait.h"

namespace harness {

// What the resolver said of a name.
struct ResolvedHost {
  // In the resolver's order of preference, each once, at most 8. The port is 0.
  std::vector<sockaddr_storage> addresses;

  // The resolver's words if there are no addresses, such as "Name or service not known".
  std::string error;
};

// Returns nothing if `name` is a host name: labels of letters, digits, "-" and "_" with dots
// between them, of which the last is not a number. Otherwise returns what is wrong with it.
std::string hostNameProblem(const std::string& name);

// Asks for the addresses of a host name, and returns at once. `done` is called once, on a thread of
// the C library, perhaps much later: a resolver that does not answer takes its own time.
void resolveLater(const std::string& name, std::function<void(ResolvedHost)> done);

// Asks and waits. After `deadline` the error is "the resolver gave no answer in time".
ResolvedHost resolve(const std::string& name, Deadline deadline);

}  // namespace harness
