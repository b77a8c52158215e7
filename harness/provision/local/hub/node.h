// One node: process 1 in its own namespaces, its link, its group of processes.
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

// Made off. All nodes of a cluster are children of the one thread of the hub, and end with it.
class HubNode {
 public:
  // Whether the link of a node that ended is taken away at once, or left to the end of the hub's
  // network namespace, which takes all of them in one go.
  enum class Link { kRemove, kLeave };

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

  // What a person needs who asks why ready() does not become true.
  std::string evidence() const;

  // Kills every process of the node, and waits for that. The disk stays.
  void powerOff(Netlink& netlink);
  // The two halves of powerOff, for many nodes at once.
  void kill();
  void reap(Link link, Netlink& netlink);
  // Tells it that its process 1 has ended by itself, and with what wait status.
  void ended(int status, Netlink& netlink);
  std::string ending() const { return ending_; }  // In words; empty: it did not end by itself.

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
  Fd process_;  // pidfd
  Fd go_;       // Written when the link is there.
  Fd report_;   // Holds the error of a start that failed; closed by a successful exec.
};

}  // namespace harness
