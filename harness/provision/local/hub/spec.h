// What the hub is told to make: plain values, handed over as JSON on its standard input.
//
// The hub knows processes, namespaces, links and files. What an agent, a certificate or a role is,
// it does not know: whoever writes the specification composes files and commands.
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
  std::string linkTo = {};  // If not empty: a symbolic link to this, and no content.
};

struct BindSpec {
  std::string from;  // On the host.
  std::string to;    // In the node; made if it does not exist.
  bool readOnly = true;
};

struct NodeSpec {
  std::string name;
  std::vector<std::string> addresses;  // With prefix length; of its one interface, eth0.
  std::vector<std::string> argv;       // Process 1. argv[0] is a path.
  std::vector<std::string> environment;
  std::vector<FileSpec> files;      // Written before process 1 starts, at every start.
  std::vector<std::string> memory;  // Directories that begin empty at each start, on a tmpfs.
  std::vector<BindSpec> binds;
  std::vector<std::string> remove;  // Paths in the node, removed before the files are written.
  // Removes what the host's administrator enabled: *.wants and *.requires in /etc/systemd/system,
  // S* in /etc/rc?.d.
  bool privateUnits = false;

  // Names of files in the node's directory. A socket: the node is up when somebody accepts there.
  // Empty: at once.
  std::string ready;
  // Made by the node when its boot commands are over: "exit 0", or how they failed. Empty: not
  // waited for.
  std::string bootStatus;
  std::string bootLog;  // Evidence for a failure.
};

struct HubSpec {
  std::string cluster;
  bool owned = false;  // Ends when standard input does.
  std::vector<std::string>
      bridgeAddresses;  // With prefix length; the hub's own on the shared network.
  std::vector<NodeSpec> nodes;
  std::vector<FileSpec> files;      // In every node, before its own.
  std::vector<FileSpec> hostFiles;  // In the cluster's directory.
  // Given back on request, never looked into.
  nlohmann::json description;
  int readySeconds = 30;  // How long all nodes together may take to be ready.
};

std::string toJson(const HubSpec& spec);
HubSpec hubSpecFromJson(const std::string& text);  // Throws HubError.

// True if `name` may be part of a path, a host name and a mount option: letters, digits, '-', '_'
// and '.', not first
// '.' or '-', at most `sizeMax` bytes.
bool isPlainName(const std::string& name, size_t sizeMax);

}  // namespace harness
