#include <muster/deadline.h>
#include <muster/file.h>

#include "harness/api/call_site.h"
#include "harness/rpc/stubs.h"
#include "harness/values/failure_text.h"

namespace muster {
namespace {

using harness::at;

constexpr uint64_t kReadBytesMax = uint64_t{256} << 20;

SteadyTime until() {
  return DeadlineScope::current();
}

int64_t nanosecondsOf(std::chrono::system_clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

}  // namespace

File::File(harness::NodeStub& node, std::string path) : node_(&node), path_(std::move(path)) {}

std::string File::read(Where where) const {
  return at(where, [&] {
    std::string content = node_->files().read(path_, 0, kReadBytesMax + 1, until());
    if (content.size() > kReadBytesMax) {
      throw NodeError(NodeError::Kind::kInvalid, node_->description().name,
                      "read " + harness::quoted(path_), "larger than 256 MiB: pull it instead");
    }
    return content;
  });
}

std::string File::readPart(uint64_t offset, uint64_t bytesMax, Where where) const {
  return at(where, [&] { return node_->files().read(path_, offset, bytesMax, until()); });
}

void File::write(const std::string& content, const WriteOptions& options, Where where) const {
  at(where, [&] { node_->files().write(path_, content, options, until()); });
}

void File::append(const std::string& content, Where where) const {
  at(where, [&] { node_->files().append(path_, content, until()); });
}

std::optional<FileStat> File::stat(SymlinkPolicy links, Where where) const {
  return at(where, [&] { return node_->files().stat(path_, links, until()); });
}

bool File::exists(Where where) const {
  return stat(SymlinkPolicy::kKeep, where).has_value();
}

std::vector<FileEntry> File::list(Where where) const {
  return at(where, [&] { return node_->files().list(path_, until()); });
}

std::string File::digest(Where where) const {
  return at(where, [&] { return node_->files().digest(path_, until()); });
}

bool File::makeDirectory(uint32_t mode, Undo undo, Where where) const {
  return at(where, [&] { return node_->files().makeDirectory(path_, mode, undo, until()); });
}

bool File::remove(Where where) const {
  return at(where, [&] { return node_->files().remove(path_, false, until()); });
}

bool File::removeTree(Where where) const {
  return at(where, [&] { return node_->files().remove(path_, true, until()); });
}

void File::rename(const std::string& target, Existing existing, Where where) const {
  at(where, [&] { node_->files().rename(path_, target, existing, until()); });
}

void File::setMode(uint32_t mode, Where where) const {
  at(where, [&] { node_->files().setMode(path_, mode, until()); });
}

void File::setOwner(const std::string& user, const std::string& group, SymlinkPolicy links,
                    Where where) const {
  at(where, [&] { node_->files().setOwner(path_, user, group, links, until()); });
}

void File::linkTo(const std::string& target, Existing existing, Where where) const {
  at(where, [&] { node_->files().link(path_, target, false, existing, until()); });
}

void File::hardLinkTo(const std::string& target, Existing existing, Where where) const {
  at(where, [&] { node_->files().link(path_, target, true, existing, until()); });
}

std::string File::readLink(Where where) const {
  return at(where, [&] { return node_->files().readLink(path_, until()); });
}

std::map<std::string, std::string> File::attributes(Where where) const {
  return at(where, [&] { return node_->files().attributes(path_, until()); });
}

void File::setAttribute(const std::string& name, const std::string& value, Where where) const {
  at(where, [&] { node_->files().setAttribute(path_, name, value, until()); });
}

void File::removeAttribute(const std::string& name, Where where) const {
  at(where, [&] { node_->files().removeAttribute(path_, name, until()); });
}

void File::setModified(std::chrono::system_clock::time_point modified, Where where) const {
  int64_t ns = nanosecondsOf(modified);
  at(where, [&] { node_->files().setTimes(path_, ns, ns, until()); });
}

FileSpace File::space(Where where) const {
  return at(where, [&] { return node_->files().space(path_, until()); });
}

}  // namespace muster
