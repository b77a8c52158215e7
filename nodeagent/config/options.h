// What the agent is told: by its built-in defaults, configuration files, environment and command
// line, in this order.
//
// Every value remembers where it came from, for --print-config. Nothing is touched here: files are
// read, and that is all.
#pragma once

#include <stdint.h>

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace nodeagent {

enum class AgentRole { kAll, kFront, kKeeper, kInit };

// What the program shall do.
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
  std::string auditToVerify;  // Of kVerifyAudit.
  std::string enrolAt;        // Of kEnrol, as the next two: "ADDRESS:PORT".
  std::string tokenFile;      // "-": standard input.
  bool enrolReplace = false;
  int64_t enrolLimitNs = 0;  // How long to try.

  std::string nodeName;             // Default: the host's name.
  std::vector<std::string> listen;  // "unix:/path", "tcp:ADDRESS:PORT", "tls:ADDRESS:PORT"
  std::string stateDir;
  std::string keeperSocket;                          // Empty: "keeper.sock" in stateDir.
  std::string auditLog;                              // Empty: none is kept.
  std::string tlsAuthority, tlsCertificate, tlsKey;  // Paths of PEM files.
  std::string tlsDenied;      // Path of a deny list. Empty: nothing is denied.
  std::string frontUser;      // Whom the front becomes when started as root. Empty: nobody else.
  std::string penaltyExempt;  // Address ranges with commas between them.
  std::string logLevel;       // "debug", "info", "warning", "error"
  std::string logFile;        // Empty: standard error.
  std::string pidFile;        // Empty: none.
  std::string bootScript, bootLog, bootStatus;  // Of the role init: see init.h.

  // The words after the program's name, for passing on to processes of other roles.
  std::vector<std::string> arguments;

  // Of each key of the configuration, where its value came from: "default", "/etc/…yaml:3:1",
  // "environment NODEAGENT_LOG_LEVEL", "command line".
  std::map<std::string, std::string> origins;
};

// A bad word on the command line (exit status 64).
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Where configuration is looked for. For tests.
struct ConfigPlaces {
  std::string file = "/etc/nodeagent/nodeagent.yaml";  // Need not exist, unless --config names it.
  std::string directory = "/etc/nodeagent/conf.d";     // *.yaml in the order of their names.
};

// Throws UsageError, or support::ConfigError (exit status 78) for what files and environment say.
Options readOptions(const std::vector<std::string>& arguments,
                    const std::map<std::string, std::string>& environment,
                    const ConfigPlaces& places = {});

std::string helpText();

// Every key with its value and origin, as YAML with comments.
std::string configText(const Options& options);

}  // namespace nodeagent
