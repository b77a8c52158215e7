// What a node is: read from the node when asked, never cached. What it could not read is empty or
// zero.
//
//   Facts facts = node.facts();
//   for (const Facts::Disk& disk : facts.disks) std::cout << disk.name << "\n";
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace muster {

// Its parts are nested, so that their names, which are everybody's, stay free for tests.
struct Facts {
  struct Cpu {
    uint32_t number = 0;
    bool online = false;
    std::string model;
    uint32_t socket = 0;
    uint32_t core = 0;
    uint32_t numaNode = 0;
  };

  struct NumaNode {
    uint32_t number = 0;
    std::vector<uint32_t> cpus;
    uint64_t memoryBytes = 0;
  };

  struct Memory {
    uint64_t totalBytes = 0;
    uint64_t availableBytes = 0;
    uint64_t swapTotalBytes = 0;
    uint64_t swapFreeBytes = 0;
  };

  struct Disk {
    std::string name;  // "vda"
    uint64_t sizeBytes = 0;
    uint32_t sectorBytes = 0;
    bool rotational = false;
    bool readOnly = false;
    bool removable = false;
    std::string model;

    // The disk that a partition is on. Empty: a whole disk.
    std::string parent;
  };

  struct Mount {
    std::string source;
    std::string target;
    std::string type;
    std::string options;
    uint64_t totalBytes = 0;
    uint64_t availableBytes = 0;
  };

  struct Interface {
    struct Address {
      enum class Family { kUnspecified, kIpv4, kIpv6 };

      Family family = Family::kUnspecified;
      std::string text;  // "10.77.0.11", "fe80::1"
      uint8_t prefixLength = 0;
      std::string scope;  // "global", "link", "host"
    };

    std::string name;
    uint32_t index = 0;
    std::string macAddress;
    uint32_t mtu = 0;
    bool up = false;
    bool carrier = false;  // The link has a peer.
    bool loopback = false;
    uint32_t speedMbit = 0;  // 0: unknown.
    std::string driver;
    std::vector<Address> addresses;
  };

  struct Agent {
    std::string version;
    std::chrono::system_clock::time_point started;
    uint64_t residentBytes = 0;
    uint32_t jobsRunning = 0;
    uint32_t sessions = 0;
  };

  std::string hostname;
  std::string osId;           // ID of os-release, such as "debian".
  std::string osVersion;      // VERSION_ID, such as "12".
  std::string osName;         // PRETTY_NAME
  std::string kernelRelease;  // uname -r
  std::string kernelVersion;  // uname -v
  std::string architecture;   // uname -m
  std::string bootId;
  std::string machineId;
  std::chrono::nanoseconds uptime{0};
  std::string serviceManager;  // "systemd", "sysv" or empty.
  std::string virtualization;  // "none", "kvm", "container" …; empty: unknown.
  std::vector<Cpu> cpus;
  std::vector<NumaNode> numaNodes;
  Memory memory;
  std::vector<Disk> disks;
  std::vector<Mount> mounts;
  std::vector<Interface> interfaces;
  Agent agent;
};

}  // namespace muster
