// A process of the agent that serves what is below a directory as a file system of its own, and
// makes it slow, failing or forgetful: all that other processes do there passes through it.
//
// The keeper makes the mount (FUSE) and gives the process what it needs as its standard streams, so
// that only the keeper decides when the layer is seen. Once told to end, the layer disturbs nothing
// any more and goes on serving the files that are still open, until the last of them is closed.
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include <string>
#include <vector>

#include "nodeagent/disk/disturbance.h"

namespace nodeagent::disk {

// A keeper starts a layer as PROGRAM kLayerArgument and the words of layerWords(). Its standard
// input is the device of the mount, its standard output the directory below, and its standard error
// a file in memory of kStatusBytes that it keeps a LayerStatus in. On SIGTERM it ends. It also ends
// once the process that started it is gone, and takes the mount away then.
constexpr const char* kLayerArgument = "--disk-layer";

struct LayerSpec {
  DisturbanceSpec disturbance;
  // What was written and not synced is lost at the end, and every later request fails.
  bool losesUnsynced = false;
  // Where it is mounted, and the number of that mount.
  std::string directory = {};
  uint64_t mount = 0;
};

std::vector<std::string> layerWords(const LayerSpec& spec);

// What a layer tells of itself. Each field is written whole, at any time.
struct LayerStatus {
  enum class State : uint64_t { kStarting, kServing, kOver };

  State state = State::kStarting;
  // The process that serves, which is another than the one that was started.
  uint64_t pid = 0;
  uint64_t startTicks = 0;
  uint64_t delayed = 0;
  uint64_t writes = 0;
  uint64_t failedWrites = 0;
  // Written and not synced now.
  uint64_t unsyncedBytes = 0;
  uint64_t lostBytes = 0;
  uint64_t lostFiles = 0;
  // The errno of a change that could not be taken back.
  uint64_t error = 0;
};
constexpr size_t kStatusBytes = sizeof(LayerStatus);

// Reads what the layer tells that has `file` open, or the one that serves as process `pid`. Null if
// there is none.
bool readStatus(int file, LayerStatus& status);
bool readStatusOf(pid_t pid, LayerStatus& status);

// Runs the layer and returns its exit status.
int runLayer(const std::vector<std::string>& words);

}  // namespace nodeagent::disk
