#include "harness/rpc/file/acls.h"

#include <cstdint>
#include <map>
#include <optional>

#include <muster/node_error.h>

#include "harness/rpc/controller_node.h"
#include "harness/rpc/file/files.h"
#include "harness/values/acl_text.h"
#include "harness/values/failure_text.h"

namespace harness::rpc {
namespace {

using Kind = muster::NodeError::Kind;

constexpr uint64_t kDatabaseBytesMax = 16 << 20;

std::string attributeOf(muster::AclKind kind) {
  return kind == muster::AclKind::kAccess ? "system.posix_acl_access" : "system.posix_acl_default";
}

// Reads lines NAME:…:NUMBER:… of the node, the first time that a name or number is asked for.
class Database {
 public:
  Database(ControllerNode& node, std::string path, muster::SteadyTime until)
      : node_(node), path_(std::move(path)), until_(until) {}

  uint32_t number(const std::string& name) {
    load();
    auto found = numbers_.find(name);
    if (found != numbers_.end()) return found->second;
    throw AclError("access control list: " + path_ + " of the node has no name " + inQuotes(name));
  }
  std::string name(uint32_t number) {
    load();
    auto found = names_.find(number);
    return found == names_.end() ? "" : found->second;
  }

 private:
  void load() {
    if (isLoaded_) return;
    isLoaded_ = true;
    std::string content = Files(node_).read(path_, 0, kDatabaseBytesMax, until_);
    for (size_t begin = 0; begin < content.size();) {
      size_t end = std::min(content.find('\n', begin), content.size());
      take(content.substr(begin, end - begin));
      begin = end + 1;
    }
  }

  // The first of several entries counts, as it does for libc.
  void take(const std::string& line) {
    size_t afterName = line.find(':');
    size_t afterPassword = line.find(':', afterName + 1);
    if (afterName == 0 || afterName == std::string::npos || afterPassword == std::string::npos) {
      return;
    }
    std::string number =
        line.substr(afterPassword + 1, line.find(':', afterPassword + 1) - afterPassword - 1);
    bool isNumber = !number.empty() && number.size() <= 10 &&
                    number.find_first_not_of("0123456789") == std::string::npos;
    if (!isNumber || std::stoull(number) >= UINT32_MAX) return;
    auto id = static_cast<uint32_t>(std::stoull(number));
    numbers_.try_emplace(line.substr(0, afterName), id);
    names_.try_emplace(id, line.substr(0, afterName));
  }

  ControllerNode& node_;
  const std::string path_;
  const muster::SteadyTime until_;
  bool isLoaded_ = false;
  std::map<std::string, uint32_t> numbers_;
  std::map<uint32_t, std::string> names_;
};

// Makes `call` with the names of the node.
template <typename Call>
auto withNames(ControllerNode& node, const std::string& operation, muster::SteadyTime until,
               const Call& call) {
  Database users(node, "/etc/passwd", until);
  Database groups(node, "/etc/group", until);
  AclNames names;
  names.user = [&](const std::string& name) { return users.number(name); };
  names.group = [&](const std::string& name) { return groups.number(name); };
  names.userName = [&](uint32_t id) { return users.name(id); };
  names.groupName = [&](uint32_t id) { return groups.name(id); };
  try {
    return call(names);
  } catch (const AclError& error) {
    throw muster::NodeError(Kind::kInvalid, node.description().name, operation, error.what());
  }
}

}  // namespace

std::string aclOf(ControllerNode& node, const std::string& path, muster::AclKind kind,
                  muster::SteadyTime until) {
  std::string operation = "read the access control list of " + inQuotes(path);
  auto stat = Files(node).stat(path, muster::SymlinkPolicy::kKeep, until);
  if (!stat) {
    throw muster::NodeError(Kind::kNotFound, node.description().name, operation,
                            "no such file or directory");
  }
  auto bytes = Files(node).attribute(path, attributeOf(kind), until);
  if (!bytes) return kind == muster::AclKind::kAccess ? aclOfMode(stat->mode) : "";
  return withNames(node, operation, until,
                   [&](const AclNames& names) { return aclText(*bytes, names); });
}

void setAcl(ControllerNode& node, const std::string& path, const std::string& text,
            muster::AclKind kind, muster::SteadyTime until) {
  if (text.empty() && kind == muster::AclKind::kDefault) {
    Files(node).removeAttribute(path, attributeOf(kind), until);
    return;
  }
  std::string operation = "set the access control list of " + inQuotes(path);
  std::string bytes = withNames(node, operation, until,
                                [&](const AclNames& names) { return aclBytes(text, names); });
  Files(node).setAttribute(path, attributeOf(kind), bytes, until);
}

}  // namespace harness::rpc
