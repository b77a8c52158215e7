// Reads a cluster file, which is strict YAML. An example of the grammar that all kinds share:
//
//   name: demo                  # default: the file's name without extension
//   provisioner: local          # default: the first of the kinds
//   logs: {sources: [/var/log/kvd.log], fail_on: [{pattern: ^ERROR, reason: kvd lost data}]}
//   collect: {files: [/var/log/kvd.log], commands: [ss -tanp], max_size: 64MiB}
//   nodes:                      # keys are node sets
//     server[1-3]:
//       role: server            # required; server, client, or a word of yours
//       labels: {rack: a}
//       logs: {sources: [{unit: kvd.service}]}
//     client1: {role: client}
//
// All other keys, of the file and of a node set, are the kind's own (kind_keys.h). They are listed
// in docs/reference/cluster-file.md.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "harness/cluster/kind_keys.h"
#include "harness/cluster/plan.h"

namespace harness {

// The kinds that a file may name. What they point to outlives the plans.
struct Kinds {
  // It is not empty. The first is the default of a file without `provisioner:`.
  std::vector<const KindKeys*> known;

  // Finds a kind that is not among them, which may take time. Null, or a function that is empty:
  // there is none of this name. A std::runtime_error says why there is one that cannot be had.
  std::function<const KindKeys*(const std::string& name)> find = {};

  // Names those that `find` finds, for messages.
  std::function<std::vector<std::string>()> others = {};
};

// Throws ClusterFileError.
ClusterPlan readClusterFile(const std::string& path, const Kinds& kinds);

// Reads `text` as the content of `path`, which need not exist.
ClusterPlan parseClusterFile(const std::string& text, const std::string& path, const Kinds& kinds);

}  // namespace harness
