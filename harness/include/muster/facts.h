// Tells what a node is: its operating system, hardware, file systems, network and agent.
//
//   Facts facts = node.facts();
//   for (const Facts::Disk& disk : facts.disks) std::cout << disk.name << "\n";
//
// Every fact is read from the node when asked for, never cached, and nothing is measured or probed.
// It is a plain value that outlives its node, and that does not change when the node does.
//
// Things to get right:
//   * A fact that the node could not read is empty or zero, and is no error. Node::facts throws
//     only if the node does not answer.
//   * The facts of a container or of a local node are those that its kernel shows it: processors,
//     memory and disks may be those of the machine below.
//   * Sizes are in bytes, and durations in nanoseconds, unless a field says otherwise.
#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

namespace muster {

// Its parts are nested, so that their names, which are everybody's, stay free for tests.
struct Facts {
  // Describes a logical processor, from /sys/devices/system/cpu and /proc/cpuinfo.
  struct Cpu {
    // Is the N of cpuN.
    uint32_t number = 0;

    // False means that it was switched off.
    bool online = false;

    // Is the vendor's name, such as "Intel(R) Xeon(R) …".
    std::string model = {};

    // Numbers the physical package, from topology/physical_package_id.
    uint32_t socket = 0;

    // Numbers the core in its package, from topology/core_id. Hyper-threads have one core in
    // common.
    uint32_t core = 0;

    // Is the number of its NumaNode, and 0 on machines without such nodes.
    uint32_t numaNode = 0;
  };

  // Describes a memory node, from /sys/devices/system/node.
  struct NumaNode {
    // Is the N of nodeN.
    uint32_t number = 0;

    // Holds the numbers of its processors, ascending.
    std::vector<uint32_t> cpus = {};

    // Is its memory in bytes, from MemTotal of its meminfo.
    uint64_t memoryBytes = 0;
  };

  // Describes the node's memory in bytes, from /proc/meminfo.
  struct Memory {
    // Is MemTotal, the memory that the kernel manages.
    uint64_t totalBytes = 0;

    // Is MemAvailable, the memory that programs can have without swapping.
    uint64_t availableBytes = 0;

    // Are SwapTotal and SwapFree. Both are 0 without swap.
    uint64_t swapTotalBytes = 0;
    uint64_t swapFreeBytes = 0;
  };

  // Describes a disk or a partition, from /sys/block. Devices of size 0, such as unused loop
  // devices, are left out. Each disk comes before its partitions.
  struct Disk {
    // Is the kernel's name without "/dev/", such as "vda" or "vda1".
    std::string name = {};

    // Is the size in bytes, which the kernel counts in units of 512.
    uint64_t sizeBytes = 0;

    // Is the logical block size in bytes, usually 512 or 4096.
    uint32_t sectorBytes = 0;

    // Say whether it has moving parts, cannot be written, and can be taken out, as the kernel
    // believes. A partition has rotational, removable and model of its disk, and readOnly of its
    // own.
    bool rotational = false;
    bool readOnly = false;
    bool removable = false;

    // Is the vendor's name. It is empty for most virtual disks.
    std::string model = {};

    // Names the disk that a partition is on. Empty means that this is a whole disk.
    std::string parent = {};
  };

  // Describes a mounted file system, from /proc/self/mountinfo of the agent. At most 1000 are
  // there.
  struct Mount {
    // Names the device or what stands for it, such as "/dev/vda1", "tmpfs" or "server1:/export".
    std::string source = {};

    // Is the directory that it is mounted on.
    std::string target = {};

    // Is the type, such as "ext4".
    std::string type = {};

    // Holds the options of the mount and then those of the file system, separated by commas.
    std::string options = {};

    // Are the capacity, and the part that is free for users other than root, in bytes from
    // statvfs(3). Both are 0 for network file systems, which are not asked because a dead server
    // would not answer.
    uint64_t totalBytes = 0;
    uint64_t availableBytes = 0;
  };

  // Describes a network interface in the agent's network namespace, from getifaddrs(3) and ethtool.
  struct Interface {
    struct Address {
      enum class Family { kUnspecified, kIpv4, kIpv6 };

      // Is never kUnspecified today. It stands for families that this program does not know.
      Family family = Family::kUnspecified;

      // Is the address without prefix length, such as "10.77.0.11" or "fe80::1".
      std::string text = {};

