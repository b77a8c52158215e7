// The specification of the nodes that the hub makes, as plain values. It is handed over as JSON on
// the hub's standard input.
//
// The hub knows processes, namespaces, links and files, and nothing of agents, certificates and
// roles. Its caller composes those from files and commands.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace harness {

struct FileSpec {
  // Absolute, as the node sees it; relative to the cluster's directory for files of the host.
  std::string path;
  std::string content;
  mode_t mode = 0644;

  // If not empty, the file is a symbolic link to this path and has no content.
  std::string linkTo = {};
};

struct BindSpec {
  // A path on the host.
  std::string from;

  // A path in the node, made if it does not exist.
  std::string to;
  bool readOnly = true;
};

struct NodeSpec {
  std::string name;

  // The addresses of the one interface, eth0, with prefix length.
  std::vector<std::string> addresses;

  // The command of process 1. argv[0] is a path.
  std::vector<std::string> argv;
  std::vector<std::string> environment;

  // Files that are written before process 1 starts, at every start.
  std::vector<FileSpec> files;

  // Directories that begin empty at each start, on a tmpfs.
  std::vector<std::string> memory;
  std::vector<BindSpec> binds;

  // Paths in the node that are removed before the files are written.
  std::vector<std::string> remove;

  // Removes the units and scripts that the host's administrator enabled, which are *.wants and
  // *.requires in /etc/systemd/system and S* in /etc/rc?.d.
  bool privateUnits = false;

  // The capabilities that it keeps of those that nodes give up, as dropCapabilities() names them.
  std::vector<std::string> capabilities;

  // The name of a socket in the node's directory. The node is up when somebody accepts there.
  // Empty: it is up at once.
  std::string ready;

  // The name of a file there that the node makes when its boot commands are over, with "exit 0" or
  // their failure. Empty: nobody waits for them.
  std::string bootStatus;

  // The name of a file there that is evidence for a failure.
  std::string bootLog;
};

struct HubSpec {
  std::string cluster;

  // The cluster ends when standard input does.
  bool owned = false;

  // The hub's own addresses on the shared network, with prefix length.
  std::vector<std::string> bridgeAddresses;
  std::vector<NodeSpec> nodes;

  // Files of every node, written before its own.
  std::vector<FileSpec> files;

  // Files in the cluster's directory.
  std::vector<FileSpec> hostFiles;

  // Given back on request, and never looked into.
  nlohmann::json description;

  // Given back to those who ask with it, and never looked into.
  nlohmann::json plan;

  // The time that all nodes together may take to be ready.
  int readySeconds = 30;

  // The caller wants to be told how many nodes are ready, before it is answered.
  bool tellsProgress = false;
};

std::string toJson(const HubSpec& spec);
// Throws HubError.
HubSpec hubSpecFromJson(const std::string& text);

// True if `name` may be part of a path, a host name and a mount option. It then has letters,
// digits,
// '-', '_' and '.', does not begin with '.' or '-', and has at most `sizeMax` bytes.
bool isPlainName(const std::string& name, size_t sizeMax);

}  // namespace harness
