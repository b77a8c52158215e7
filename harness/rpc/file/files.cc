// Asks a node about single files: a call each, but where contents or lists come in parts. The parts
// themselves are in transfer.cc.
#include "harness/rpc/file/files.h"

#include <algorithm>

#include "harness/rpc/bytes.h"
#include "harness/rpc/file/file_wire.h"
#include "harness/rpc/file/transfer.h"
#include "harness/rpc/node_calls.h"
#include "harness/values/failure_text.h"
#include "schema/support/base/crc32c.h"
#include "schema/support/base/id.h"

namespace harness::rpc {
namespace {

using Kind = muster::NodeError::Kind;

constexpr uint32_t kEntriesMax = 1000;

bool isNotFound(const muster::NodeError& error) {
  return error.kind() == Kind::kNotFound;
}

}  // namespace

std::optional<muster::FileStat> Files::stat(const std::string& path, muster::SymlinkPolicy links,
                                            SteadyTime until) const {
  try {
    return ask<muster::FileStat>(node_, "stat " + inQuotes(path), until,
                                 [&](EstablishedConnection& connection) {
                                   auto request = connection.get<wire::FileView>().statRequest();
                                   request.setPath(dataOf(path));
                                   request.setLinks(linksOf(links));
                                   return request.send().then([](auto&& response) {
                                     requireNoError(response);
                                     return readStat(response.getStat());
                                   });
                                 });
  } catch (const muster::NodeError& error) {
    if (isNotFound(error)) return std::nullopt;
    throw;
  }
}

// Lists a directory a page at a time. A page begins behind the last name of the one before, so that
// the node keeps no state of a listing and a repeated request gives the same page. Names must
// ascend, because a node that repeats itself would keep the caller here for ever.
std::vector<muster::FileEntry> Files::list(const std::string& path, SteadyTime until) const {
  struct Page {
    std::vector<muster::FileEntry> entries;
    bool more = false;
  };
  std::vector<muster::FileEntry> all;
  for (bool more = true; more;) {
    std::string after = all.empty() ? "" : all.back().name;
    Page page =
        ask<Page>(node_, "list " + inQuotes(path), until, [&](EstablishedConnection& connection) {
          auto request = connection.get<wire::FileView>().listRequest();
          request.setPath(dataOf(path));
          request.setAfter(dataOf(after));
          request.setEntriesMax(kEntriesMax);
          return request.send().then([](auto&& response) {
            requireNoError(response);
            Page read;
            for (auto entry : response.getEntries()) {
              read.entries.push_back({stringOf(entry.getName()), readStat(entry.getStat())});
            }
            read.more = response.getMore();
            return read;
          });
        });
    for (const muster::FileEntry& entry : page.entries) {
      if (entry.name <= after) {
        throw muster::NodeError(
            Kind::kCorrupt, node_.description().name, "list " + inQuotes(path),
            "the node gave " + inQuotes(entry.name) + " behind " + inQuotes(after));
      }
      after = entry.name;
    }
    more = page.more && !page.entries.empty();
    std::move(page.entries.begin(), page.entries.end(), std::back_inserter(all));
  }
  return all;
}

// Reads in parts, each a call of its own. The version that comes with every part shows whether the
// file was changed between two of them. A file without a size, such as those in /proc, has no
// version to compare, and ends with an empty part.
std::string Files::read(const std::string& path, uint64_t offset, uint64_t bytesMax,
                        SteadyTime until) const {
  std::string content;
  std::optional<std::string> version;
  while (bytesMax > 0) {
    FilePart part = readPart(node_, path, offset, bytesMax, until);
    if (part.size > 0 && version && *version != part.version) {
      throw muster::NodeError(Kind::kConflict, node_.description().name, "read " + inQuotes(path),
                              "the file was changed while it was being read");
    }
    version = part.version;
    if (part.bytes.empty()) break;
    content += part.bytes;
    offset += part.bytes.size();
    bytesMax -= std::min<uint64_t>(bytesMax, part.bytes.size());
    if (part.size > 0 && offset >= part.size) break;
  }
  return content;
}

std::string Files::digest(const std::string& path, SteadyTime until) const {
  return beginDigest(node_, path, DigestKind::kContent, until).wait(until);
}

std::string Files::readLink(const std::string& path, SteadyTime until) const {
  return ask<std::string>(node_, "read link " + inQuotes(path), until,
                          [&](EstablishedConnection& connection) {
                            auto request = connection.get<wire::FileView>().readLinkRequest();
                            request.setPath(dataOf(path));
                            return request.send().then([](auto&& response) {
                              requireNoError(response);
                              return stringOf(response.getTarget());
                            });
                          });
}

std::map<std::string, std::string> Files::attributes(const std::string& path,
                                                     SteadyTime until) const {
  using Attributes = std::map<std::string, std::string>;
  return ask<Attributes>(node_, "attributes of " + inQuotes(path), until,
                         [&](EstablishedConnection& connection) {
                           auto request = connection.get<wire::FileView>().attributesRequest();
                           request.setPath(dataOf(path));
                           return request.send().then([](auto&& response) {
                             requireNoError(response);
                             Attributes all;
                             for (auto one : response.getAttributes()) {
                               all.emplace(stringOf(one.getName()), stringOf(one.getValue()));
                             }
                             return all;
                           });
                         });
}

std::optional<std::string> Files::attribute(const std::string& path, const std::string& name,
                                            SteadyTime until) const {
  using Value = std::optional<std::string>;
  return ask<Value>(node_, "attribute " + inQuotes(name) + " of " + inQuotes(path), until,
                    [&](EstablishedConnection& connection) {
                      auto request = connection.get<wire::FileView>().attributeRequest();
                      request.setPath(dataOf(path));
                      request.setName(dataOf(name));
                      return request.send().then([](auto&& response) {
                        requireNoError(response);
                        return response.getFound() ? Value(stringOf(response.getValue())) : Value();
                      });
                    });
}

std::string Files::treeDigest(const std::string& root, const muster::TreeDigestOptions& options,
                              SteadyTime until) const {
  return ask<std::string>(node_, "digest of tree " + inQuotes(root), until,
                          [&](EstablishedConnection& connection) {
                            auto request = connection.get<wire::FileView>().treeDigestRequest();
                            request.setRoot(dataOf(root));
                            auto what = request.initWhat();
                            what.setWithoutContent(!options.content);
                            what.setWithoutMode(!options.mode);
                            what.setWithoutOwner(!options.owner);
                            what.setWithoutAttributes(!options.attributes);
                            return request.send().then([](auto&& response) {
                              requireNoError(response);
                              return support::hex(response.getSha256());
                            });
                          });
}

muster::FileSpace Files::space(const std::string& path, SteadyTime until) const {
  return ask<muster::FileSpace>(
      node_, "space of " + inQuotes(path), until, [&](EstablishedConnection& connection) {
        auto request = connection.get<wire::FileView>().spaceRequest();
        request.setPath(dataOf(path));
        return request.send().then([](auto&& response) {
          requireNoError(response);
          return muster::FileSpace{response.getTotalBytes(), response.getAvailableBytes(),
                                   response.getTotalInodes(), response.getAvailableInodes()};
        });
      });
}

void Files::write(const std::string& path, const std::string& content,
                  const muster::WriteOptions& options, SteadyTime until) const {
  if (content.size() > kWriteAtOnceBytes) {
    UploadOptions own;
    own.write = options;
    upload(node_, path, content.size(), feedOf(content), own, until);
    return;
  }
  auto attempt = [&](EstablishedConnection& connection) {
    auto request = connection.get<wire::Files>().writeRequest();
    request.setPath(dataOf(path));
    request.setData(dataOf(content));
    writeOptions(request.initOptions(), options);
    return request.send().then(answered);
  };
  ask<bool>(node_, "write " + inQuotes(path), until, attempt, scopeOf(node_, options.undo));
}

// Appends in parts with absolute offsets, counted from the size before the first part. The agent
// can tell by its offset that a part which is sent again has been appended already.
void Files::append(const std::string& path, const std::string& content, SteadyTime until) const {
  auto before = stat(path, muster::SymlinkPolicy::kFollow, until);
  uint64_t offset = before ? before->size : 0;
  for (size_t at = 0; at < content.size();) {
    size_t sent = ask<size_t>(
        node_, "append to " + inQuotes(path), until, [&](EstablishedConnection& connection) {
          std::string part =
              content.substr(at, std::min<size_t>(connection.chunkBytesMax, kWriteAtOnceBytes));
          auto request = connection.get<wire::Files>().appendRequest();
          request.setPath(dataOf(path));
          auto chunk = request.initChunk();
          chunk.setOffset(offset + at);
          chunk.setData(dataOf(part));
          chunk.setCrc32c(support::crc32c(dataOf(part)));
          return request.send().then([count = part.size()](auto&& response) {
            requireNoError(response);
            return count;
          });
        });
    at += sent;
  }
}

bool Files::makeDirectory(const std::string& path, uint32_t mode, muster::UndoAt undo,
                          SteadyTime until) const {
  auto attempt = [&](EstablishedConnection& connection) {
    auto request = connection.get<wire::Files>().makeDirectoryRequest();
    request.setPath(dataOf(path));
    request.setMode(mode);
    request.setParents(true);
    request.setLifetime(lifetimeOf(undo));
    return request.send().then([](auto&& response) {
      requireNoError(response);
      return response.getCreated();
    });
  };
  return ask<bool>(node_, "make directory " + inQuotes(path), until, attempt, scopeOf(node_, undo));
}

bool Files::remove(const std::string& path, Removal removal, SteadyTime until) const {
  return ask<bool>(node_, "remove " + inQuotes(path), until,
                   [&](EstablishedConnection& connection) {
                     auto request = connection.get<wire::Files>().removeRequest();
                     request.setPath(dataOf(path));
                     request.setRecursive(removal == Removal::kTree);
                     return request.send().then([](auto&& response) {
                       requireNoError(response);
                       return response.getRemoved();
                     });
                   });
}

// Renames once, though the request may be sent twice: if the first answer was lost, the second
// attempt finds no source. That is the expected end of a rename if the target is there.
void Files::rename(const std::string& source, const std::string& target, muster::IfExists existing,
                   SteadyTime until) const {
  std::string operation = "rename " + inQuotes(source) + " to " + inQuotes(target);
  unsigned attempts = 0;
  try {
    ask<bool>(node_, operation, until, [&](EstablishedConnection& connection) {
      ++attempts;
      auto request = connection.get<wire::Files>().renameRequest();
      request.setSource(dataOf(source));
      request.setTarget(dataOf(target));
      request.setReplace(replaceOf(existing));
      return request.send().then(answered);
    });
  } catch (const muster::NodeError& error) {
    if (!isNotFound(error) || attempts < 2 || !stat(target, muster::SymlinkPolicy::kKeep, until))
      throw;
  }
}

void Files::setMode(const std::string& path, uint32_t mode, SteadyTime until) const {
  ask<bool>(node_, "set mode of " + inQuotes(path), until, [&](EstablishedConnection& connection) {
    auto request = connection.get<wire::Files>().setModeRequest();
    request.setPath(dataOf(path));
    request.setMode(mode);
    return request.send().then(answered);
  });
}

void Files::setOwner(const std::string& path, const std::string& user, const std::string& group,
                     muster::SymlinkPolicy links, SteadyTime until) const {
  ask<bool>(node_, "set owner of " + inQuotes(path), until, [&](EstablishedConnection& connection) {
    auto request = connection.get<wire::Files>().setOwnerRequest();
    request.setPath(dataOf(path));
    request.setUser(user);
    request.setGroup(group);
    request.setLinks(linksOf(links));
    return request.send().then(answered);
  });
}

void Files::link(const std::string& path, const std::string& target, LinkType type,
                 muster::IfExists existing, SteadyTime until) const {
  ask<bool>(
      node_, "link " + inQuotes(path) + " to " + inQuotes(target), until,
      [&](EstablishedConnection& connection) {
        auto request = connection.get<wire::Files>().linkRequest();
        request.setPath(dataOf(path));
        request.setTarget(dataOf(target));
        request.setType(type == LinkType::kHard ? wire::LinkType::HARD : wire::LinkType::SYMBOLIC);
        request.setReplace(replaceOf(existing));
        return request.send().then(answered);
      });
}

void Files::setAttribute(const std::string& path, const std::string& name, const std::string& value,
                         SteadyTime until) const {
  ask<bool>(node_, "set attribute " + inQuotes(name) + " of " + inQuotes(path), until,
            [&](EstablishedConnection& connection) {
              auto request = connection.get<wire::Files>().setAttributeRequest();
              request.setPath(dataOf(path));
              auto attribute = request.initAttribute();
              attribute.setName(dataOf(name));
              attribute.setValue(dataOf(value));
              return request.send().then(answered);
            });
}

void Files::removeAttribute(const std::string& path, const std::string& name,
                            SteadyTime until) const {
  ask<bool>(node_, "remove attribute " + inQuotes(name) + " of " + inQuotes(path), until,
            [&](EstablishedConnection& connection) {
              auto request = connection.get<wire::Files>().removeAttributeRequest();
              request.setPath(dataOf(path));
              request.setName(dataOf(name));
              return request.send().then(answered);
            });
}

void Files::setTimes(const std::string& path, int64_t accessedNs, int64_t modifiedNs,
                     SteadyTime until) const {
  ask<bool>(node_, "set times of " + inQuotes(path), until, [&](EstablishedConnection& connection) {
    auto request = connection.get<wire::Files>().setTimesRequest();
    request.setPath(dataOf(path));
    request.setAccessedNs(accessedNs);
    request.setModifiedNs(modifiedNs);
    return request.send().then(answered);
  });
}

}  // namespace harness::rpc
