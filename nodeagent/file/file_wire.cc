#include "nodeagent/file/file_wire.h"

#include <string.h>

#include "nodeagent/file/path.h"
#include "nodeagent/file/view.h"
#include "schema/support/base/crc32c.h"
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
  result.modifiedNs = options.getModifiedNs();
  result.sparse = options.getSparse();
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

kj::Array<TreeEntry> readTreeEntries(capnp::List<wire::TreeEntry>::Reader entries) {
  auto result = kj::heapArrayBuilder<TreeEntry>(entries.size());
  for (auto from : entries) {
    TreeEntry entry;
    // Every part of an entry is checked here, on the loop, so that the worker thread sees only
    // valid ones.
    entry.path = relativePath(from.getPath());
    auto stat = from.getStat();
    requireMode(stat.getMode());
    entry.stat.status.st_mode = modeOfType(stat.getType()) | stat.getMode();
    entry.stat.status.st_uid = stat.getUid();
    entry.stat.status.st_gid = stat.getGid();
    entry.stat.status.st_mtim = timespecOf(stat.getModifiedNs());
    entry.stat.user = kj::str(stat.getUser());
    entry.stat.group = kj::str(stat.getGroup());
    if (stat.getType() == wire::FileType::SYMLINK) entry.target = readLinkTarget(from.getTarget());
    entry.content = kj::heapArray<kj::byte>(from.getContent());
    entry.contentInline = from.getContentInline();
    auto attributes = kj::heapArrayBuilder<Attribute>(from.getAttributes().size());
    for (auto attribute : from.getAttributes()) attributes.add(readAttribute(attribute));
    entry.attributes = attributes.finish();
    result.add(kj::mv(entry));
  }
  return result.finish();
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
