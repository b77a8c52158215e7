// Lists what runs and is set up on the node, so that two lists can be compared.
//
// Every call blocks, so it belongs on a worker thread.
#pragma once

#include <string>
#include <vector>

#include "schema/facts.capnp.h"

namespace nodeagent::facts {

struct SnapshotItem {
  wire::SnapshotItem::Kind kind = wire::SnapshotItem::Kind::UNSPECIFIED;
  std::string what;
};

constexpr size_t kSnapshotItemsMax = 20'000;

// Fails with kind overloaded if there are more items than kSnapshotItemsMax.
std::vector<SnapshotItem> takeSnapshot();

// Returns the ports of a table such as /proc/net/tcp6 that somebody listens on or, for UDP, has
// bound, as "tcp6 [::1]:7411". `table` is its name, and `text` its content.
std::vector<std::string> listenersIn(const std::string& table, const std::string& text);

// Returns the lines of `nft -s list ruleset`, each behind the name of its table.
std::vector<std::string> rulesIn(const std::string& text);

}  // namespace nodeagent::facts
