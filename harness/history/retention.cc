#include "harness/history/retention.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "harness/history/indexed_run.h"
#include "harness/os/error.h"
#include "harness/os/files.h"
#include "harness/run/record_file.h"
#include "harness/run/run_directory.h"

namespace harness::history {
namespace {

namespace fs = std::filesystem;

// A name that begins with a dot is no run.
constexpr char kRemovedPrefix[] = ".removed-";

bool isOld(const StoredRun& run, const RetentionLimits& limits, int64_t now) {
  if (limits.olderThan) return now - run.began > limits.olderThan->count();
  return !limits.bytesMost;
}

void rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) failSystem("rename " + from + " to " + to);
}

// Two processes may remove one tree at once: what counts is that it is gone.
void removeAll(const std::string& path) {
  std::error_code ignored;
  try {
    removeTree(path);
  } catch (const SystemError&) {
    if (fs::exists(fs::symlink_status(path, ignored))) throw;
  }
}

}  // namespace

RetentionPlan planOf(std::vector<StoredRun> runs, const RetentionLimits& limits, int64_t now) {
  std::sort(runs.begin(), runs.end(), [](const StoredRun& one, const StoredRun& other) {
    return one.began != other.began ? one.began < other.began : one.id < other.id;
  });
  size_t candidates = runs.size() - std::min(runs.size(), limits.keep);
  RetentionPlan plan;
  for (const StoredRun& run : runs) plan.bytesLeft += run.bytes;
  std::vector<StoredRun> young;
  auto remove = [&](const StoredRun& run) {
    plan.bytesLeft -= run.bytes;
    plan.removed.push_back(run);
  };
  for (size_t i = 0; i < candidates; ++i) {
    if (runs[i].isRunning || runs[i].isPinned) continue;
    isOld(runs[i], limits, now) ? remove(runs[i]) : young.push_back(runs[i]);
  }
  for (const StoredRun& run : young) {
    if (limits.bytesMost && plan.bytesLeft > *limits.bytesMost) remove(run);
  }
  return plan;
}

uint64_t sizeOf(const std::string& directory) {
  uint64_t bytes = 0;
  auto add = [&](const fs::path& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) == 0) bytes += static_cast<uint64_t>(status.st_blocks) * 512;
  };
  add(directory);
  std::error_code error;
  auto options = fs::directory_options::skip_permission_denied;
  for (fs::recursive_directory_iterator it(directory, options, error), end; !error && it != end;
       it.increment(error)) {
    add(it->path());
  }
  return bytes;
}

bool isRunning(const std::string& directory) {
  fs::path records = fs::path(directory) / run::kRecordsDirectory;
  for (const std::string& name : namesIn(records)) {
    if (run::isBeingWritten(records / name)) return true;
  }
  return false;
}

Removal removeRun(const std::string& runsDirectory, const std::string& id) {
  std::string path = (fs::path(runsDirectory) / id).string();
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 && errno == ENOENT) return Removal::kGone;
  if (isRunning(path)) return Removal::kRunning;
  if (pinOf(path)) return Removal::kPinned;
  std::string aside =
      (fs::path(runsDirectory) / kRemovedPrefix).string() + id + "-" + std::to_string(::getpid());
  rename(path, aside);
  bool runs = isRunning(aside);
  if (runs || pinOf(aside)) {
    rename(aside, path);
    return runs ? Removal::kRunning : Removal::kPinned;
  }
  removeAll(aside);
  return Removal::kRemoved;
}

void sweep(const std::string& runsDirectory) {
  for (const std::string& name : namesIn(runsDirectory)) {
    if (name.starts_with(kRemovedPrefix)) removeAll((fs::path(runsDirectory) / name).string());
  }
  fs::path latest = fs::path(runsDirectory) / run::kLatestLink;
  std::error_code ignored;
  if (fs::is_symlink(fs::symlink_status(latest, ignored)) && !fs::exists(latest, ignored)) {
    fs::remove(latest, ignored);
  }
}

void pin(const std::string& directory, const std::string& reason) {
  putFile(directory + "/" + kPinnedFile, reason + "\n", 0644);
}

void unpin(const std::string& directory) {
  std::string path = directory + "/" + kPinnedFile;
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) failSystem("remove " + path);
}

}  // namespace harness::history
