// ProvisionerKind describes one kind: its word in a cluster file, its keys, and how to make one.
//
// A kind that is built in is a folder of this directory that gives one such value, which kinds.cc
// has in its list; no other file names it. All others are programs (program/program_kinds.h).
#pragma once

#include <functional>
#include <memory>

#include "harness/cluster/kind_keys.h"
#include "harness/provision/provisioner.h"

namespace harness {

struct ProvisionerKind : KindKeys {
  std::function<std::unique_ptr<Provisioner>()> make;
};

}  // namespace harness
