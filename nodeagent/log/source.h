// One source of lines as a request names it: what marks and reads it, and what to watch for news.
// Everything that a Source does blocks, and belongs on a worker thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "nodeagent/log/journal.h"
#include "nodeagent/log/line_filter.h"
#include "nodeagent/log/log_values.h"
#include "schema/log.capnp.h"

namespace nodeagent::logs {

// Where the logs of the node are.
struct LogPaths {
  std::string kernel = "/dev/kmsg";
  // Exists while journald runs.
  std::string journald = "/run/systemd/journal/socket";
  // The directories below which journald writes.
  std::vector<std::string> journals = {"/run/log/journal", "/var/log/journal"};
};

// Immutable, so that tasks of workers may share it.
class Source {
 public:
  virtual ~Source() = default;

  virtual Mark mark() const = 0;

  // `to` of kind kUnspecified: the slice has no end yet.
  virtual Part read(const Mark& from, const Mark& to, const LineFilter& filter,
                    const PartLimits& limits) const = 0;

  // Returns the paths that change when there is news. A path that does not exist stands for the
  // nearest directory above that does.
  virtual std::vector<std::string> watched(const Mark& at) const = 0;

  // Tells whether a mark is one of this source.
  virtual bool owns(const Mark& mark) const = 0;
};

// Fails with kind invalid for a source that can never be.
std::shared_ptr<const Source> makeSource(wire::LogSource::Reader source, const LogPaths& paths,
                                         const RunTool& run, const std::string& bootId);

}  // namespace nodeagent::logs
