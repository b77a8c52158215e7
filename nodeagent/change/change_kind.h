// A kind of change: how a request is checked, and how the change is made and taken back. Each kind
// is one class in a file of its own, and knows nothing of sessions, journals and other kinds
// (change_table.h).
#pragma once

#include <stdint.h>

#include <functional>

#include <kj/array.h>
#include <kj/memory.h>
#include <kj/string.h>

#include "nodeagent/change/change_record.h"
#include "nodeagent/os/command.h"
#include "nodeagent/os/init_system.h"
#include "nodeagent/session/variables.h"
#include "schema/change.capnp.h"

namespace nodeagent::change {

// Runs a program of the node to its end. Tests replace it. It blocks, and is called on any thread.
using RunTool = std::function<CommandResult(kj::ArrayPtr<const kj::String> argv, int64_t limitNs)>;

// The node as a kind sees it. Tests replace all of it.
struct Surroundings {
  RunTool run = [](kj::ArrayPtr<const kj::String> argv, int64_t limitNs) {
    return runCommand(argv, limitNs);
  };
  kj::String sysctls = kj::str("/proc/sys");
  kj::String hosts = kj::str("/etc/hosts");
  kj::String mounts = kj::str("/proc/self/mountinfo");
  // Tell the service manager, and where it keeps the drop-in files of this boot and its scripts.
  InitPaths init;
  // Where scripts look for their settings: those of SysV and those of OpenRC.
  kj::String sysvSettings = kj::str("/etc/default");
  kj::String openrcSettings = kj::str("/etc/conf.d");
  // For the images of disks. The agent's own directory is often memory.
  kj::String images = kj::str("/var/tmp");
  // Root's rights are needed for every change.
  bool isRoot = true;
};

// The node itself.
Surroundings nodeSurroundings();

class ChangeKind {
 public:
  virtual ~ChangeKind() noexcept(false) = default;

  // Stands in records: "sysctl".
  virtual kj::StringPtr name() const = 0;

  // Says whether the change would still be there after a reboot.
  virtual bool outlivesBoot() const { return false; }

  // Says whether a make() that fails has left nothing, so that there is nothing to take back.
  virtual bool isAtomic() const { return false; }

  // Says whether making it can take minutes. Such changes wait for each other only, and the others
  // do not wait for them, but for what a killed keeper has left.
  virtual bool isSlow() const { return false; }

  // Returns the checked values of a request, and says for people what the change does. Neither
  // looks at the node. Fails with kind invalid.
  virtual Values read(wire::ChangeSpec::Kind::Reader from) const = 0;
  virtual kj::String text(const Values& values) const = 0;

  // The rest is called on worker threads, for one change at a time, and may block.

  // Refuses what cannot be done, touches nothing, and notes what undo() will need.
  virtual void prepare(const Surroundings& node, const support::Id& id, Values& values) const = 0;

  // Makes the change. The record is on disk. May add values for the caller, by names that begin
  // with "detail.".
  virtual void make(const Surroundings& node, const support::Id& id, Values& values) const = 0;

  // Takes back what there is of the change, which may be nothing or a part. What is gone already is
  // no failure.
  virtual void undo(const Surroundings& node, const support::Id& id,
                    const Values& values) const = 0;

  // Returns the variables that the commands of the session have while the change is there.
  virtual kj::Array<Variable> variables(const Values& values) const {
    (void)values;
    return nullptr;
  }

  // Names what two changes of this kind may have in common, where the second is made on top of the
  // first. Empty: two changes never have anything in common. Where it is not, the value "before" is
  // what undo() brings back.
  virtual kj::String resource(const Values& values) const {
    (void)values;
    return kj::String();
  }
};

kj::Own<ChangeKind> newSysctlKind();
kj::Own<ChangeKind> newAddressKind();
kj::Own<ChangeKind> newHostsKind();
kj::Own<ChangeKind> newTmpfsKind();
kj::Own<ChangeKind> newLoopKind();
kj::Own<ChangeKind> newMountKind();
kj::Own<ChangeKind> newPortKind();
kj::Own<ChangeKind> newVethKind();
kj::Own<ChangeKind> newVlanKind();
kj::Own<ChangeKind> newBridgeKind();
kj::Own<ChangeKind> newUserKind();
kj::Own<ChangeKind> newGroupKind();
kj::Own<ChangeKind> newPackagesKind();
kj::Own<ChangeKind> newServiceEnvironmentKind();
kj::Own<ChangeKind> newCommandEnvironmentKind();

// All kinds.
class ChangeKinds {
 public:
  ChangeKinds();

  // Returns the kind of a request. Fails with kind unsupported for one that is not known here.
  const ChangeKind& of(wire::ChangeSpec::Kind::Which which) const;

  // Finds a kind by its name; null if a newer agent has written it.
  kj::Maybe<const ChangeKind&> named(kj::StringPtr name) const;

 private:
  struct Row {
    wire::ChangeSpec::Kind::Which which;
    kj::Own<ChangeKind> kind;
  };
  kj::Array<Row> rows_;
};

}  // namespace nodeagent::change
