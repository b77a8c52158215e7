// Reads a cluster file: YAML, strict. The grammar, by example:
//
//   name: demo                  # default: the file's name without extension
//   provisioner: local          # or static
//   control: unix               # local only: how the harness reaches the agents; or tcp
//   nodes:                      # keys are node sets
//     server[1-3]:
//       role: server            # required; server, client, or a word of yours
//       labels: {rack: a}
//       init: systemd           # local only; default minimal
//       boot: [mkdir -p /data]  # local only; shell commands, as root, when the node has started
//     client1: {role: client, addresses: [10.77.1.1, "fd77::1:1"]}   # local only; default: chosen
//   boot:                       # local only; for sets of the nodes above, after their own
//     "@server": [glusterd]
//   tls: {authority: ca.pem, certificate: me.pem, key: me.key}      # static only; relative to the
//   file
//
// A node of `static` has `address: tls:10.0.0.5:7411` ("tcp:" on loopback only, "unix:/path";
// without a prefix: tls if there are certificates), and may have `tls` of its own. For a set:
// `address: 127.0.0.[2-4]:7411`.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "harness/cluster/plan.h"

namespace harness {

// "FILE:LINE:COLUMN: what is wrong, and what would be right".
class ClusterFileError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The words that `provisioner` may be.
std::vector<std::string> knownProvisioners();

// Throws ClusterFileError.
ClusterPlan readClusterFile(const std::string& path);

// As if `text` were the content of `path`.
ClusterPlan parseClusterFile(const std::string& text, const std::string& path);

}  // namespace harness
