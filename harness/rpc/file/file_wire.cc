#include "harness/rpc/file/file_wire.h"

#include "harness/rpc/bytes.h"

namespace harness {

std::optional<int64_t> keptTime(int64_t ns) {
  // Agents give the nearest time that they can.
  if (ns == INT64_MIN || ns == INT64_MAX) return std::nullopt;
  return ns;
}

muster::FileStat readStat(wire::Stat::Reader from) {
  muster::FileStat stat;
  auto type = static_cast<int>(from.getType());
  bool known = type <= static_cast<int>(muster::FileType::kBlock);
  stat.type = known ? static_cast<muster::FileType>(type) : muster::FileType::kUnspecified;
  stat.mode = from.getMode();
  stat.size = from.getSize();
  stat.allocatedBytes = from.getAllocatedBytes();
  stat.uid = from.getUid();
  stat.gid = from.getGid();
  stat.user = stringOf(from.getUser());
  stat.group = stringOf(from.getGroup());
  stat.links = from.getLinks();
  stat.modified = realtimeOf(from.getModifiedNs());
  stat.inode = from.getInode();
  return stat;
}

void writeOptions(wire::WriteOptions::Builder to, const muster::WriteOptions& from) {
  if (from.mode) {
    to.setMode(*from.mode);
    to.setKeepMode(false);
  }
  to.setUser(from.user);
  to.setGroup(from.group);
  to.setReplace(replaceOf(from.existing));
  to.setSync(from.sync);
  to.setParents(from.parents);
  to.setLifetime(lifetimeOf(from.undo));
  to.setInPlace(from.way == muster::WriteWay::kInPlace);
}

wire::Lifetime lifetimeOf(muster::UndoAt undo) {
  return undo == muster::UndoAt::kNever ? wire::Lifetime::PERMANENT : wire::Lifetime::SESSION;
}

wire::SymlinkPolicy linksOf(muster::SymlinkPolicy links) {
  return links == muster::SymlinkPolicy::kFollow ? wire::SymlinkPolicy::FOLLOW
                                                 : wire::SymlinkPolicy::KEEP;
}

wire::Replace replaceOf(muster::IfExists existing) {
  return existing == muster::IfExists::kRefuse ? wire::Replace::NEVER : wire::Replace::EXISTING;
}

}  // namespace harness
