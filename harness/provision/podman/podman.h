// Podman runs the program podman, and reads what it prints. What is asked of it is in the other
// files of this room.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "harness/os/command.h"

namespace harness {

class Podman {
 public:
  // `program` is the path of podman. `options` stand before each command, such as
  // "--cgroup-manager=cgroupfs".
  explicit Podman(std::string program, std::vector<std::string> options = {});

  const std::vector<std::string>& options() const { return options_; }
  void setOptions(std::vector<std::string> options) { options_ = std::move(options); }

  // Runs `podman ARGUMENTS` to its end. Throws ProvisionError if it cannot be started.
  CommandResult attempt(const std::vector<std::string>& arguments) const;

  // Does so, and returns what it printed. Throws ProvisionError with podman's reason if it failed;
  // `node` is that of the error.
  std::string run(const std::vector<std::string>& arguments, const std::string& node = "") const;

  // Does so, and returns the JSON that it printed, which must be an array. An empty output, and
  // "null", are an empty one.
  nlohmann::json list(const std::vector<std::string>& arguments) const;

  // Brings an image here, for at most ten minutes. Fails when `isCancelled` is true.
  void pull(const std::string& image, const std::function<bool()>& isCancelled) const;

 private:
  // Runs a command until it ends, the time is over, or `isCancelled` is true: it is killed then.
  CommandResult runUntil(const std::vector<std::string>& arguments, std::chrono::seconds limit,
                         const std::function<bool()>& isCancelled) const;
  std::vector<std::string> argv(const std::vector<std::string>& arguments) const;

  std::string program_;
  std::vector<std::string> options_;
};

// Returns the reason of a failure out of what podman wrote: its error without warnings, at most
// 1000 bytes, printable, on one line.
std::string podmanReason(const CommandResult& result);

}  // namespace harness
