// Traffic for a trial, with a history of all that was done.
//
// Threads run commands and replace files on a node through the real harness.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests_d/muster/robustness/history.h"

namespace harness {
class ControllerNode;
}

namespace robustness {

// Measures, from construction on, how late this machine wakes its own threads. No program can
// answer sooner than the machine lets it run.
class StallMeter {
 public:
  StallMeter();
  ~StallMeter();
  std::chrono::nanoseconds worst() const { return std::chrono::nanoseconds(worst_.load()); }

 private:
  std::atomic<int64_t> worst_{0};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

struct LoadOptions {
  std::string payload;    // The program.
  std::string directory;  // It exists, and gets the files and the counter.
  std::string tag;        // The names of all commands begin with it.
  uint64_t seed = 0;
  int threads = 3;
  uint64_t linesMax = 200;  // Output lines of one command.
  long pauseUsMax = 200;    // The pause between two lines.
  bool files = true;
  uint64_t fileBytesMax = 40'000;
  std::chrono::nanoseconds callMax = std::chrono::seconds(30);
};

class Load {
 public:
  // Begins the traffic at once. `node` outlives the object.
  Load(harness::ControllerNode& node, LoadOptions options);
  ~Load();

  // Calls that were made and have not returned. A fault that meets none of them tests nothing.
  size_t inFlight() const { return inFlight_; }

  // Calls that have returned.
  size_t finished() const { return finished_; }

  // Waits until `more` more calls have returned. False if `within` passed first.
  bool awaitProgress(size_t more, std::chrono::nanoseconds within) const;

  // Lets the calls in flight end, and returns the history with the executions that payloads noted.
  // Call it once.
  History stop();

  // The lateness to allow, which is 250 ms and the longest stall of this machine.
  std::chrono::nanoseconds overrunMax() const;

 private:
  void work(int number);
  void run(const std::string& name, std::mt19937_64& random);
  void replaceFile(const std::string& path, uint64_t version, std::mt19937_64& random);
  void lookAtFile(const std::string& path);
  void keep(CommandRecord record);
  void keep(FileRecord record);

  harness::ControllerNode& node_;
  LoadOptions options_;
  StallMeter stall_;
  std::atomic<size_t> inFlight_{0};
  std::atomic<size_t> finished_{0};
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  History history_;
  std::vector<std::thread> threads_;
};

// Returns the content of version `version` of a test file, at least `bytes` bytes.
std::string fileContent(uint64_t version, size_t bytes);

// Tells which version a content is, in full. Absent if it is none.
std::optional<uint64_t> versionOf(const std::string& content);

// Returns a percentile, from 0 to 100, of some durations. Zero if there are none.
std::chrono::nanoseconds percentile(std::vector<std::chrono::nanoseconds> values, int percent);

}  // namespace robustness
