#include "nodeagent/file/file_wire.h"

#include <string.h>

#include "nodeagent/file/in_place.h"
#include "nodeagent/file/path.h"
#include "nodeagent/file/view.h"
#include "schema/support/base/crc32c.h"
#include "schema/support/base/file_metadata.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::file {
namespace {

using Kind = wire::Error::Kind;

constexpr struct {
  wire::FileType type;
  mode_t mode;
} kTypes[] = {
    {wire::FileType::REGULAR, S_IFREG}, {wire::FileType::DIRECTORY, S_IFDIR},
    {wire::FileType::SYMLINK, S_IFLNK}, {wire::FileType::FIFO, S_IFIFO},
    {wire::FileType::SOCKET, S_IFSOCK}, {wire::FileType::CHARACTER, S_IFCHR},
    {wire::FileType::BLOCK, S_IFBLK},
};

mode_t modeOfType(wire::FileType type) {
  for (auto& entry : kTypes) {
    if (entry.type == type) return entry.mode;
  }
  return 0;
}

}  // namespace

void writeStat(wire::Stat::Builder builder, const FileStat& stat) {
  const struct stat& status = stat.status;
  for (auto& entry : kTypes) {
    if (entry.mode == (status.st_mode & S_IFMT)) builder.setType(entry.type);
  }
  builder.setMode(status.st_mode & 07777);
  builder.setSize(static_cast<uint64_t>(status.st_size));
  // st_blocks counts 512 bytes, whatever the file system's own blocks are.
  builder.setAllocatedBytes(static_cast<uint64_t>(status.st_blocks) * 512);
  builder.setUid(status.st_uid);
  builder.setGid(status.st_gid);
  builder.setUser(stat.user);
  builder.setGroup(stat.group);
  builder.setLinks(status.st_nlink);
  builder.setAccessedNs(nanoseconds(status.st_atim));
  builder.setModifiedNs(nanoseconds(status.st_mtim));
  builder.setChangedNs(nanoseconds(status.st_ctim));
  builder.setDevice(status.st_dev);
  builder.setInode(status.st_ino);
  if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)) builder.setSpecialDevice(status.st_rdev);
}

void writeLeftOut(capnp::List<wire::LeftOut>::Builder list, kj::ArrayPtr<const LeftOut> all) {
  for (unsigned i = 0; i < list.size(); ++i) {
    list[i].setEntry(all[i].entry);
    support::writeError(list[i].initError(), all[i].failure);
  }
}

void writeVersion(wire::FileVersion::Builder builder, const FileVersion& version) {
  builder.setDevice(version.device);
  builder.setInode(version.inode);
  builder.setSize(version.size);
  builder.setChangedNs(version.changedNs);
}

void writeAttribute(wire::Attribute::Builder builder, const Attribute& attribute) {
  builder.setName(asData(attribute.name));
  builder.setValue(attribute.value);
}

void writeTreeEntry(wire::TreeEntry::Builder builder, const TreeEntry& entry) {
  builder.setPath(asData(entry.path));
  writeStat(builder.initStat(), entry.stat);
  if (entry.target.size() > 0) builder.setTarget(asData(entry.target));
  if (entry.contentInline) builder.setContent(entry.content);
  builder.setContentInline(entry.contentInline);
  if (entry.attributes.size() > 0) {
    auto attributes = builder.initAttributes(static_cast<unsigned>(entry.attributes.size()));
    for (unsigned i = 0; i < attributes.size(); ++i)
      writeAttribute(attributes[i], entry.attributes[i]);
  }
}

Replace readReplace(wire::Replace replace) {
  switch (replace) {
    case wire::Replace::EXISTING:
      return Replace::kExisting;
    case wire::Replace::NEVER:
      return Replace::kNever;
  }
  support::fail(Kind::INVALID, "replace: unknown value ", static_cast<unsigned>(replace));
}

LinkType readLinkType(wire::LinkType type) {
  switch (type) {
    case wire::LinkType::SYMBOLIC:
      return LinkType::kSymbolic;
    case wire::LinkType::HARD:
      return LinkType::kHard;
  }
  support::fail(Kind::INVALID, "link type: unknown value ", static_cast<unsigned>(type));
}

DigestKind readDigestKind(wire::DigestKind kind) {
  switch (kind) {
    case wire::DigestKind::CONTENT:
      return DigestKind::kContent;
    case wire::DigestKind::BLOCKS:
      return DigestKind::kBlocks;
  }
  support::fail(Kind::INVALID, "digest kind: unknown value ", static_cast<unsigned>(kind));
}

namespace {

kj::Maybe<int64_t> readModified(wire::WriteOptions::Reader options) {
  if (options.getModifiedNs() != 0) return options.getModifiedNs();
  if (options.getModified().isAtNs()) return options.getModified().getAtNs();
  return nullptr;
}

}  // namespace

