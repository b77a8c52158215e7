#include "nodeagent/file/tree_digest.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>

#include "nodeagent/file/path.h"
#include "nodeagent/file/tree.h"
#include "nodeagent/file/view.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::file {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::chrono::minutes kTimeMax{30};
// No length of a name.
constexpr uint64_t kEndOfAttributes = UINT64_MAX;

// Labels are of the machine's policy, and differ between copies.
bool isOfPolicy(kj::StringPtr attribute) {
  return attribute.startsWith("security.") && attribute != "security.capability";
}

class Digester {
 public:
  Digester(kj::StringPtr root, const TreeDigestOptions& options) : root_(root), options_(options) {}

  TreeDigestResult run() {
    TreeEntry top;
    if (::lstat(root_.cStr(), &top.stat.status) < 0) {
      support::failErrno(errno, "stat ", quoted(root_));
    }
    if (options_.attributes) top.attributes = attributesOf(root_);
    add(top);
    kj::String after;
    for (bool more = true; more;) {
      WalkResult page = walk({root_, after, 0, 0});
      for (TreeEntry& entry : page.entries) {
        add(entry);
        ++result_.entries;
      }
      more = page.more && page.entries.size() > 0;
      if (more) after = kj::mv(page.entries[page.entries.size() - 1].path);
    }
    result_.sha256 = hash_.digest();
    return result_;
  }

 private:
  // Every part is preceded by its length, so that no two trees give the same bytes.
  void put(kj::ArrayPtr<const kj::byte> bytes) {
    put(static_cast<uint64_t>(bytes.size()));
    hash_.update(bytes);
  }
  void put(kj::StringPtr text) { put(text.asBytes()); }
  void put(uint64_t number) {
    kj::byte bytes[8];
    for (kj::byte& each : bytes) {
      each = static_cast<kj::byte>(number & 0xff);
      number >>= 8;
    }
    hash_.update(kj::arrayPtr(bytes, sizeof bytes));
  }

  void add(TreeEntry& entry) {
    if (Steady::now() > end_) {
      support::fail(wire::Error::Kind::TIMEOUT, "digest of ", quoted(root_),
                    ": not done after half an hour");
    }
    const struct stat& status = entry.stat.status;
    put(entry.path);
    put(static_cast<uint64_t>(status.st_mode & S_IFMT));
    put(entry.target);
    bool isDevice = S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode);
    put(isDevice ? static_cast<uint64_t>(status.st_rdev) : 0);
    // The mode of a link says nothing.
    if (options_.mode && !S_ISLNK(status.st_mode)) {
      put(static_cast<uint64_t>(status.st_mode & 07777));
    }
    if (options_.owner) {
      put(static_cast<uint64_t>(status.st_uid));
      put(static_cast<uint64_t>(status.st_gid));
    }
    if (options_.attributes) addAttributes(entry.attributes);
    if (options_.content && S_ISREG(status.st_mode)) addContent(entry.path);
  }

  void addAttributes(kj::Array<Attribute>& attributes) {
    std::sort(attributes.begin(), attributes.end(),
              [](const Attribute& a, const Attribute& b) { return a.name < b.name; });
    for (const Attribute& attribute : attributes) {
      if (isOfPolicy(attribute.name)) continue;
      put(attribute.name);
      put(attribute.value);
    }
    put(kEndOfAttributes);
  }

  void addContent(kj::StringPtr path) {
    DigestResult content = digest(join(root_, path));
    put(kj::arrayPtr(content.sha256.data(), content.sha256.size()));
    result_.bytes += content.size;
  }

  const kj::StringPtr root_;
  const TreeDigestOptions& options_;
  const Steady::time_point end_ = Steady::now() + kTimeMax;
  support::Sha256 hash_;
  TreeDigestResult result_;
};

}  // namespace

TreeDigestResult treeDigest(kj::StringPtr root, const TreeDigestOptions& options) {
  return Digester(root, options).run();
}

}  // namespace nodeagent::file
