#include <ostream>

#include <muster/deadline.h>
#include <muster/file.h>

#include "harness/api/call_site.h"
#include "harness/rpc/file/acls.h"
#include "harness/rpc/file/files.h"
#include "harness/values/failure_text.h"

namespace muster {
namespace {

using harness::at;
using harness::rpc::Files;
using harness::rpc::LinkType;
using harness::rpc::Removal;

constexpr uint64_t kReadBytesMax = uint64_t{256} << 20;

SteadyTime until() {
  return DeadlineScope::current();
}

int64_t nanosecondsOf(std::chrono::system_clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

}  // namespace

File::File(harness::ControllerNode& node, std::string path)
    : node_(&node), path_(std::move(path)) {}

std::string File::read(Where where) const {
  return at(where, [&] {
    std::string content = Files(*node_).read(path_, 0, kReadBytesMax + 1, until());
    if (content.size() > kReadBytesMax) {
      throw NodeError(NodeError::Kind::kInvalid, node_->description().name,
                      "read " + harness::inQuotes(path_), "larger than 256 MiB: pull it instead");
    }
    return content;
  });
}

std::string File::readPart(uint64_t offset, uint64_t bytesMax, Where where) const {
  return at(where, [&] { return Files(*node_).read(path_, offset, bytesMax, until()); });
}

void File::write(const std::string& content, const WriteOptions& options, Where where) const {
  at(where, [&] { Files(*node_).write(path_, content, options, until()); });
}

void File::append(const std::string& content, Where where) const {
  at(where, [&] { Files(*node_).append(path_, content, until()); });
}

std::optional<FileStat> File::stat(SymlinkPolicy links, Where where) const {
  return at(where, [&] { return Files(*node_).stat(path_, links, until()); });
}

bool File::exists(Where where) const {
  return stat(SymlinkPolicy::kKeep, where).has_value();
}

std::vector<FileEntry> File::list(Where where) const {
  return at(where, [&] { return Files(*node_).list(path_, until()); });
}

std::string File::digest(Where where) const {
  return at(where, [&] { return Files(*node_).digest(path_, until()); });
}

bool File::makeDirectory(uint32_t mode, UndoAt undo, Where where) const {
  return at(where, [&] { return Files(*node_).makeDirectory(path_, mode, undo, until()); });
}

bool File::remove(Where where) const {
  return at(where, [&] { return Files(*node_).remove(path_, Removal::kEntry, until()); });
}

bool File::removeTree(Where where) const {
  return at(where, [&] { return Files(*node_).remove(path_, Removal::kTree, until()); });
}

void File::rename(const std::string& target, IfExists existing, Where where) const {
  at(where, [&] { Files(*node_).rename(path_, target, existing, until()); });
}

void File::setMode(uint32_t mode, Where where) const {
  at(where, [&] { Files(*node_).setMode(path_, mode, until()); });
}

void File::setOwner(const std::string& user, const std::string& group, SymlinkPolicy links,
                    Where where) const {
  at(where, [&] { Files(*node_).setOwner(path_, user, group, links, until()); });
}

void File::linkTo(const std::string& target, IfExists existing, Where where) const {
  at(where, [&] { Files(*node_).link(path_, target, LinkType::kSymbolic, existing, until()); });
}

void File::hardLinkTo(const std::string& target, IfExists existing, Where where) const {
  at(where, [&] { Files(*node_).link(path_, target, LinkType::kHard, existing, until()); });
}

std::string File::readLink(Where where) const {
  return at(where, [&] { return Files(*node_).readLink(path_, until()); });
}

std::map<std::string, std::string> File::attributes(Where where) const {
  return at(where, [&] { return Files(*node_).attributes(path_, until()); });
}

void File::setAttribute(const std::string& name, const std::string& value, Where where) const {
  at(where, [&] { Files(*node_).setAttribute(path_, name, value, until()); });
}

void File::removeAttribute(const std::string& name, Where where) const {
  at(where, [&] { Files(*node_).removeAttribute(path_, name, until()); });
}

std::optional<std::string> File::attribute(const std::string& name, Where where) const {
  return at(where, [&] { return Files(*node_).attribute(path_, name, until()); });
}

std::string File::acl(AclKind kind, Where where) const {
  return at(where, [&] { return harness::rpc::aclOf(*node_, path_, kind, until()); });
}

void File::setAcl(const std::string& text, AclKind kind, Where where) const {
  at(where, [&] { harness::rpc::setAcl(*node_, path_, text, kind, until()); });
}

std::string File::treeDigest(const TreeDigestOptions& options, Where where) const {
  return at(where, [&] { return Files(*node_).treeDigest(path_, options, until()); });
}

bool File::edit(const std::function<std::string(const std::string&)>& change,
                const WriteOptions& options, Where where) const {
  std::string before = read(where);
  std::string after = change(before);
  if (after == before) return false;
  if (read(where) != before) {
    throw NodeError(NodeError::Kind::kConflict, node(), "edit " + harness::inQuotes(path_),
                    "somebody else has changed the file meanwhile", 0, where);
  }
  write(after, options, where);
  return true;
}

void File::setModified(std::chrono::system_clock::time_point modified, Where where) const {
  int64_t ns = nanosecondsOf(modified);
  at(where, [&] { Files(*node_).setTimes(path_, ns, ns, until()); });
}

FileSpace File::space(Where where) const {
  return at(where, [&] { return Files(*node_).space(path_, until()); });
}

void PrintTo(const File& file, std::ostream* out) {
  *out << "node " << file.node() << ": file " << harness::inQuotes(file.path());
}

const std::string& File::node() const {
  return node_->description().name;
}

}  // namespace muster
