// Reads the agent's options from its built-in defaults, configuration files, environment and
// command line, in this order.
//
// Every value remembers where it came from, for --print-config. Reading has no effect but to read:
// no file is made, no name looked up.
#pragma once

#include <stdint.h>

#include <map>
#include <string>
#include <vector>

#include "schema/support/base/exit_status.h"

namespace nodeagent {

enum class AgentRole { kAll, kFront, kKeeper, kInit };

// The task that the program shall do.
enum class Task {
  kServe,
  kPrintHelp,
  kPrintVersion,
  kCheckConfig,
  kPrintConfig,
  kVerifyAudit,
  kMakeRequest,
  kEnrol
};

struct Options {
  Task task = Task::kServe;
  AgentRole role = AgentRole::kAll;
  // The file of the task kVerifyAudit.
  std::string auditToVerify;
  // The next four are for the task kEnrol. The server's "ADDRESS:PORT".
  std::string enrolAt;
  // "-" means standard input.
  std::string tokenFile;
  bool enrolReplace = false;
  // Bounds how long to try.
  int64_t enrolLimitNs = 0;

  // By default the host's name.
  std::string nodeName;
  // Items "unix:/path", "tcp:ADDRESS:PORT" or "tls:ADDRESS:PORT".
  std::vector<std::string> listen;
  std::string stateDir;
  // Empty: "keeper.sock" in stateDir.
  std::string keeperSocket;
  // Empty: none is kept.
  std::string auditLog;
  // Paths of PEM files.
  std::string tlsAuthority, tlsCertificate, tlsKey;
  // The path of a deny list. Empty: nothing is denied.
  std::string tlsDenied;
  // The user that the front becomes when started as root. Empty: it stays root.
  std::string frontUser;
  // Address ranges with commas between them.
  std::string penaltyExempt;
  // "debug", "info", "warning" or "error".
  std::string logLevel;
  // Empty: standard error.
  std::string logFile;
  // Empty: none.
  std::string pidFile;
  // For the role init: see init.h.
  std::string bootScript, bootLog, bootStatus;

  // The words after the program's name, which are passed on to processes of other roles.
  std::vector<std::string> arguments;

  // The origin of each key's value: "default", "/etc/…yaml:3:1", "environment NODEAGENT_LOG_LEVEL",
  // or "command line".
  std::map<std::string, std::string> origins;
};

using support::UsageError;

// The places where configuration is looked for; tests choose others.
struct ConfigPlaces {
  // Need not exist, unless --config names it.
  std::string file = "/etc/nodeagent/nodeagent.yaml";
  // Holds *.yaml, read in the order of their names.
  std::string directory = "/etc/nodeagent/conf.d";
};

// Reads all options. Throws UsageError for the command line, or support::ConfigError (exit status
// 78) for files and environment.
Options readOptions(const std::vector<std::string>& arguments,
                    const std::map<std::string, std::string>& environment,
                    const ConfigPlaces& places = {});

std::string helpText();

// Returns every key with its value and origin, as YAML with comments.
std::string configText(const Options& options);

}  // namespace nodeagent
