// Tells how far the making of nodes is, from the test program that makes them to the runner that
// shows it to somebody who waits. It is no part of the record: the file is there only meanwhile.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace harness::run {

struct NodesMaking {
  std::string cluster = {};

  // How many of `nodes` are ready. nullopt: the kind of node does not tell.
  std::optional<size_t> ready = {};
  size_t nodes = 0;
  std::chrono::steady_clock::time_point begin = {};
};

// Returns what the file says; nullopt: there is none, so that no nodes are being made, or it says
// nothing. Processes of one machine share the clock of `begin`.
std::optional<NodesMaking> readMaking(const std::string& path);

// The program's side. Nobody but the one who waits is hurt by a file that cannot be written, so
// that this throws nothing.
class MakingFile {
 public:
  // Begins with no node that is ready. An empty path: nobody wants to know, and there is no file.
  MakingFile(std::string path, std::string cluster, size_t nodes);

  // Removes the file.
  ~MakingFile();
  MakingFile(const MakingFile&) = delete;
  MakingFile& operator=(const MakingFile&) = delete;

  void tell(size_t ready);

 private:
  void write() const noexcept;

  const std::string path_;
  NodesMaking making_;
};

}  // namespace harness::run
