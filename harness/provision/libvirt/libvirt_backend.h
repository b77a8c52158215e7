// The kind "libvirt": nodes that are containers (LXC) of libvirt. Domains and networks are
// transient: libvirt forgets them when they end. Their metadata say whose they are
// (libvirt_mark.h).
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "harness/provision/libvirt/libvirt_connection.h"
#include "harness/provision/libvirt/libvirt_keys.h"
#include "harness/provision/libvirt/libvirt_xml.h"
#include "harness/provision/program/backend.h"

namespace harness {

class LibvirtBackend : public Backend, public BackendMachines {
 public:
  KindKeys keys() const override;
  Examination examine(const ClusterPlan& plan) override;
  std::map<std::string, MadeNode> up(const UpRequest& request, UpReport& report) override;
  std::map<std::string, Power> state(const KnownCluster& cluster) override;
  void down(const KnownCluster& cluster) override;
  // Looks at the daemon of this machine.
  std::vector<std::string> list(const std::string& owner) override;
  BackendMachines* machines() override { return this; }

  void freeze(const KnownCluster& cluster, const std::string& node) override;
  void thaw(const KnownCluster& cluster, const std::string& node) override;
  void powerOff(const KnownCluster& cluster, const std::string& node) override;
  // Waits for the boot commands. A node whose commands fail is off then.
  PowerBefore powerOn(const KnownCluster& cluster, const std::string& node) override;

 private:
  // Returns the connection, which stays open: owned domains end with it.
  LibvirtConnection& connect(const std::string& uri);
  LibvirtConnection& connect(const KnownCluster& cluster);
  // Returns the power of a node's domain that bears the cluster's mark.
  DomainPower powerOf(LibvirtConnection& libvirt, const KnownCluster& cluster,
                      const std::string& node);

  std::map<std::string, std::unique_ptr<LibvirtConnection>> connections_;
  // The directories of owned clusters that this object has made.
  std::set<std::string> owned_;
};

}  // namespace harness