WriteOptions readWriteOptions(wire::WriteOptions::Reader options) {
  WriteOptions result;
  result.mode = options.getMode();
  requireMode(result.mode);
  result.keepMode = options.getKeepMode();
  result.user = kj::str(options.getUser());
  result.group = kj::str(options.getGroup());
  result.replace = readReplace(options.getReplace());
  result.sync = options.getSync();
  result.parents = options.getParents();
  result.lifetime =
      options.getLifetime() == wire::Lifetime::SESSION ? Lifetime::kSession : Lifetime::kPermanent;
  result.attributes = KJ_MAP(attribute, options.getAttributes()) {
    return readAttribute(attribute);
  };
  result.modifiedNs = readModified(options);
  result.sparse = options.getSparse();
  result.exactAttributes = options.getExactAttributes();
  result.digestKind = readDigestKind(options.getDigestKind());
  result.inPlace = options.getInPlace();
  if (result.inPlace) requireFitInPlace(result);
  return result;
}

kj::String readAttributeName(capnp::Data::Reader name) {
  if (name.size() == 0 || name.size() > kNameBytesMax ||
      memchr(name.begin(), 0, name.size()) != nullptr) {
    support::fail(Kind::INVALID, "attribute: its name must have 1 to ", kNameBytesMax,
                  " bytes and no NUL");
  }
  return kj::heapString(name.asChars().begin(), name.size());
}

Attribute readAttribute(wire::Attribute::Reader attribute) {
  return {readAttributeName(attribute.getName()), kj::heapArray<kj::byte>(attribute.getValue())};
}

support::Id readUploadId(capnp::Data::Reader id) {
  if (!support::Id::fits(id))
    support::fail(Kind::INVALID, "uploadId: has ", id.size(), " bytes, must have 16");
  return support::Id::from(id);
}

kj::String readLinkTarget(capnp::Data::Reader target) {
  if (target.size() == 0 || target.size() > kPathBytesMax ||
      memchr(target.begin(), 0, target.size()) != nullptr) {
    support::fail(Kind::INVALID, "link target: must have 1 to ", kPathBytesMax,
                  " bytes and no NUL");
  }
  return kj::heapString(target.asChars().begin(), target.size());
}

namespace {

FileStat readTreeStat(wire::Stat::Reader from) {
  requireMode(from.getMode());
  FileStat stat;
  stat.status.st_mode = modeOfType(from.getType()) | from.getMode();
  stat.status.st_uid = from.getUid();
  stat.status.st_gid = from.getGid();
  stat.status.st_rdev = from.getSpecialDevice();
  stat.status.st_mtim = support::timespecOf(from.getModifiedNs());
  stat.user = kj::str(from.getUser());
  stat.group = kj::str(from.getGroup());
  return stat;
}

// Checks every part of an entry, on the loop, so that the worker thread sees only valid ones.
TreeEntry readTreeEntry(wire::TreeEntry::Reader from) {
  TreeEntry entry;
  entry.finished = from.getFinished();
  bool isRoot = entry.finished && from.getPath().size() == 0;
  if (!isRoot) entry.path = relativePath(from.getPath());
  entry.stat = readTreeStat(from.getStat());
  if (entry.finished && !S_ISDIR(entry.stat.status.st_mode)) {
    support::fail(Kind::INVALID, "tree entry ", quoted(entry.path),
                  ": only a directory can be finished");
  }
  if (from.getLinkTo().size() > 0) {
    entry.linkTo = relativePath(from.getLinkTo());
  } else if (S_ISLNK(entry.stat.status.st_mode)) {
    entry.target = readLinkTarget(from.getTarget());
  }
  entry.content = kj::heapArray<kj::byte>(from.getContent());
  entry.contentInline = from.getContentInline();
  entry.sparse = from.getSparse();
  entry.attributes = KJ_MAP(attribute, from.getAttributes()) {
    return readAttribute(attribute);
  };
  return entry;
}

}  // namespace

kj::Array<TreeEntry> readTreeEntries(capnp::List<wire::TreeEntry>::Reader entries) {
  return KJ_MAP(entry, entries) {
    return readTreeEntry(entry);
  };
}

kj::Array<kj::byte> readChunkData(wire::Chunk::Reader chunk) {
  auto data = chunk.getData();
  if (data.size() > kChunkBytesMax) {
    support::fail(Kind::INVALID, "chunk: ", data.size(), " bytes, at most ", kChunkBytesMax);
  }
  if (support::crc32c(data) != chunk.getCrc32c()) {
    support::fail(Kind::CORRUPT, "chunk at ", chunk.getOffset(),
                  ": its check sum does not agree with its ", data.size(), " bytes");
  }
  return kj::heapArray<kj::byte>(data);
}

}  // namespace nodeagent::file
