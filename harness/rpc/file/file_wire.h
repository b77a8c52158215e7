// Values of schema/file.capnp between the schema and the public values.
#pragma once

#include <muster/file_stat.h>
#include <muster/write_options.h>

#include "schema/file.capnp.h"

namespace harness {

muster::FileStat readStat(wire::Stat::Reader stat);
void writeOptions(wire::WriteOptions::Builder to, const muster::WriteOptions& from);
wire::SymlinkPolicy linksOf(muster::SymlinkPolicy links);
wire::Replace replaceOf(muster::IfExists existing);

}  // namespace harness
