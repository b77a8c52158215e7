#include "nodeagent/change/change_kind.h"

#include <unistd.h>

#include "schema/support/base/wire_error.h"

namespace nodeagent::change {

using Which = wire::ChangeSpec::Kind::Which;

Surroundings nodeSurroundings() {
  Surroundings node;
  node.isRoot = ::geteuid() == 0;
  return node;
}

ChangeKinds::ChangeKinds() {
  kj::Vector<Row> rows;
  rows.add(Row{Which::SYSCTL, newSysctlKind()});
  rows.add(Row{Which::ADDRESS, newAddressKind()});
  rows.add(Row{Which::HOSTS, newHostsKind()});
  rows.add(Row{Which::TMPFS, newTmpfsKind()});
  rows.add(Row{Which::LOOP, newLoopKind()});
  rows.add(Row{Which::MOUNT, newMountKind()});
  rows.add(Row{Which::PORT, newPortKind()});
  rows.add(Row{Which::VETH, newVethKind()});
  rows.add(Row{Which::VLAN, newVlanKind()});
  rows.add(Row{Which::BRIDGE, newBridgeKind()});
  rows.add(Row{Which::USER, newUserKind()});
  rows.add(Row{Which::GROUP, newGroupKind()});
  rows.add(Row{Which::PACKAGES, newPackagesKind()});
  rows.add(Row{Which::SERVICE_ENVIRONMENT, newServiceEnvironmentKind()});
  rows.add(Row{Which::COMMAND_ENVIRONMENT, newCommandEnvironmentKind()});
  rows_ = rows.releaseAsArray();
}

const ChangeKind& ChangeKinds::of(Which which) const {
  for (const Row& row : rows_) {
    if (row.which == which) return *row.kind;
  }
  support::fail(wire::Error::Kind::UNSUPPORTED, "kind: this agent does not know that change");
}

kj::Maybe<const ChangeKind&> ChangeKinds::named(kj::StringPtr name) const {
  for (const Row& row : rows_) {
    if (row.kind->name() == name) return *row.kind;
  }
  return nullptr;
}

}  // namespace nodeagent::change
