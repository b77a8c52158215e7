// Which bricks does a volume of a given type have on which servers, and how is it created?
//
// The functions are pure and compute names and paths only. Servers have the names by which the
// members of the trusted pool know each other.
#pragma once

#include <cstddef>
#include <iosfwd>
#include <string>
#include <vector>

namespace gluster {

enum class VolumeType {
  kDistributed,            // Three bricks, each file on one of them.
  kReplicated,             // Three copies.
  kArbiter,                // Two copies, and a third brick with names and metadata only.
  kDispersed,              // Two fragments and one of redundancy.
  kDistributedReplicated,  // Two sets of three copies: six bricks on three servers.
};

// All types in the order above, for INSTANTIATE_TEST_SUITE_P.
const std::vector<VolumeType>& allVolumeTypes();

// Returns a word for the name of a test or a volume, such as `DistributedReplicated`.
std::string toString(VolumeType type);
std::ostream& operator<<(std::ostream& stream, VolumeType type);

// Returns the type as `volume info` writes it, such as `Distributed-Replicate`. It calls an arbiter
// volume `Replicate`.
std::string typeInInfo(VolumeType type);

struct Brick {
  std::string server;
  std::string path;
  std::size_t set = 0;   // Bricks of one set hold copies or fragments of the same files.
  bool arbiter = false;  // Holds no data.

  std::string name() const { return server + ":" + path; }
};

struct VolumeLayout {
  std::string name;
  VolumeType type = VolumeType::kDistributed;
  std::vector<Brick> bricks;

  // Returns the arguments `volume create NAME ... force` of gluster. Without `force` gluster
  // refuses bricks on the root file system of their node.
  std::vector<std::string> createArguments() const;

  // True if every file is whole on each brick of its set that is not an arbiter.
  bool bricksHoldWholeFiles() const { return type != VolumeType::kDispersed; }
};

// The directory on a server for the bricks of these tests.
inline constexpr const char* kBrickRoot = "/bricks";

// Places the bricks on the servers in turn, so that no set has two on one server. Throws
// std::invalid_argument for fewer than three servers, for a server named twice and for a name that
// gluster would refuse.
VolumeLayout layOut(const std::string& name, VolumeType type,
                    const std::vector<std::string>& servers);

}  // namespace gluster
