// Composes the container of a node: the files of its directory on this machine, and the words of
// `podman create`. It makes none.
#pragma once

#include <string>
#include <vector>

#include "harness/provision/agent_files.h"
#include "harness/provision/podman/podman_keys.h"
#include "harness/provision/podman/podman_marks.h"

namespace harness {

// The way in which this machine reaches the agents.
enum class ContainerControl {
  // The address on podman's bridge.
  kBridge,
  // A port of loopback: the bridge of an ordinary user is in a network namespace of its own.
  kLoopback
};

struct ContainerPlan {
  ClusterMark mark;
  std::string node;
  PodmanNodeSettings settings;
  std::string network;
  std::string address;
  ContainerControl control = ContainerControl::kBridge;
  // True where a container can have a hierarchy of control groups of its own to write to.
  bool ownsGroups = false;
  // The agent's program on this machine.
  std::string agentProgram;
  // Options that the machine needs: limitOptions().
  std::vector<std::string> limits;
};

// The node's directory below that of the cluster.
std::string nodeDirectory(const ClusterMark& mark, const std::string& node);

// The files of /etc/nodeagent are in this directory below it. The boot commands leave theirs there.
inline constexpr char kAgentFiles[] = "/agent";
inline constexpr char kBootStatusFile[] = "/agent/boot.status";
inline constexpr char kBootLogFile[] = "/agent/boot.log";

// Writes the files of a node into its directory, in place of those that are there. `agentFiles` are
// those of UpRequest, and `hosts` is /etc/hosts. Throws SystemError.
void writeNodeFiles(const ContainerPlan& plan, const std::vector<AgentFile>& agentFiles,
                    const std::string& hosts);

// Makes the units of a node that is off what they were when it was made: on a node, they are below
// /run, which no machine keeps. Does nothing without systemd. Throws SystemError.
void renewUnits(const PodmanNodeSettings& settings, const std::string& directory);

// Returns the words of `podman create`.
std::vector<std::string> createWords(const ContainerPlan& plan);

}  // namespace harness
