// What did the gluster command line answer? Its `--xml` output as values.
//
// Functions here are pure: they neither run anything nor know about nodes. Each takes one finished
// command and either gives its meaning or throws CliError. The exit status of `gluster --xml` is
// not to be believed: most refused operations exit with 0 and say so only in `opRet`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace gluster {

// A finished `gluster` command.
struct CliResult {
  std::string command;  // For messages, for example `server1: gluster volume start v`.
  int exitCode = 0;
  std::string out;
  std::string err;
};

// The command gave no result. `what()` is one line: command, what came back, gluster's own text.
class CliError : public std::runtime_error {
 public:
  enum class Kind {
    kRefused,    // gluster understood and said no: `text()` is its reason.
    kNoAnswer,   // No XML at all: glusterd is not running, or the usage was wrong.
    kMalformed,  // XML, but not what this command should answer; a bug here or another version.
  };

  // `opErrno` is gluster's number, 0 if it gave none. Numbers above 30800 are its own, not errno.
  CliError(Kind kind, const CliResult& result, int opErrno, const std::string& text);

  Kind kind() const { return kind_; }
  int opErrno() const { return opErrno_; }
  const std::string& text() const { return text_; }

 private:
  Kind kind_;
  int opErrno_;
  std::string text_;
};

// A member of the trusted pool as one of its servers sees it.
struct Peer {
  std::string uuid;
  std::string
      hostname;  // `localhost` for the server that was asked; only `pool list` has that one.
  bool connected = false;
  std::string state;  // For example `Peer in Cluster`; empty for `localhost`.
};

struct BrickInfo {
  std::string name;  // `server:/path`
  std::string hostUuid;
  bool arbiter = false;
};

struct VolumeInfo {
  std::string name;
  std::string id;
  std::string status;  // `Created`, `Started` or `Stopped`
  std::string type;    // For example `Distributed-Replicate`
  std::size_t distCount = 0;
  std::size_t replicaCount = 0;
  std::size_t arbiterCount = 0;
  std::size_t disperseCount = 0;
  std::size_t redundancyCount = 0;
  std::vector<BrickInfo> bricks;
  std::vector<std::pair<std::string, std::string>> options;

  // The value of an option that was set, or nothing if it has its default.
  std::optional<std::string> option(const std::string& key) const;
};

// One process of a started volume.
struct ProcessStatus {
  std::string host;  // As given at creation; for a self-heal daemon as the asked server names it.
  std::string path;  // The brick's directory; empty for a self-heal daemon.
  bool online = false;
  std::optional<int> pid;   // In the PID namespace of its server; nothing if not running.
  std::optional<int> port;  // Nothing if not running, and for daemons that do not listen.
  std::optional<std::uint64_t> bytesTotal;  // With `detail` only.
  std::optional<std::uint64_t> bytesFree;   // With `detail` only.

  std::string brick() const { return host + ":" + path; }
};

// Processes on servers that are not connected to the asked one are missing, not offline.
struct VolumeStatus {
  std::string name;
  std::vector<ProcessStatus> bricks;
  std::vector<ProcessStatus> healDaemons;

  // Nothing if the brick `server:/path` is not listed.
  const ProcessStatus* find(const std::string& brick) const;
};

struct BrickHeal {
  std::string name;  // `server:/path`
  std::string status;
  std::optional<std::size_t> entries;  // Nothing if the brick could not be asked.
  std::vector<std::string> files;      // Paths or gfids; not in a summary.
  std::size_t splitBrain = 0;          // In a summary only.
};

struct HealInfo {
  std::vector<BrickHeal> bricks;

  // True if every brick could be asked and none has anything left to heal.
  bool clean() const;
};

struct RebalanceStatus {
  std::string status;  // Of all servers together: `in progress`, `completed`, `failed`, …
  std::size_t files = 0;
  std::size_t failures = 0;
  std::size_t skipped = 0;
};

// Each throws CliError. `parseDone` is for commands whose answer is only that they worked; it gives
// gluster's remark, which may be empty (`Host g2 port 24007 already in peer list`).
std::string parseDone(const CliResult& result);
std::vector<Peer> parsePeers(const CliResult& result);
std::vector<std::string> parseVolumeNames(const CliResult& result);
std::vector<VolumeInfo> parseVolumeInfo(const CliResult& result);
VolumeStatus parseVolumeStatus(const CliResult& result);
HealInfo parseHealInfo(const CliResult& result);
RebalanceStatus parseRebalanceStatus(const CliResult& result);

// For the commands that ignore `--xml` (`volume heal V`): the exit status counts, the text is kept.
std::string parseText(const CliResult& result);

std::ostream& operator<<(std::ostream& stream, const Peer& peer);
std::ostream& operator<<(std::ostream& stream, const ProcessStatus& process);
std::ostream& operator<<(std::ostream& stream, const VolumeStatus& status);
std::ostream& operator<<(std::ostream& stream, const HealInfo& heal);
std::ostream& operator<<(std::ostream& stream, const RebalanceStatus& status);

}  // namespace gluster
