#include <sys/statvfs.h>

#include <sstream>

#include "nodeagent/facts/collect.h"
#include "nodeagent/facts/text.h"

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

std::string unescapeMount(const std::string& text) {
  auto octal = [&](size_t at) { return at < text.size() && text[at] >= '0' && text[at] <= '7'; };
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && octal(i + 1) && octal(i + 2) && octal(i + 3)) {
      plain += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                                 (text[i + 3] - '0'));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

bool parseMountLine(const std::string& line, MountLine& mount) {
  // ID PARENT MAJOR:MINOR ROOT TARGET OPTIONS [FIELD...] - TYPE SOURCE SUPEROPTIONS
  std::istringstream words(line);
  std::string word;
  std::string options;
  std::string superOptions;
  for (int i = 0; i < 4; ++i) words >> word;
  words >> mount.target >> options;
  while (words >> word && word != "-") {
  }
  if (!(words >> mount.type >> mount.source >> superOptions)) return false;
  mount.target = unescapeMount(mount.target);
  mount.source = unescapeMount(mount.source);
  mount.options = options + "," + superOptions;
  return true;
}

void collectMounts(kj::StringPtr root, wire::Facts::Builder facts) {
  std::vector<MountLine> lines;
  for (auto& line : splitLines(readAllText(std::string(root.cStr()) + "/proc/self/mountinfo"))) {
    MountLine mount;
    if (lines.size() < kMountsMax && parseMountLine(line, mount)) lines.push_back(mount);
  }
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
