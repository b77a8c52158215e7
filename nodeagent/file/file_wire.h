// Converts between the file service's own types and those of the wire. It runs on the loop; nothing
// here blocks.
#pragma once

#include <kj/array.h>
#include <kj/string.h>

#include "nodeagent/file/change.h"
#include "nodeagent/file/metadata.h"
#include "nodeagent/file/replace.h"
#include "nodeagent/file/tree.h"
#include "nodeagent/file/write_tree.h"
#include "schema/file.capnp.h"
#include "schema/support/base/id.h"

namespace nodeagent::file {

void writeStat(wire::Stat::Builder builder, const FileStat& stat);
void writeLeftOut(capnp::List<wire::LeftOut>::Builder list, kj::ArrayPtr<const LeftOut> all);
void writeVersion(wire::FileVersion::Builder builder, const FileVersion& version);
void writeTreeEntry(wire::TreeEntry::Builder builder, const TreeEntry& entry);
void writeAttribute(wire::Attribute::Builder builder, const Attribute& attribute);
inline capnp::Data::Reader asData(kj::StringPtr bytes) {
  return bytes.asBytes();
}

// The following read values from a peer, and fail with kind invalid for those that the schema does
// not allow.
WriteOptions readWriteOptions(wire::WriteOptions::Reader options);
kj::Array<TreeEntry> readTreeEntries(capnp::List<wire::TreeEntry>::Reader entries);
Attribute readAttribute(wire::Attribute::Reader attribute);
kj::String readAttributeName(capnp::Data::Reader name);
support::Id readUploadId(capnp::Data::Reader id);
kj::String readLinkTarget(capnp::Data::Reader target);
Replace readReplace(wire::Replace replace);
LinkType readLinkType(wire::LinkType type);
DigestKind readDigestKind(wire::DigestKind kind);

// Returns a chunk's bytes. Fails with kind corrupt if they do not have its check sum, with kind
// invalid if they are more than kChunkBytesMax.
kj::Array<kj::byte> readChunkData(wire::Chunk::Reader chunk);

}  // namespace nodeagent::file
