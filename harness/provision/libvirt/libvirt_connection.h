// LibvirtConnection speaks with a libvirt daemon: the few calls that this kind makes, with their
// failures as ProvisionError. It knows nothing of clusters.
//
// A call waits for the daemon without a bound: Muster ends a program that says nothing for a minute
// (docs/reference/provisioner-protocol.md).
#pragma once

#include <libvirt/libvirt.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace harness {

// The descriptions of a domain or of a network that the daemon knows.
struct LibvirtThing {
  std::string name;
  std::string xml;
};

enum class DomainPower { kRunning, kPaused, kGone };

// The keeper of a domain.
enum class DomainTenure {
  kStanding,
  // This connection: the daemon destroys the domain when it closes, however it does.
  kConnection
};

class LibvirtConnection {
 public:
  // Throws ProvisionError: kNoAnswer, kNoPermission or kNotPossibleHere, with the remedy.
  explicit LibvirtConnection(const std::string& uri);

  bool isAlive() const;

  // The bytes of memory that are free on the machine of the daemon.
  uint64_t freeMemory() const;

  // Those that run or are defined.
  std::vector<LibvirtThing> domains() const;
  std::vector<LibvirtThing> networks() const;

  // Makes and starts a domain that is gone when it ends. `node` is for errors.
  void createDomain(const std::string& xml, DomainTenure tenure, const std::string& node);
  DomainPower power(const std::string& domain) const;
  void suspend(const std::string& domain, const std::string& node);
  void resume(const std::string& domain, const std::string& node);
  // Ends a domain at once, and its definition if it has one. One that is not there is no error.
  void destroyDomain(const std::string& domain);

  // Makes and starts a network that is gone when it ends.
  void createNetwork(const std::string& xml);
  // One that is not there is no error.
  void destroyNetwork(const std::string& network);

 private:
  struct Close {
    void operator()(virConnectPtr connection) const { ::virConnectClose(connection); }
  };
  struct FreeDomain {
    void operator()(virDomainPtr domain) const { ::virDomainFree(domain); }
  };
  struct FreeNetwork {
    void operator()(virNetworkPtr network) const { ::virNetworkFree(network); }
  };
  using Domain = std::unique_ptr<virDomain, FreeDomain>;
  using Network = std::unique_ptr<virNetwork, FreeNetwork>;

  // Null: there is none of the name.
  Domain findDomain(const std::string& name) const;
  Domain requireDomain(const std::string& name, const std::string& node) const;

  std::unique_ptr<virConnect, Close> connection_;
};

}  // namespace harness
