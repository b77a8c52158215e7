// The tar file of `muster cp --archive`. What goes wrong with it on this machine ends the command:
// CommandError with status 1.
#pragma once

#include <map>
#include <memory>
#include <string>

#include <muster/write_options.h>

#include "harness/rpc/file/tar_archive.h"

namespace harness {

std::unique_ptr<TarArchive> beginArchive(const std::string& path);

// Says in the archive why something of a node is missing, and gives it its name. `failures` has a
// text for each node.
void finishArchive(TarArchive& archive, const std::map<std::string, std::string>& failures,
                   muster::IfExists existing);

}  // namespace harness
