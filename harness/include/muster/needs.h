// What a test suite needs of a cluster.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace muster {

enum class NeedsInit {
  kAny,      // Whatever is there; where nodes are made for the run, a minimal init.
  kSystemd,  // The nodes run systemd.
};

// A suite whose needs the cluster cannot meet is skipped with the reason. With no cluster
// configured one is made on this machine that meets the needs of all selected suites.
struct Needs {
  std::map<std::string, int> nodes =
      {};  // How many of each role, at least: {{"server", 3}, {"client", 1}}.
  NeedsInit init = NeedsInit::kAny;

  // Shell commands that nodes made for the run execute once, as root, before the first test, in
  // order.
  std::vector<std::string> boot = {};
};

}  // namespace muster
