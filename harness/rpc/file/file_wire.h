// Values of schema/file.capnp between the schema and the public values.
#pragma once

#include <muster/file_stat.h>
#include <muster/write_options.h>

#include "schema/file.capnp.h"

namespace harness {

// Returns a file's time as the node tells it. Absent: the node says only that 64 bits of
// nanoseconds cannot hold it.
std::optional<int64_t> keptTime(int64_t ns);

muster::FileStat readStat(wire::Stat::Reader stat);
void writeOptions(wire::WriteOptions::Builder to, const muster::WriteOptions& from);
// Returns whether a change belongs to the session, or to a scope of it, and is undone with it.
wire::Lifetime lifetimeOf(muster::UndoAt undo);

wire::SymlinkPolicy linksOf(muster::SymlinkPolicy links);
wire::Replace replaceOf(muster::IfExists existing);

}  // namespace harness
