// A file of this machine that is filled before it takes its name, so that nobody sees a part of it.
#pragma once

#include <sys/types.h>

#include <string>

#include <muster/write_options.h>

#include "harness/os/fd.h"

namespace harness {

// Returns a name for a file that is to be renamed: ".muster-0123456789abcdef.part".
std::string temporaryName();

// The functions below concern an open directory, and fail as failLocal() does, which names `path`.
struct StagedFile {
  Fd file;

  // Its temporary name. Empty: it has none, and goes with this process.
  std::string name;
};

// Opens a new file without a name where the file system can, which leaves nothing if the process is
// killed, and one with a temporary name otherwise.
StagedFile openStaged(int directory, mode_t mode, const std::string& path);

// Gives the file a temporary name if it has none.
void giveTemporaryName(StagedFile& staged, int directory, const std::string& path);

// Throws NodeError kConflict if `name` is a device, a FIFO or a socket, or a link to one: writing
// is meant to go through it, and a file in its place would end that for everybody.
void requireReplaceable(int directory, const std::string& name, const std::string& path);

// Renames `temporary` to `name`, and removes it if that fails. NodeError kConflict as
// IfExists::kRefuse says.
void publishStaged(int directory, const std::string& temporary, const std::string& name,
                   muster::IfExists existing, const std::string& path);

}  // namespace harness