      // Counts the network's bits, up to 32 or 128.
      uint8_t prefixLength = 0;

      // Says how far the address is valid, which follows from its value: "global", "link" or
      // "host".
      std::string scope = {};
    };

    // Is the name, such as "eth0".
    std::string name = {};

    // Is the kernel's number, from 1.
    uint32_t index = 0;

    // Is the hardware address, such as "52:54:00:12:34:56". It is empty where there is none, as for
    // lo.
    std::string macAddress = {};

    // Is the size of the largest packet in bytes.
    uint32_t mtu = 0;

    // Says that the administrator has switched it on (IFF_UP).
    bool up = false;

    // Says that the link has a peer (IFF_LOWER_UP).
    bool carrier = false;

    // Says that packets come back to the node itself (IFF_LOOPBACK).
    bool loopback = false;

    // Is the link's speed in megabits per second. 0 means unknown, as for most virtual interfaces.
    uint32_t speedMbit = 0;

    // Names the kernel driver, such as "virtio_net". Empty means unknown.
    std::string driver = {};

    // Holds the IPv4 and IPv6 addresses. An interface without any is listed all the same.
    std::vector<Address> addresses = {};
  };

  // Describes the agent that answered.
  struct Agent {
    // Is the version of the program, as `nodeagent --version` prints it.
    std::string version = {};

    // Is the time when it was started, by the node's clock.
    std::chrono::system_clock::time_point started = {};

    // Is its memory that is in RAM, in bytes.
    uint64_t residentBytes = 0;

    // Counts the commands that run now, of all sessions and callers.
    uint32_t jobsRunning = 0;

    // Counts the open sessions, of all callers, our own among them.
    uint32_t sessions = 0;
  };

  // Is the node name of uname(2), which may differ from Node::name.
  std::string hostname = {};

  // Are ID, VERSION_ID and PRETTY_NAME of os-release, such as "debian", "12" and "Debian GNU/Linux
  // 12 (bookworm)".
  std::string osId = {};
  std::string osVersion = {};
  std::string osName = {};

  // Are what `uname` prints with -r, -v and -m, such as "6.1.0-18-amd64", "#1 SMP …" and "x86_64".
  std::string kernelRelease = {};
  std::string kernelVersion = {};
  std::string architecture = {};

  // Is a new random id for each boot, from /proc/sys/kernel/random/boot_id. A local node has one of
  // its own for each time that it is powered on.
  std::string bootId = {};

  // Is the content of /etc/machine-id, the same over boots, and perhaps in clones of an image.
  std::string machineId = {};

  // Is the time since process 1 began, including suspension (CLOCK_BOOTTIME): the kernel's age, or,
  // for a local node, the time since it was powered on.
  std::chrono::nanoseconds uptime{0};

  // Is "systemd" or "sysv". Empty means that there is no manager that Service could use.
  std::string serviceManager = {};

  // Names the hypervisor or container manager as systemd-detect-virt names it, such as "kvm" or
  // "docker", or is "none". A container in a virtual machine is a container. Empty means unknown.
  std::string virtualization = {};

  // Names what commands of root may do, such as "mknod": capabilities(7), without "CAP_". Absent
  // means that the agent is too old to tell.
  std::optional<std::vector<std::string>> capabilities = {};

  // Are sorted by number or by name, but for mounts, which are in the order of mounting.
  std::vector<Cpu> cpus = {};
  std::vector<NumaNode> numaNodes = {};
  Memory memory = {};
  std::vector<Disk> disks = {};
  std::vector<Mount> mounts = {};
  std::vector<Interface> interfaces = {};
  Agent agent = {};
};

// Print a line for gtest. That of Facts counts its parts.
void PrintTo(const Facts& facts, std::ostream* out);
void PrintTo(const Facts::Cpu& cpu, std::ostream* out);
void PrintTo(const Facts::NumaNode& node, std::ostream* out);
void PrintTo(const Facts::Memory& memory, std::ostream* out);
void PrintTo(const Facts::Disk& disk, std::ostream* out);
void PrintTo(const Facts::Mount& mount, std::ostream* out);
void PrintTo(const Facts::Interface& interface, std::ostream* out);
void PrintTo(const Facts::Interface::Address& address, std::ostream* out);
void PrintTo(Facts::Interface::Address::Family family, std::ostream* out);
void PrintTo(const Facts::Agent& agent, std::ostream* out);

}  // namespace muster
