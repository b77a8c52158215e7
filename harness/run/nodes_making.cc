#include "harness/run/nodes_making.h"

#include <unistd.h>

#include <exception>
#include <utility>

#include <nlohmann/json.hpp>

#include "harness/os/files.h"
#include "harness/run/fields.h"

namespace harness::run {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;

std::optional<NodesMaking> readMaking(const std::string& path) {
  Json said = Json::parse(readIfPresent(path), nullptr, false);
  if (!said.is_object()) return std::nullopt;
  NodesMaking making{
      .cluster = textOf(said, "cluster"),
      .nodes = numberOf(said, "nodes", size_t(0)),
      .begin = steady_clock::time_point(nanoseconds(numberOf<int64_t>(said, "begin", 0)))};
  if (said.contains("ready")) making.ready = numberOf(said, "ready", size_t(0));
  return making;
}

MakingFile::MakingFile(std::string path, std::string cluster, size_t nodes)
    : path_(std::move(path)),
      making_{.cluster = std::move(cluster), .nodes = nodes, .begin = steady_clock::now()} {
  write();
}

MakingFile::~MakingFile() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

void MakingFile::tell(size_t ready) {
  if (making_.ready == ready) return;
  making_.ready = ready;
  write();
}

void MakingFile::write() const noexcept {
  if (path_.empty()) return;
  try {
    Json said = {{"cluster", making_.cluster},
                 {"nodes", making_.nodes},
                 {"begin", nanoseconds(making_.begin.time_since_epoch()).count()}};
    if (making_.ready) said["ready"] = *making_.ready;
    putFile(path_, said.dump(), 0644);
  } catch (const std::exception&) {
    // The runner shows less.
  }
}

}  // namespace harness::run
