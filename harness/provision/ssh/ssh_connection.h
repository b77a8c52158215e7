// SshConnection is the way to one host by ssh(1). It keeps one connection open, through which
// commands go, so that only the first one logs in. It knows nothing of agents.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "harness/os/wait.h"
#include "harness/provision/ssh/ssh_keys.h"

namespace harness {

// The lines "WORD VALUE" that a script has printed, in their order.
class HostAnswer {
 public:
  HostAnswer() = default;
  explicit HostAnswer(const std::string& output);

  // Returns the value of the first line of this word; empty: there is none.
  std::string value(const std::string& word) const;
  std::vector<std::string> values(const std::string& word) const;

 private:
  std::vector<std::pair<std::string, std::string>> lines_;
};

// What ssh's configuration says of a host.
struct ConfiguredHost {
  // The address or name to connect to.
  std::string hostName;
  // Whether there is a jump host or a proxy before it.
  bool isProxied = false;
  // Whether keys of hosts that are not known yet are accepted.
  bool acceptsNewKeys = false;
};

// Reads what "ssh -G" prints.
ConfiguredHost parseConfiguredHost(const std::string& text);

// A program for /bin/sh on the host, which begins with common.sh.
struct HostScript {
  // For errors, such as "checking".
  std::string step;
  std::string text;
  // Lines NAME=VALUE before the text; each value is quoted.
  std::vector<std::pair<std::string, std::string>> variables = {};
  // Words of the command line, plain ones.
  std::vector<std::string> arguments = {};
  // Standard input of the script.
  std::string input = {};
  std::chrono::seconds time{60};
};

// It belongs to one thread at a time. Failures are HostError.
class SshConnection {
 public:
  // `key` is a plain word that no other connection has, and names its control socket.
  SshConnection(SshHost host, std::string key, std::string directory);

  // Logs in, if that was not done before. The connection stays for a minute after its last command,
  // also when this process ends.
  void connect();

  HostAnswer run(const HostScript& script) const;

  // Runs a script whose text and input stand in `input`, of which `scriptBytes` are the script, so
  // that several connections can share it.
  HostAnswer runShared(const HostScript& script, const std::string& input,
                       size_t scriptBytes) const;

  // Opens a port on this machine's loopback that leads to `port` on the host's loopback, and
  // returns its number. It stays until closeForward(), whatever becomes of this process.
  uint16_t openForward(uint16_t port) const;
  // True if such a forward lives.
  bool hasForward() const;

  // End what of this machine belongs to the connection or the forward: processes and sockets, also
  // those of an earlier process.
  void close() const;
  void closeForward() const;

  // Asks ssh's configuration, and not the host.
  const ConfiguredHost& configured();

  // Returns "10.0.0.5" or "tester@gate".
  const std::string& name() const { return host_.host; }

 private:
  std::vector<std::string> baseWords() const;
  std::string failure(const std::string& step, const std::string& errors,
                      const std::string& ending) const;
  std::vector<std::string> forwardLogin() const;
  std::vector<std::string> forwardWords(uint16_t localPort, uint16_t port) const;
  void tryForward(uint16_t port) const;
  void keepForward(uint16_t localPort, uint16_t port) const;

  SshHost host_;
  // The agents' directory on the host; "-" for the usual one.
  std::string key_, directory_;
  std::string program_;
  std::string controlPath_, forwardPath_;
  ConfiguredHost configured_;
  bool isConfigured_ = false;
};

// Returns the directory of this user's control sockets, which is nobody else's, and makes it.
// Throws ProvisionError.
std::string controlDirectory();

// Removes it, unless a connection has its socket there.
void removeControlDirectory();

}  // namespace harness
