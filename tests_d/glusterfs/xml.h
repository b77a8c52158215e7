// What did the gluster command line answer? The functions turn its `--xml` output into values.
//
// They are pure, and neither run anything nor know about nodes. Each takes one finished command and
// either returns its meaning or throws CliError. The exit status of `gluster --xml` is no use,
// since most refused operations exit with 0 and show the refusal only in `opRet`.
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
  std::string command;  // Stands in messages, for example `server1: gluster volume start v`.
  int exitCode = 0;
  std::string out;
  std::string err;
};

// Says that a command gave no result. `what()` is one line with the command, the kind of failure
// and gluster's own text.
class CliError : public std::runtime_error {
 public:
  enum class Kind {
    // gluster understood the command and refused it, for the reason in `text()`.
    kRefused,
    // The output is no XML, because glusterd does not run or the usage was wrong.
    kNoAnswer,
    // The output is XML, but no answer to this command. The parser is wrong, or the version
    // another.
    kMalformed,
  };

  // `opErrno` is gluster's number, or 0 if it gave none. Numbers above 30800 are no errno values.
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
  // The asked server itself is `localhost`, and only `pool list` shows it.
  std::string hostname;
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

  // Returns the value of an option that was set, or nothing if it has its default.
  std::optional<std::string> option(const std::string& key) const;
};

// One process of a started volume.
struct ProcessStatus {
  // The name given at creation. A self-heal daemon has the name that the asked server gives it.
  std::string host;
  std::string path;  // The brick's directory; empty for a self-heal daemon.
  bool online = false;
  // The pid in the server's PID namespace. Absent if the process does not run.
  std::optional<int> pid;
  // Absent if the process does not run, or does not listen.
  std::optional<int> port;
  // Only answers with `detail` have these.
  std::optional<std::uint64_t> bytesTotal;
  std::optional<std::uint64_t> bytesFree;

  std::string brick() const { return host + ":" + path; }
};

// The processes of a volume. Those on servers that are not connected to the asked one are missing,
// not offline.
struct VolumeStatus {
  std::string name;
  std::vector<ProcessStatus> bricks;
  std::vector<ProcessStatus> healDaemons;

  // Finds the brick `server:/path`. Null if it is not listed.
  const ProcessStatus* find(const std::string& brick) const;
};

struct BrickHeal {
  std::string name;  // `server:/path`
  std::string status;
  // The number of files to heal. Absent if the brick did not answer.
  std::optional<std::size_t> entries;
  // Paths or gfids of these files. A summary has none.
  std::vector<std::string> files;
  // Files in split brain, which only a summary counts.
  std::size_t splitBrain = 0;
};

struct HealInfo {
  std::vector<BrickHeal> bricks;

  // True if every brick has answered and none has anything left to heal.
  bool clean() const;
};

struct RebalanceStatus {
  // The status of all servers together, such as `in progress`, `completed` or `failed`.
  std::string status;
  std::size_t files = 0;
  std::size_t failures = 0;
  std::size_t skipped = 0;
};

// The parsers throw CliError. `parseDone` is for commands that only succeed or fail. It returns
// gluster's remark, such as `Host g2 port 24007 already in peer list`, which may be empty.
std::string parseDone(const CliResult& result);
std::vector<Peer> parsePeers(const CliResult& result);
std::vector<std::string> parseVolumeNames(const CliResult& result);
std::vector<VolumeInfo> parseVolumeInfo(const CliResult& result);
VolumeStatus parseVolumeStatus(const CliResult& result);
HealInfo parseHealInfo(const CliResult& result);
RebalanceStatus parseRebalanceStatus(const CliResult& result);

// Parses the answers of commands that ignore `--xml`, such as `volume heal V`. The exit status
// decides, and the text is returned.
std::string parseText(const CliResult& result);

std::ostream& operator<<(std::ostream& stream, const Peer& peer);
std::ostream& operator<<(std::ostream& stream, const ProcessStatus& process);
std::ostream& operator<<(std::ostream& stream, const VolumeStatus& status);
std::ostream& operator<<(std::ostream& stream, const HealInfo& heal);
std::ostream& operator<<(std::ostream& stream, const RebalanceStatus& status);

}  // namespace gluster
