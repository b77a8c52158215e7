// Finds where a container's output goes, by asking the engine that runs it: podman or docker.
#pragma once

#include <string>

#include "nodeagent/log/journal.h"

namespace nodeagent::logs {

// One of the two is set.
struct ContainerOutput {
  // The path of a file, in the form of its log driver.
  std::string file;
  // The container's name in the journal.
  std::string journalName;
};

// Fails with kind invalid for a text that cannot be the name or id of a container.
void requireContainer(const std::string& name);

// Asks podman, and docker where there is no podman or where it knows no such container. Blocks, and
// belongs on a worker thread. Failures: unsupported (the node has neither, or the container's log
// driver keeps nothing that can be read), notFound, timeout, system.
ContainerOutput outputOfContainer(const RunTool& run, const std::string& name);

}  // namespace nodeagent::logs
