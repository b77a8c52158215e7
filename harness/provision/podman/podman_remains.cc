#include "harness/provision/podman/podman_remains.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <vector>

#include "harness/os/command.h"
#include "harness/os/files.h"
#include "harness/os/process.h"
#include "harness/os/wait.h"
#include "harness/provision/error.h"
#include "harness/provision/podman/podman_marks.h"
#include "schema/support/base/text.h"

namespace harness {
namespace {

constexpr std::chrono::seconds kOrphanTime{40};
constexpr std::chrono::seconds kEndTime{10};

struct Process {
  pid_t pid = 0;
  std::vector<std::string> words;

  // Returns the word behind `option`. Empty: there is none.
  std::string behind(const std::string& option) const {
    auto found = std::find(words.begin(), words.end(), option);
    return found == words.end() || found + 1 == words.end() ? "" : *(found + 1);
  }
};

// Returns this user's processes that run `program`.
std::vector<Process> processesOf(const std::string& program) {
  std::vector<Process> processes;
  for (const std::string& pid : namesIn("/proc")) {
    struct stat status {};
    std::string directory = "/proc/" + pid;
    if (!support::isDigit(pid[0]) || readIfPresent(directory + "/comm") != program + "\n") continue;
    if (::stat(directory.c_str(), &status) != 0 || status.st_uid != ::geteuid()) continue;
    Process process{.pid = std::stoi(pid), .words = {}};
    std::string words = readIfPresent(directory + "/cmdline");
    for (size_t begin = 0; begin < words.size();) {
      size_t end = std::min(words.find('\0', begin), words.size());
      process.words.push_back(words.substr(begin, end - begin));
      begin = end + 1;
    }
    processes.push_back(std::move(process));
  }
  return processes;
}

// No name of a node has "_", but that of a cluster may: "muster_a_b" is not a node of "a_b".
bool isContainerOf(const std::string& name, const std::string& cluster) {
  std::string prefix = containerName(cluster, "");
  return name.starts_with(prefix) && name.find('_', prefix.size()) == std::string::npos;
}

// Ends a container that runs without podman's knowledge, by the runtime that started it. Its
// monitor ends with it.
void endUnknown(const Process& monitor, const std::string& id) {
  uint64_t started = startTimeOf(monitor.pid);
  runCommand({monitor.behind("-r"), "delete", "--force", id});
  Deadline deadline = after(kEndTime);
  if (waitUntil(deadline, [&] { return startTimeOf(monitor.pid) != started; })) return;
  killProcess(monitor.pid, started, after(kEndTime));
}

}  // namespace

void awaitOrphans(const std::string& cluster) {
  std::string network = networkName(cluster);
  bool areGone = waitUntil(after(kOrphanTime), [&] {
    for (const Process& process : processesOf("podman")) {
      bool isOurs =
          std::any_of(process.words.begin(), process.words.end(), [&](const std::string& word) {
            return word == network || isContainerOf(word, cluster) ||
                   word == std::string(kClusterLabel) + "=" + cluster;
          });
      if (isOurs) return false;
    }
    return true;
  });
  if (areGone) return;
  throw ProvisionError(
      ProvisionError::Kind::kNoAnswer,
      "a podman that was started for cluster \"" + cluster + "\" still works; try again later");
}

void removeTorn(const Podman& podman, const std::string& cluster) {
  std::set<std::string> known;
  for (const nlohmann::json& each : podman.list({"ps", "--all", "--format", "json"})) {
    known.insert(each.value("Id", ""));
  }
  for (const nlohmann::json& each :
       podman.list({"ps", "--all", "--external", "--format", "json"})) {
    if (known.contains(each.value("Id", ""))) continue;
    for (const nlohmann::json& name : each.value("Names", nlohmann::json::array())) {
      std::string text = name.get<std::string>();
      if (isContainerOf(text, cluster)) podman.run({"rm", "--force", text});
    }
  }
  for (const Process& monitor : processesOf("conmon")) {
    if (!isContainerOf(monitor.behind("-n"), cluster)) continue;
    std::string id = monitor.behind("-c");
    if (!podman.attempt({"container", "exists", id}).succeeded()) endUnknown(monitor, id);
  }
}

}  // namespace harness
