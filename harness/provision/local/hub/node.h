// One node, which is process 1 in its own namespaces, its link, and its group of processes. What it
// sees of the machine is made in rootfs.h.
#pragma once

#include <sys/types.h>

#include <string>

#include "harness/os/fd.h"
#include "harness/os/wait.h"
#include "harness/provision/local/hub/cgroup.h"
#include "harness/provision/local/hub/netlink.h"
#include "harness/provision/local/hub/spec.h"
#include "harness/provision/local/hub/state.h"

namespace harness {

// A node that is off when it is made. All nodes of a cluster are children of the one thread of the
// hub, and end with it.
class HubNode {
 public:
  // Whether the link of a node that ended is removed at once, or left to the end of the hub's
  // network namespace, which removes all links in one go.
  enum class Link { kRemove, kLeave };

  // Whether the group of a node that ended is removed by its name, which may be another cluster's
  // once the directories of this one are gone.
  enum class Group { kRemove, kLeave };

  // `spec`, which is part of `cluster`, and `paths` outlive the node. `number` is unique in the
  // cluster and names its link.
  HubNode(const NodeSpec& spec, const HubSpec& cluster, const ClusterPaths& paths, int number);

  const NodeSpec& spec() const { return spec_; }
  bool running() const { return pid_ > 0; }
  pid_t pid() const { return pid_; }
  std::string console() const { return paths_.disk(spec_.name) + "/console.log"; }

  // Starting takes three steps, so that many nodes can be started side by side. begin() clones
  // process 1, connect() makes its link, and finish() waits until it has become the init program.
  // Throws HubError with the name.
  void begin();
  void connect(Netlink& netlink, int bridgeIndex);
  void finish(Deadline deadline);

  // True if something accepts connections on the socket that the specification names, and the boot
  // commands are over. Throws HubError if they failed.
  bool ready() const;

  // Returns the ends of the node's logs, for a person who asks why ready() does not become true.
  std::string evidence() const;

  // Kills every process of the node, and waits for that. The disk stays.
  void powerOff(Netlink& netlink);

  // These two are the halves of powerOff, for many nodes at once.
  void kill();
  void reap(Link link, Group group, Netlink& netlink);
  // Takes in that process 1 has ended by itself with this wait status.
  void ended(int status, Group group, Netlink& netlink);
  // Returns how the node ended, in words. Empty: it did not end by itself.
  std::string ending() const { return ending_; }

  void freeze();
  void thaw();
  bool frozen() const { return frozen_; }

 private:
  [[noreturn]] void becomeInit(Fd go, Fd report);
  std::string inDirectory(const std::string& name) const {
    return paths_.node(spec_.name) + "/" + name;
  }
  bool listens() const;
  std::string linkName() const { return "v" + std::to_string(number_); }
  [[noreturn]] void fail(const std::string& detail) const;

  const NodeSpec& spec_;
  const HubSpec& cluster_;
  const ClusterPaths& paths_;
  int number_;
  pid_t pid_ = 0;
  bool frozen_ = false;
  std::string ending_;

  // A pidfd of process 1.
  Fd process_;

  // Written to when the link is there.
  Fd go_;

  // Brings the error of a start that failed; a successful exec closes it.
  Fd report_;
};

}  // namespace harness
