#include "nodeagent/config/options.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <cxxopts.hpp>

#include "schema/support/base/config.h"
#include "schema/support/base/duration.h"
#include "schema/support/base/endpoint.h"
#include "schema/support/base/suggestion.h"
#include "schema/support/base/trusted_file.h"
#include "schema/support/rpc/admission.h"

namespace nodeagent {
namespace {

constexpr off_t kConfigBytesMax = 1 << 20;
constexpr int64_t kEnrolLimitMaxNs = 24LL * 3600 * 1'000'000'000;

using support::ConfigError;

// Describes a value that is one text. `section` and `name` are its place in YAML. On the command
// line it is --section-name, in the environment NODEAGENT_SECTION_NAME.
struct Key {
  const char* section;
  const char* name;
  std::string Options::*member;
  const char* initial;
  const char* help;
};

const std::vector<Key>& keys() {
  static const std::vector<Key> kKeys = {
      {"", "node", &Options::nodeName, "", "this node's name (default: the host's)"},
      {"", "state-dir", &Options::stateDir, "/run/nodeagent",
       "directory for sockets, spools and undo lists"},
      {"", "keeper-socket", &Options::keeperSocket, "",
       "socket between front and keeper (default: keeper.sock in state-dir)"},
      {"", "audit-log", &Options::auditLog, "",
       "file for one line per effect on this node (default: none)"},
      {"", "front-user", &Options::frontUser, "nodeagent",
       "user that the front becomes when started as root, if it exists"},
      {"", "penalty-exempt", &Options::penaltyExempt, "127.0.0.0/8,::1",
       "addresses that are not penalized for refused certificates, such as 10.1.0.0/16,fd77::/64"},
      {"", "pidfile", &Options::pidFile, "",
       "file for the process id, written when the agent listens"},
      {"tls", "authority", &Options::tlsAuthority, "", "certificate authority of the cluster, PEM"},
      {"tls", "certificate", &Options::tlsCertificate, "", "this node's certificate, PEM"},
      {"tls", "key", &Options::tlsKey, "", "its private key, PEM; readable by its owner only"},
      {"tls", "denied", &Options::tlsDenied, "",
       "certificates that are refused, one a line: serial HEX or sha256 HEX"},
      {"log", "level", &Options::logLevel, "info", "debug, info, warning or error"},
      {"log", "file", &Options::logFile, "",
       "log file, opened again at SIGHUP (default: standard error)"},
      {"boot", "script", &Options::bootScript, "/etc/nodeagent/boot",
       "role init: run once at the start, if it exists"},
      {"boot", "log", &Options::bootLog, "/var/log/nodeagent-boot.log",
       "role init: the script's output"},
      {"boot", "status", &Options::bootStatus, "", "role init: file for the script's exit status"},
  };
  return kKeys;
}

std::string pathOf(const Key& key) {
  return *key.section ? std::string(key.section) + "." + key.name : key.name;
}

std::string optionOf(const Key& key) {
  std::string path = pathOf(key);
  std::replace(path.begin(), path.end(), '.', '-');
  return path == "node" ? "node-name" : path;
}

std::string environmentOf(const std::string& option) {
  std::string name = "NODEAGENT_";
  for (char c : option)
    name += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

void set(Options& options, const Key& key, const std::string& value, const std::string& origin) {
  options.*key.member = value;
  options.origins[pathOf(key)] = origin;
}

std::string originOf(const std::string& path, const YAML::Node& node) {
  return path + ":" + std::to_string(node.Mark().line + 1) + ":" +
         std::to_string(node.Mark().column + 1);
}

// Refuses a file that another user can change: it decides which programs run as root here.
void requireSafe(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) throw ConfigError(path + ": " + ::strerror(errno));
  if (!S_ISREG(status.st_mode)) throw ConfigError(path + ": is not a regular file");
  if (status.st_uid != 0 && status.st_uid != ::geteuid()) {
    throw ConfigError(path + ": belongs to uid " + std::to_string(status.st_uid) +
                      "; it must be root's or our own");
  }
  if (status.st_size > kConfigBytesMax) throw ConfigError(path + ": is larger than 1 MiB");
  if ((status.st_mode & 022) != 0) {
    throw ConfigError(path + ": others may write to it; chmod go-w " + path);
  }
  std::string reason = support::whyUnsafe(std::filesystem::absolute(path).parent_path());
  if (!reason.empty()) throw ConfigError(path + ": " + reason);
}

std::string contentOf(const std::string& path) {
  requireSafe(path);
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  if (!stream) throw ConfigError(path + ": " + ::strerror(errno));
  return text.str();
}

// Returns the names that may stand in `section` of the YAML; empty: at the top level.
std::vector<std::string> namesOf(const std::string& section) {
  std::vector<std::string> names;
  for (const Key& key : keys()) {
    std::string name = section.empty() && *key.section ? key.section : key.name;
    bool here = section.empty() || section == key.section;
    if (here && std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  if (section.empty()) names.push_back("listen");
  return names;
}

void readFile(Options& options, const std::string& path) {
  support::ConfigReader reader(path);
  YAML::Node root = reader.parse(contentOf(path));
  reader.checkKeys(root, namesOf(""));
  for (const char* section : {"tls", "log", "boot"}) {
    if (!root[section]) continue;
    reader.expectMap(root[section], section);
    reader.checkKeys(root[section], namesOf(section));
  }
  for (const Key& key : keys()) {
    YAML::Node parent = *key.section ? root[key.section] : root;
    if (!parent || !parent[key.name]) continue;
    YAML::Node value = parent[key.name];
    set(options, key, reader.text(value, pathOf(key)), originOf(path, value));
  }
  if (YAML::Node listen = root["listen"]) {
    options.listen = reader.texts(listen, "listen");
    options.origins["listen"] = originOf(path, listen);
  }
}

void readFiles(Options& options, const std::string& named, const ConfigPlaces& places) {
  namespace fs = std::filesystem;
  if (!named.empty()) {
    readFile(options, named);
    return;
  }
  if (fs::exists(places.file)) readFile(options, places.file);
  std::vector<std::string> more;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(places.directory, error)) {
    if (entry.path().extension() == ".yaml") more.push_back(entry.path().string());
  }
  std::sort(more.begin(), more.end());
  for (const std::string& path : more) readFile(options, path);
}

std::vector<std::string> splitAtCommas(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
  return parts;
}

void readEnvironment(Options& options, const std::map<std::string, std::string>& environment) {
  std::vector<std::string> known = {environmentOf("listen")};
  for (const Key& key : keys()) known.push_back(environmentOf(optionOf(key)));
  for (const auto& [name, value] : environment) {
    // An unknown name is an error, because a misspelt variable would otherwise be ignored in
    // silence.
    if (name.rfind("NODEAGENT_", 0) != 0) continue;
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      throw ConfigError("environment " + name + ": unknown" + support::suggestion(name, known));
    }
    std::string origin = "environment " + name;
    if (name == environmentOf("listen")) {
      options.listen = splitAtCommas(value);
      options.origins["listen"] = origin;
    }
    for (const Key& key : keys()) {
      if (name == environmentOf(optionOf(key))) set(options, key, value, origin);
    }
  }
}

cxxopts::Options commandLine() {
  cxxopts::Options line(
      "nodeagent", "Serves commands, files and services of this node to Muster's controllers.");
  auto add = line.add_options();
  add("help", "print this and exit");
  add("version", "print the versions of program and protocol and exit");
  add("config", "configuration file, instead of /etc/nodeagent/nodeagent.yaml and conf.d/*.yaml",
      cxxopts::value<std::string>(), "FILE");
  add("check-config", "read the configuration, report errors, and exit");
  add("print-config", "print every value with its origin, and exit");
  add("verify-audit", "verify an audit log and the older files beside it, and exit",
      cxxopts::value<std::string>(), "FILE");
  add("make-request",
      "make this node's private key, in the file that tls.key names, print the request for its "
      "certificate, and exit");
  add("enrol",
      "get this node's certificate from muster pki serve at ADDRESS:PORT, into the files that "
      "tls.authority, tls.certificate and tls.key name, and exit",
      cxxopts::value<std::string>(), "ADDRESS:PORT");
  add("token-file", "enrol: the file with the token, or - for standard input",
      cxxopts::value<std::string>(), "FILE");
  add("enrol-limit", "enrol: how long to try while the server cannot be reached or is full",
      cxxopts::value<std::string>()->default_value("30s"), "DURATION");
  add("enrol-replace", "enrol: replace the files if they exist");
  add("role",
      "all (keeper that starts and watches a front), front, keeper, or init (process 1 of a bare "
      "node)",
      cxxopts::value<std::string>()->default_value("all"), "ROLE");
  add("listen",
      "where to listen: unix:PATH, tls:ADDRESS:PORT, or tcp:ADDRESS:PORT on loopback; may be given "
      "several times",
      cxxopts::value<std::vector<std::string>>(), "ENDPOINT");
  for (const Key& key : keys()) add(optionOf(key), key.help, cxxopts::value<std::string>(), "TEXT");
  return line;
}

void readEnrolment(Options& options, const cxxopts::ParseResult& parsed) {
  for (const char* name : {"token-file", "enrol-limit", "enrol-replace"}) {
    if (options.task != Task::kEnrol && parsed.count(name) != 0) {
      throw UsageError(std::string("--") + name + " goes with --enrol only");
    }
  }
  if (options.task != Task::kEnrol) return;
  if (parsed.count("token-file") == 0) {
    throw UsageError(
        "--enrol wants --token-file FILE; a token on the command line could be read "
        "by everybody on this node");
  }
  std::string limit = parsed["enrol-limit"].as<std::string>();
  auto limitNs = support::durationFromText(limit);
  if (!limitNs || *limitNs == 0 || *limitNs > kEnrolLimitMaxNs) {
    throw UsageError("--enrol-limit: \"" + limit +
                     "\" is not a duration of at most a day, such as 30s");
  }
  options.enrolLimitNs = *limitNs;
  options.enrolAt = parsed["enrol"].as<std::string>();
  options.tokenFile = parsed["token-file"].as<std::string>();
  options.enrolReplace = parsed.count("enrol-replace") != 0;
}

AgentRole readRole(const std::string& word) {
  const std::vector<std::string> words = {"all", "front", "keeper", "init"};
  auto found = std::find(words.begin(), words.end(), word);
  if (found == words.end()) {
    throw UsageError("--role: there is no \"" + word + "\"" + support::suggestion(word, words));
  }
  return static_cast<AgentRole>(found - words.begin());
}

Task readTask(const cxxopts::ParseResult& parsed) {
  if (parsed.count("help")) return Task::kPrintHelp;
  if (parsed.count("version")) return Task::kPrintVersion;
  if (parsed.count("make-request")) return Task::kMakeRequest;
  if (parsed.count("enrol")) return Task::kEnrol;
  if (parsed.count("verify-audit")) return Task::kVerifyAudit;
  if (parsed.count("check-config")) return Task::kCheckConfig;
  if (parsed.count("print-config")) return Task::kPrintConfig;
  return Task::kServe;
}

[[noreturn]] void refuse(const Options& options, const std::string& key,
                         const std::string& reason) {
  auto origin = options.origins.find(key);
  throw ConfigError((origin == options.origins.end() ? "default" : origin->second) + ": " + key +
                    ": " + reason);
}

void checkListen(const Options& options) {
  if (options.listen.empty()) refuse(options, "listen", "is empty; wanted at least one endpoint");
  for (const std::string& text : options.listen) {
    std::string why;
    auto endpoint = support::Endpoint::fromText(text, &why);
    if (!endpoint) refuse(options, "listen", why);
    if (endpoint->transport == support::Transport::kTcp && !endpoint->loopback()) {
      refuse(options, "listen",
             "\"" + text +
                 "\" would serve without TLS beyond this machine; plain tcp: is for loopback "
                 "addresses, use tls: with tls.authority, tls.certificate and tls.key");
    }
    if (endpoint->transport != support::Transport::kTls) continue;
    for (const char* part : {"tls.authority", "tls.certificate", "tls.key"}) {
      for (const Key& key : keys()) {
        if (pathOf(key) == part && (options.*key.member).empty()) {
          refuse(options, "listen", "\"" + text + "\" needs " + part + ", which is not set");
        }
      }
    }
  }
}

void check(const Options& options) {
  checkListen(options);
  const std::vector<std::string> levels = {"debug", "info", "warning", "error"};
  if (std::find(levels.begin(), levels.end(), options.logLevel) == levels.end()) {
    refuse(
        options, "log.level",
        "there is no \"" + options.logLevel + "\"" + support::suggestion(options.logLevel, levels));
  }
  std::string why;
  if (!support::addressRanges(options.penaltyExempt, &why)) refuse(options, "penalty-exempt", why);
  const std::vector<std::string> noPaths = {"node", "level", "front-user", "penalty-exempt"};
  for (const Key& key : keys()) {
    bool path = std::find(noPaths.begin(), noPaths.end(), key.name) == noPaths.end();
    const std::string& value = options.*key.member;
    if (path && !value.empty() && value[0] != '/') {
      refuse(options, pathOf(key), "\"" + value + "\" is not an absolute path");
    }
  }
}

void fillDefaults(Options& options) {
  for (const Key& key : keys()) set(options, key, key.initial, "default");
  options.listen = {"unix:/run/nodeagent/agent.sock"};
  options.origins["listen"] = "default";
  char name[256] = "localhost";
  ::gethostname(name, sizeof name - 1);
  options.nodeName = name;
}

}  // namespace

Options readOptions(const std::vector<std::string>& arguments,
                    const std::map<std::string, std::string>& environment,
                    const ConfigPlaces& places) {
  Options options;
  fillDefaults(options);
  std::vector<const char*> words = {"nodeagent"};
  for (const std::string& argument : arguments) words.push_back(argument.c_str());
  try {
    // The command line is parsed first, because it may name the file and the task. Its values are
    // applied last, because they override all others.
    cxxopts::ParseResult parsed = commandLine().parse(static_cast<int>(words.size()), words.data());
    if (!parsed.unmatched().empty())
      throw UsageError("unexpected word \"" + parsed.unmatched().front() + "\"");
    options.task = readTask(parsed);
    options.role = readRole(parsed["role"].as<std::string>());
    options.arguments = arguments;
    readEnrolment(options, parsed);
    if (options.task == Task::kPrintHelp || options.task == Task::kPrintVersion) return options;
    if (options.task == Task::kVerifyAudit) {
      options.auditToVerify = parsed["verify-audit"].as<std::string>();
      return options;
    }
    readFiles(options, parsed.count("config") ? parsed["config"].as<std::string>() : "", places);
    readEnvironment(options, environment);
    for (const Key& key : keys()) {
      std::string option = optionOf(key);
      if (parsed.count(option)) set(options, key, parsed[option].as<std::string>(), "command line");
    }
    if (parsed.count("listen")) {
      options.listen = parsed["listen"].as<std::vector<std::string>>();
      options.origins["listen"] = "command line";
    }
  } catch (const cxxopts::exceptions::exception& error) {
    throw UsageError(error.what());
  }
  // The default depends on another value, so it is filled in when that is final.
  if (options.keeperSocket.empty()) options.keeperSocket = options.stateDir + "/keeper.sock";
  check(options);
  return options;
}

std::string helpText() {
  return commandLine().help() +
         "\nEach value may also stand in the configuration (tls, log and boot are sections there) "
         "or in the environment\n"
         "(NODEAGENT_LOG_LEVEL); the command line wins over the environment, and that over files.\n"
         "\nSignals: TERM ends cleanly, a second one at once; HUP reads certificates, deny list "
         "and log level again.\n"
         "\nExit status: 0 ended cleanly; 1 --verify-audit found a fault; 64 usage; 69 the "
         "keeper cannot be reached; 70 internal "
         "error;\n"
         "71 a system call failed; 73 a file or socket cannot be made; 78 configuration.\n"
         "With --enrol: 65 the answer is not a certificate for this node; 69 unreachable; 75 the "
         "server is full;\n"
         "76 not the token's authority, or a clock is wrong: nothing was sent; 77 the token is "
         "refused.\n";
}

std::string configText(const Options& options) {
  std::ostringstream text;
  text << "listen:  # " << options.origins.at("listen") << "\n";
  for (const std::string& endpoint : options.listen) text << "  - " << endpoint << "\n";
  for (const std::string section : {"", "tls", "log", "boot"}) {
    // A section in which nothing is set is written as a comment as a whole, because YAML has no
    // empty map in this form.
    auto here = [&](const Key& key) { return section == key.section; };
    bool any = std::any_of(keys().begin(), keys().end(), [&](const Key& key) {
      return here(key) && !(options.*key.member).empty();
    });
    if (!section.empty()) text << (any ? "" : "# ") << section << ":\n";
    for (const Key& key : keys()) {
      if (!here(key)) continue;
      const std::string& value = options.*key.member;
      const char* indent = section.empty() ? "" : "  ";
      if (value.empty()) {
        text << "# " << indent << key.name << ": not set\n";
      } else {
        text << indent << key.name << ": " << value << "  # " << options.origins.at(pathOf(key))
             << "\n";
      }
    }
  }
  return text.str();
}

}  // namespace nodeagent
