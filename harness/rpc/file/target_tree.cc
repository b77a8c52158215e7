#include "harness/rpc/file/target_tree.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <utility>

#include <muster/node_error.h>

#include "harness/rpc/controller_node.h"
#include "harness/values/failure_text.h"
#include "schema/support/base/file_metadata.h"

namespace harness {
namespace {

using Kind = muster::NodeError::Kind;

constexpr size_t kUserLineBytesMax = 64 << 10;

std::string endText(const CopyEnd& end) {
  return (end.node == nullptr ? "" : end.node->description().name + ":") + end.path;
}

// Gives members of this machine the names of their owners, as nodes do. Each is looked up once.
class LocalNames {
 public:
  void fill(TreeItem& item) {
    auto [user, isNewUser] = users_.try_emplace(item.uid);
    if (isNewUser) {
      passwd entry;
      passwd* found = nullptr;
      ::getpwuid_r(item.uid, &entry, line_.data(), line_.size(), &found);
      if (found != nullptr) user->second = found->pw_name;
    }
    item.user = user->second;
    auto [owning, isNewGroup] = groups_.try_emplace(item.gid);
    if (isNewGroup) {
      group entry;
      group* found = nullptr;
      ::getgrgid_r(item.gid, &entry, line_.data(), line_.size(), &found);
      if (found != nullptr) owning->second = found->gr_name;
    }
    item.group = owning->second;
  }

 private:
  std::map<uint32_t, std::string> users_;
  std::map<uint32_t, std::string> groups_;
  std::array<char, kUserLineBytesMax> line_;
};

std::map<std::string, std::string> keptOf(const std::map<std::string, std::string>& attributes) {
  std::map<std::string, std::string> kept;
  for (const auto& [name, value] : attributes) {
    if (support::isKeptAttribute(name)) kept.emplace(name, value);
  }
  return kept;
}

bool isSameName(const std::string& name, uint32_t number, const std::string& nameThere,
                uint32_t numberThere) {
  return name.empty() || nameThere.empty() ? number == numberThere : name == nameThere;
}

// The path without its last name; empty at the root.
std::string parentOf(const std::string& path) {
  size_t slash = path.find_last_of('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

bool isDirectory(const TreeItem& item) {
  return item.type == muster::FileType::kDirectory;
}

}  // namespace

TargetTree::TargetTree(const CopyEnd& target, const CopyOptions& options, muster::SteadyTime until)
    : options_(options), ownersCount_(target.node != nullptr || ::geteuid() == 0) {
  std::error_code ignored;
  if (target.node == nullptr && !std::filesystem::exists(target.path, ignored)) return;
  auto source = target.node == nullptr
                    ? localSource(target.path, until, wantsNone)
                    : remoteSource(*target.node, target.path, until, Contents::kNone);
  TreeItem root;
  try {
    root = source->root();
  } catch (const muster::NodeError& error) {
    if (error.kind() == Kind::kNotFound) return;
    throw;
  }
  std::string operation = "list " + inQuotes(endText(target));
  if (!isDirectory(root)) {
    throw muster::NodeError(Kind::kConflict, "", operation, "is no directory");
  }
  LocalNames names;
  for (auto page = source->next(); !page.empty(); page = source->next()) {
    for (TreeItem& item : page) {
      if (target.node == nullptr) names.fill(item);
      take(std::move(item));
    }
    if (members_.size() > kMembersMax) {
      throw muster::NodeError(Kind::kInvalid, "", operation,
                              "has more than " + std::to_string(kMembersMax) + " members");
    }
  }
}

void TargetTree::take(TreeItem item) {
  item.content.clear();
  item.attributes = keptOf(item.attributes);
  std::string path = item.path;
  members_[path].item = std::move(item);
}

bool TargetTree::hasSameOwner(const TreeItem& item, const TreeItem& there) const {
  if (!ownersCount_) return true;
  const muster::WriteOptions& write = options_.write;
  if (write.user.empty() && write.group.empty()) {
    return isSameName(item.user, item.uid, there.user, there.uid) &&
           isSameName(item.group, item.gid, there.group, there.gid);
  }
  auto isAsked = [](const std::string& asked, const std::string& name, uint32_t number) {
    return asked.empty() || asked == name || asked == std::to_string(number);
  };
  return isAsked(write.user, there.user, there.uid) && isAsked(write.group, there.group, there.gid);
}

bool TargetTree::isUnchanged(const TreeItem& item) const {
  auto found = members_.find(item.path);
  if (found == members_.end()) return false;
  const TreeItem& there = found->second.item;
  if (item.type != there.type || !hasSameOwner(item, there)) return false;
  if (!item.linkTo.empty()) {
    auto first = members_.find(item.linkTo);
    return first != members_.end() && !written_.contains(item.linkTo) &&
           first->second.item.inode == there.inode && first->second.item.device == there.device;
  }
  // The links of a link are its own business: it has no mode, and many file systems no time.
  if (item.type == muster::FileType::kSymlink) return item.target == there.target;
  bool isRegular = item.type == muster::FileType::kRegular;
  uint32_t mode = isRegular ? options_.write.mode.value_or(item.mode) : item.mode;
  if (isRegular && (item.size != there.size || (item.links == 1 && there.links > 1))) return false;
  return mode == there.mode && item.modifiedNs == there.modifiedNs &&
         item.specialDevice == there.specialDevice && keptOf(item.attributes) == there.attributes;
}

bool TargetTree::isInTheWay(const TreeItem& item) const {
  auto found = members_.find(item.path);
  return found != members_.end() && isDirectory(item) != isDirectory(found->second.item);
}

void TargetTree::note(const std::string& path, Written written) {
  auto found = members_.find(path);
  if (found != members_.end()) found->second.isNamed = true;
  if (written == Written::kYes) written_.insert(path);
}

uint64_t TargetTree::forget(const std::string& path) {
  uint64_t before = members_.size();
  members_.erase(path);
  auto begin = members_.lower_bound(path + "/");
  auto end = begin;
  while (end != members_.end() && end->first.starts_with(path + "/")) ++end;
  members_.erase(begin, end);
  return before - members_.size();
}

std::vector<std::string> TargetTree::extras() const {
  std::vector<std::string> paths;
  for (const auto& [path, member] : members_) {
    std::string parent = parentOf(path);
    auto above = members_.find(parent);
    bool isOutermost = parent.empty() || above == members_.end() || above->second.isNamed;
    if (!member.isNamed && isOutermost) paths.push_back(path);
  }
  return paths;
}

}  // namespace harness
