#include "tests_d/glusterfs/volume_spec.h"

#include <algorithm>
#include <ostream>
#include <set>
#include <stdexcept>

namespace gluster {
namespace {

constexpr std::size_t kSetSize = 3;

// Tells whether gluster accepts a name. It takes letters, digits, `-` and `_`, and reserves `all`.
bool acceptable(const std::string& name) {
  return !name.empty() && name != "all" &&
         std::all_of(name.begin(), name.end(),
                     [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_'; });
}

}  // namespace

const std::vector<VolumeType>& allVolumeTypes() {
  static const std::vector<VolumeType> types = {VolumeType::kDistributed, VolumeType::kReplicated,
                                                VolumeType::kArbiter, VolumeType::kDispersed,
                                                VolumeType::kDistributedReplicated};
  return types;
}

std::string toString(VolumeType type) {
  switch (type) {
    case VolumeType::kDistributed:
      return "Distributed";
    case VolumeType::kReplicated:
      return "Replicated";
    case VolumeType::kArbiter:
      return "Arbiter";
    case VolumeType::kDispersed:
      return "Dispersed";
    case VolumeType::kDistributedReplicated:
      return "DistributedReplicated";
  }
  throw std::invalid_argument("volume type: no such value");
}

std::ostream& operator<<(std::ostream& stream, VolumeType type) {
  return stream << toString(type);
}

std::string typeInInfo(VolumeType type) {
  switch (type) {
    case VolumeType::kDistributed:
      return "Distribute";
    case VolumeType::kReplicated:
    case VolumeType::kArbiter:
      return "Replicate";
    case VolumeType::kDispersed:
      return "Disperse";
    case VolumeType::kDistributedReplicated:
      return "Distributed-Replicate";
  }
  throw std::invalid_argument("volume type: no such value");
}

std::vector<std::string> VolumeLayout::createArguments() const {
  std::vector<std::string> arguments = {"volume", "create", name};
  const auto add = [&arguments](const std::vector<std::string>& words) {
    arguments.insert(arguments.end(), words.begin(), words.end());
  };
  switch (type) {
    case VolumeType::kDistributed:
      break;
    case VolumeType::kReplicated:
    case VolumeType::kDistributedReplicated:
      add({"replica", "3"});
      break;
    case VolumeType::kArbiter:
      add({"replica", "3", "arbiter", "1"});
      break;
    case VolumeType::kDispersed:
      add({"disperse", "3", "redundancy", "1"});
      break;
  }
  for (const Brick& brick : bricks) arguments.push_back(brick.name());
  arguments.emplace_back("force");
  return arguments;
}

VolumeLayout layOut(const std::string& name, VolumeType type,
                    const std::vector<std::string>& servers) {
  if (!acceptable(name))
    throw std::invalid_argument("volume name \"" + name + "\": not acceptable");
  if (std::set<std::string>(servers.begin(), servers.end()).size() != servers.size()) {
    throw std::invalid_argument("volume " + name + ": a server is named twice");
  }
  if (servers.size() < kSetSize) {
    throw std::invalid_argument("volume " + name + ": needs 3 servers, there are " +
                                std::to_string(servers.size()));
  }
  const std::size_t count = type == VolumeType::kDistributedReplicated ? 2 * kSetSize : kSetSize;
  VolumeLayout layout{name, type, {}};
  for (std::size_t i = 0; i < count; ++i) {
    Brick brick;
    brick.server = servers[i % kSetSize];
    brick.path = std::string(kBrickRoot) + "/" + name + "-" + std::to_string(i);
    brick.set = type == VolumeType::kDistributed ? i : i / kSetSize;
    brick.arbiter = type == VolumeType::kArbiter && i % kSetSize == kSetSize - 1;
    layout.bricks.push_back(std::move(brick));
  }
  return layout;
}

}  // namespace gluster
