#include <sys/statvfs.h>

#include "nodeagent/facts/collect.h"
#include "nodeagent/facts/text.h"
#include "nodeagent/os/mount_table.h"
#include "nodeagent/os/read_file.h"

namespace nodeagent::facts {
namespace {

// This many fit in a message beside the other facts.
constexpr size_t kMountsMax = 1000;

// Network file systems, by the prefix of the type's name.
constexpr const char* kNetworkTypes[] = {"nfs",  "fuse",     "cifs",   "smb",   "glusterfs", "ceph",
                                         "9p",   "afs",      "lustre", "gfs",   "ocfs",      "ncp",
                                         "coda", "virtiofs", "beegfs", "autofs"};

}  // namespace

bool mayHang(const std::string& type) {
  for (const char* network : kNetworkTypes) {
    if (type.starts_with(network)) return true;
  }
  return false;
}

void collectMounts(kj::StringPtr root, wire::Facts::Builder facts) {
  auto lines = mountLines(readFile(kj::str(root, "/proc/self/mountinfo")));
  if (lines.size() > kMountsMax) lines.resize(kMountsMax);
  auto mounts = facts.initMounts(static_cast<unsigned>(lines.size()));
  for (unsigned i = 0; i < mounts.size(); ++i) {
    const MountLine& line = lines[i];
    mounts[i].setSource(plainText(line.source));
    mounts[i].setTarget(
        kj::arrayPtr(reinterpret_cast<const kj::byte*>(line.target.data()), line.target.size()));
    mounts[i].setType(plainText(line.type));
    mounts[i].setOptions(plainText(line.options));
    // statvfs of a dead server would hold this worker thread for ever.
    struct statvfs status;
    if (mayHang(line.type) || ::statvfs(line.target.c_str(), &status) != 0) continue;
    mounts[i].setTotalBytes(static_cast<uint64_t>(status.f_blocks) * status.f_frsize);
    mounts[i].setAvailableBytes(static_cast<uint64_t>(status.f_bavail) * status.f_frsize);
  }
}

}  // namespace nodeagent::facts
