// The tests of kinds that are programs share a store of clusters, and programs written for a test.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>

#include <gmock/gmock.h>

#include "harness/os/files.h"
#include "harness/provision/program/program_provisioner.h"

namespace harness {

// A directory that goes with this object.
class ScratchDirectory {
 public:
  ScratchDirectory() {
    char pattern[] = "/tmp/muster-program-XXXXXX";
    path_ = ::mkdtemp(pattern);
  }
  ~ScratchDirectory() { std::filesystem::remove_all(path_); }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  const std::string& path() const { return path_; }

  // Writes a program in the language of the shell, and returns its path.
  std::string script(const std::string& name, const std::string& text) const {
    std::string path = path_ + "/" + name;
    putFile(path, "#!/bin/sh\n" + text, 0755);
    return path;
  }

 private:
  std::string path_;
};

// Lists what the store has of a cluster, and the processes whose words name a file of it.
inline std::string programLeftovers(const ClusterStore& store, const std::string& cluster) {
  std::string found;
  if (std::filesystem::exists(store.directoryOf(cluster))) {
    found += store.directoryOf(cluster) + "\n";
  }
  for (const std::string& pid : namesIn("/proc")) {
    std::string words = readIfPresent("/proc/" + pid + "/cmdline");
    if (words.find("=" + store.directoryOf(cluster) + "/") != std::string::npos) {
      found += "process " + pid + "\n";
    }
  }
  return found;
}

}  // namespace harness
