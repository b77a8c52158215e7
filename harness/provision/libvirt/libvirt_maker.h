// Makes the domains of a cluster. What it has made when it throws is left for
// LibvirtBackend::down().
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "harness/provision/libvirt/libvirt_connection.h"
#include "harness/provision/libvirt/libvirt_keys.h"
#include "harness/provision/libvirt/libvirt_xml.h"
#include "harness/provision/program/backend.h"

namespace harness {

class LibvirtMaker {
 public:
  // All are borrowed.
  LibvirtMaker(LibvirtConnection& libvirt, const UpRequest& request, UpReport& report);

  // Throws ProvisionError if a domain or network that is not the cluster's has a name that this one
  // needs. Removes those of the cluster that an earlier directory of it has left.
  void claimNames();

  std::map<std::string, MadeNode> make();

 private:
  std::string makeNetwork();
  void define(const DomainPlan& plan, const std::string& hosts);
  void start(const DomainPlan& plan);
  void failIfCancelled() const;

  LibvirtConnection& libvirt_;
  const UpRequest& request_;
  UpReport& report_;
  const LibvirtSettings settings_;
};

// Starts the domain of a node whose files are in `directory`, a cluster's.
void startDomain(LibvirtConnection& libvirt, const std::string& directory, const std::string& node,
                 const LibvirtNodeSettings& settings, DomainTenure tenure);

// Waits until the boot commands of nodes are over, whose directories are given by name. Throws
// ProvisionError if some fail, last too long, or `look` does, which is called again and again.
void awaitBoot(const std::map<std::string, std::string>& directories,
               const std::function<void()>& look);

}  // namespace harness
