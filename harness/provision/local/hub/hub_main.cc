// muster-hub makes the nodes of one `local` cluster and is their guardian. It is started by muster
// and by test programs; its loop is in hub.cc.
//
// It reads a line of JSON, the specification, from standard input, whose end later is the owner's
// end. It writes one line to standard output when the cluster is up or could not be made, and
// before that, if the specification asks for it, a line each time that more nodes are ready.
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <functional>

#include <nlohmann/json.hpp>

#include "harness/os/files.h"
#include "harness/provision/local/hub/answer.h"
#include "harness/provision/local/hub/error.h"
#include "harness/provision/local/hub/hub.h"
#include "harness/provision/local/hub/state.h"
#include "schema/support/base/standard_streams.h"

namespace harness {
namespace {

constexpr size_t kSpecBytesMax = 64u << 20;

std::string readLine() {
  std::string text;
  char buffer[65536];
  while (text.empty() || text.back() != '\n') {
    ssize_t size = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (size <= 0) throw HubError("the specification on standard input ends before its line");
    text.append(buffer, static_cast<size_t>(size));
    if (text.size() > kSpecBytesMax) throw HubError("the specification is too large");
  }
  return text;
}

void report(const nlohmann::json& result) {
  writeAll(STDOUT_FILENO, lineOf(result), "to standard output");
  // Closing the pipe tells the caller, who waits for its end, that the line is complete.
  Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (null) ::dup2(null.get(), STDOUT_FILENO);
}

// Puts the disks into memory where the file system is an overlay, on which another overlay can have
// no upper directory. The mount exists in this namespace only.
void makeDisksPossible(const ClusterPaths& paths) {
  check(::unshare(CLONE_NEWNS | CLONE_NEWNET), "unshare the mount and network namespaces");
  check(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "make all mounts private");
  struct statfs status {};
  check(::statfs(paths.disks().c_str(), &status), "statfs " + paths.disks());
  if (status.f_type != OVERLAYFS_SUPER_MAGIC) return;
  check(::mount("tmpfs", paths.disks().c_str(), "tmpfs", MS_NOSUID, "mode=700"),
        "mount tmpfs at " + paths.disks());
}

// Tries for a moment, since a process that only looks whether the cluster lives holds the lock
// briefly.
std::optional<ClusterLock> tryPatiently(const std::string& cluster) {
  std::optional<ClusterLock> lock;
  waitUntil(after(std::chrono::milliseconds(100)), [&] {
    lock = ClusterLock::tryTake(cluster);
    return lock.has_value();
  });
  return lock;
}

// Returns the lock, after removing the leftovers of a hub that was killed.
ClusterLock takeCluster(const std::string& cluster) {
  ClusterPaths paths(cluster);
  for (int tries = 0; tries < 3; ++tries) {
    std::optional<ClusterLock> lock = tryPatiently(cluster);
    if (!lock) break;
    if (dataIsForeign(cluster)) {
      removeEverything(cluster);  // The locked directory, and what a killed hub left.
      throw HubError(paths.data + " is there, and muster has not made it: move it away, or take " +
                     "another name for the cluster");
    }
    bool leftover = ::access((paths.run + "/intent.json").c_str(), F_OK) == 0 ||
                    ::access(paths.data.c_str(), F_OK) == 0;
    if (!leftover) return std::move(*lock);
    // The locked directory goes with the rest, so that the lock is taken once more.
    removeEverything(cluster);
  }
  std::string who;
  if (auto hub = hubProcessOf(cluster))
    who = " (its hub is process " + std::to_string(hub->pid) + ")";
  throw HubError("cluster \"" + cluster + "\" is up already" + who +
                 "; end it with \"muster down " + cluster + "\"");
}

// Gives up the caller's standard error, so that a process that waits for its end does not wait for
// the cluster's.
void detachFromCaller(const std::string& cluster) {
  check(::chdir("/"), "enter /");
  std::string path = ClusterPaths(cluster).run + "/hub.log";
  Fd log(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!log) failSystem("open " + path);
  check(::dup2(log.get(), STDERR_FILENO), "dup2");
}

void prepare(const HubSpec& spec) {
  try {
    std::vector<std::string> names;
    for (const NodeSpec& node : spec.nodes) names.push_back(node.name);
    writeIntent(spec.cluster, names);
    recordHub(spec.cluster);
    detachFromCaller(spec.cluster);
    makeDisksPossible(ClusterPaths(spec.cluster));
  } catch (...) {
    removeEverything(spec.cluster);
    throw;
  }
}

void serveCluster(HubSpec spec) {
  ClusterLock lock = takeCluster(spec.cluster);
  prepare(spec);
  std::function<void(size_t)> tellReady;
  if (spec.tellsProgress) {
    tellReady = [](size_t ready) {
      writeAll(STDOUT_FILENO, lineOf({{"progress", {{"ready", ready}}}}), "to standard output");
    };
  }
  Hub hub(std::move(spec));
  hub.up(tellReady);
  try {
    report(hub.state());
  } catch (const SystemError&) {
    hub.end();  // The caller is gone.
    throw;
  }
  hub.serve();
}

int run() {
  try {
    serveCluster(hubSpecFromJson(readLine()));
    return 0;
  } catch (const std::exception& error) {
    report(refusalOf(error));
    return 1;
  }
}

}  // namespace
}  // namespace harness

int main(int argc, char** argv) {
  support::openStandardStreams();
  // A limit of the caller's for files is an error of the write that meets it, which is told, and
  // nothing stays. As a signal it would end the hub at once.
  ::signal(SIGXFSZ, SIG_IGN);
  if (argc > 1) {
    std::fprintf(stderr, "%s: takes no arguments; it is started by muster, not by hand\n", argv[0]);
    return 64;
  }
  try {
    return harness::run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "muster-hub: %s\n", error.what());
    return 70;
  }
}
