// The tests of local nodes share a program in the agent's place, and a look for leftovers.
#pragma once

#include <unistd.h>

#include <sstream>
#include <string>

#include "harness/os/files.h"
#include "harness/provision/local/hub/state.h"
#include "harness/provision/local/local.h"
#include "harness/provision/programs.h"

namespace harness {

// Returns the options for nodes with muster-fake-nodeagent as their agent.
inline LocalOptions fakeAgentOptions() {
  LocalOptions options;
  options.agentProgram = findProgram("muster-fake-nodeagent");
  options.readyTime = std::chrono::seconds(20);
  return options;
}

// Lists everything on the machine that carries the cluster's name.
inline std::string localLeftovers(const std::string& cluster) {
  std::string found;
  ClusterPaths paths(cluster);
  for (const std::string& path : {paths.run, paths.data, paths.groups}) {
    if (!path.empty() && ::access(path.c_str(), F_OK) == 0) found += "directory " + path + "\n";
  }
  std::istringstream mounts(readFile("/proc/self/mounts"));
  for (std::string line; std::getline(mounts, line);) {
    if (line.find("/muster/" + cluster) != std::string::npos) found += "mount " + line + "\n";
  }
  for (const std::string& pid : namesIn("/proc")) {
    std::string root = readIfPresent("/proc/" + pid + "/mountinfo");
    if (root.find("/muster/" + cluster + "/") != std::string::npos)
      found += "process " + pid + "\n";
  }
  return found;
}

}  // namespace harness
