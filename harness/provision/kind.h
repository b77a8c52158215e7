// ProvisionerKind describes one kind: its word in a cluster file, its keys, and how to make one.
//
// A kind is a folder of this directory. It gives one such value, which kinds.cc has in its list; no
// other file names it.
#pragma once

#include <memory>

#include "harness/cluster/kind_keys.h"
#include "harness/provision/provisioner.h"

namespace harness {

struct ProvisionerKind : KindKeys {
  std::unique_ptr<Provisioner> (*make)();
};

}  // namespace harness
