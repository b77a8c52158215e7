// KindKeys says which keys a cluster file may have because of its provisioner. How nodes are made
// is not told here: see harness/provision/kind.h.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "harness/cluster/plan.h"

namespace harness {

// A key of the file or of a node set, beside those that every kind has.
struct Key {
  enum class Presence { kOptional, kRequired };

  std::string name;
  Presence presence = Presence::kOptional;

  // An example for the text that the key is missing, such as "127.0.0.2:7411". Empty: none.
  std::string example = "";

  // Throws ClusterFileError, by the means of the setting, for a value that cannot be. Empty: the
  // kind's own check looks at it.
  std::function<void(const Setting& value)> check = {};

  // Returns the meaning of a value for each of the `count` nodes of the set `set`, in order; throws
  // as check does. Empty: it means the same for all.
  std::function<std::vector<Setting>(const Setting& value, const std::string& set, size_t count)>
      spread = {};
};

struct KindKeys {
  // The word behind `provisioner:`.
  std::string name;
  std::vector<Key> clusterKeys;
  std::vector<Key> nodeKeys;

  // Throws ClusterFileError for a plan whose values are right one by one and not together. Asks
  // nobody and changes nothing.
  std::function<void(const ClusterPlan& plan)> check;
};

// Throws ClusterFileError unless every setting of the plan is a key of the kind, passes its check,
// and none that is required is missing; and unless the kind's own check passes. For plans from
// files the reader has done that.
void checkSettings(const KindKeys& kind, const ClusterPlan& plan);

}  // namespace harness
