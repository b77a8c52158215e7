// Traffic for a trial: threads that run commands and replace files on a node through the real
// harness, and a history of all they did.
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

namespace faults {

// How late this machine's own threads wake: what it stalls, no program can answer for. Measures
// from construction on.
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
  std::string directory;  // For files and the counter; exists.
  std::string tag;        // Begins the names of all commands.
  uint64_t seed = 0;
  int threads = 3;
  uint64_t linesMax = 200;  // Of one command.
  long pauseUsMax = 200;    // Between lines.
  bool files = true;
  uint64_t fileBytesMax = 40'000;
  std::chrono::nanoseconds callMax = std::chrono::seconds(30);
};

class Load {
 public:
  // `node` outlives the object. Begins at once.
  Load(harness::ControllerNode& node, LoadOptions options);
  ~Load();

  // Calls that were made and have not returned. A fault without any is no trial.
  size_t inFlight() const { return inFlight_; }

  // Calls that have returned.
  size_t finished() const { return finished_; }

  // Waits until `more` more calls have returned. False: `within` passed first.
  bool awaitProgress(size_t more, std::chrono::nanoseconds within) const;

  // Lets the calls in flight end, and gives all that was done, with what the payloads noted. Once.
  History stop();

  // Of what stop() allows for lateness.
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

// Content of version `version` of a test file; `bytes` is drawn by the caller.
std::string fileContent(uint64_t version, size_t bytes);

// Which version a content is, in full. Absent: none.
std::optional<uint64_t> versionOf(const std::string& content);

// Percentile 0 to 100 of some durations; zero of none.
std::chrono::nanoseconds percentile(std::vector<std::chrono::nanoseconds> values, int percent);

}  // namespace faults
