#include "harness/rpc/file/files.h"

#include <algorithm>

#include "harness/rpc/file/files_ask.h"
#include "harness/values/failure_text.h"
#include "schema/support/base/crc32c.h"
#include "schema/support/base/sha256.h"

namespace harness {
namespace {

using Kind = muster::NodeError::Kind;

constexpr size_t kWriteAtOnceBytes = 256 << 10;
constexpr uint32_t kEntriesMax = 1000;

std::chrono::system_clock::time_point realtime(int64_t ns) {
  return std::chrono::system_clock::time_point(
      std::chrono::duration_cast<std::chrono::system_clock::duration>(
          std::chrono::nanoseconds(ns)));
}

wire::SymlinkPolicy linksOf(muster::SymlinkPolicy links) {
  return links == muster::SymlinkPolicy::kFollow ? wire::SymlinkPolicy::FOLLOW
                                                 : wire::SymlinkPolicy::KEEP;
}

wire::Replace replaceOf(muster::Existing existing) {
  return existing == muster::Existing::kRefuse ? wire::Replace::NEVER : wire::Replace::EXISTING;
}

bool isNotFound(const muster::NodeError& error) {
  return error.kind() == Kind::kNotFound;
}

}  // namespace

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
  stat.modified = realtime(from.getModifiedNs());
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
  to.setLifetime(from.undo == muster::Undo::kWithSession ? wire::Lifetime::SESSION
                                                         : wire::Lifetime::PERMANENT);
}

std::optional<muster::FileStat> Files::stat(const std::string& path, muster::SymlinkPolicy links,
                                            SteadyTime until) {
  try {
    return ask<muster::FileStat>("stat " + quoted(path), until, [&](EstablishedConnection& live) {
      auto request = live.files.statRequest();
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

std::vector<muster::FileEntry> Files::list(const std::string& path, SteadyTime until) {
  struct Page {
    std::vector<muster::FileEntry> entries;
    bool more = false;
  };
  std::vector<muster::FileEntry> all;
  for (bool more = true; more;) {
    std::string after = all.empty() ? "" : all.back().name;
    Page page = ask<Page>("list " + quoted(path), until, [&](EstablishedConnection& live) {
      auto request = live.files.listRequest();
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
      if (entry.name <= after) {  // Or the same page could come for ever.
        throw muster::NodeError(
            Kind::kCorrupt, node_.description().name, "list " + quoted(path),
            "the node gave " + harness::quoted(entry.name) + " behind " + harness::quoted(after));
      }
      after = entry.name;
    }
    more = page.more && !page.entries.empty();
    std::move(page.entries.begin(), page.entries.end(), std::back_inserter(all));
  }
  return all;
}

namespace {

kj::Promise<Files::Part> readOver(EstablishedConnection& live, const std::string& path,
                                  uint64_t offset, uint64_t bytesMax) {
  auto request = live.files.readRequest();
  request.setPath(dataOf(path));
  request.setOffset(offset);
  uint64_t wanted = std::min<uint64_t>(bytesMax, live.chunkBytesMax);
  request.setBytesMax(static_cast<uint32_t>(wanted));
  return request.send().then([offset, wanted](auto&& response) {
    requireNoError(response);
    auto chunk = response.getChunk();
    auto data = chunk.getData();
    if (data.size() > 0 &&
        (chunk.getOffset() != offset || support::crc32c(data) != chunk.getCrc32c())) {
      kj::throwFatalException(
          failure(Kind::kCorrupt, kj::str("bytes at ", offset, " do not match their check sum")));
    }
    if (data.size() > wanted) {
      kj::throwFatalException(failure(
          Kind::kCorrupt, kj::str(data.size(), " bytes at ", offset, ", asked for ", wanted)));
    }
    auto version = response.getVersion();
    std::string seen =
        std::to_string(version.getDevice()) + ":" + std::to_string(version.getInode()) + ":" +
        std::to_string(version.getSize()) + ":" + std::to_string(version.getChangedNs());
    return Files::Part{stringOf(data), response.getSize(), seen};
  });
}

kj::Promise<std::string> digestOver(EstablishedConnection& live, const std::string& path) {
  auto request = live.files.digestRequest();
  request.setPath(dataOf(path));
  return request.send().then([](auto&& response) {
    requireNoError(response);
    return support::hex(response.getSha256());
  });
}

}  // namespace

Files::Part Files::readPart(const std::string& path, uint64_t offset, uint64_t bytesMax,
                            SteadyTime until) {
  return beginRead(path, offset, bytesMax, until).wait(until);
}

Answer<Files::Part> Files::beginRead(const std::string& path, uint64_t offset, uint64_t bytesMax,
                                     SteadyTime until) {
  return node_.begin("read " + quoted(path), [&node = node_, path, offset, bytesMax, until]() {
    return node.connection().call<Part>(until,
                                        [path, offset, bytesMax](EstablishedConnection& live) {
                                          return readOver(live, path, offset, bytesMax);
                                        });
  });
}

Answer<std::string> Files::beginDigest(const std::string& path, SteadyTime until) {
  return node_.begin("digest " + quoted(path), [&node = node_, path, until]() {
    return node.connection().call<std::string>(
        until, [path](EstablishedConnection& live) { return digestOver(live, path); });
  });
}

void Files::readAll(const std::string& path, uint64_t offset, uint64_t bytesMax, SteadyTime until,
                    const std::function<void(const std::string&)>& sink) {
  std::optional<std::string> version;
  while (bytesMax > 0) {
    Part part = readPart(path, offset, bytesMax, until);
    if (part.size > 0 && version && *version != part.version) {
      throw muster::NodeError(Kind::kConflict, node_.description().name, "read " + quoted(path),
                              "the file was changed while it was being read");
    }
    version = part.version;
    if (part.bytes.empty()) return;
    sink(part.bytes);
    offset += part.bytes.size();
    bytesMax -= std::min<uint64_t>(bytesMax, part.bytes.size());
    if (part.size > 0 && offset >= part.size) return;
  }
}

std::string Files::read(const std::string& path, uint64_t offset, uint64_t bytesMax,
                        SteadyTime until) {
  std::string content;
  readAll(path, offset, bytesMax, until, [&](const std::string& bytes) { content += bytes; });
  return content;
}

std::string Files::digest(const std::string& path, SteadyTime until) {
  return beginDigest(path, until).wait(until);
}

std::string Files::readLink(const std::string& path, SteadyTime until) {
  return ask<std::string>("read link " + quoted(path), until, [&](EstablishedConnection& live) {
    auto request = live.files.readLinkRequest();
    request.setPath(dataOf(path));
    return request.send().then([](auto&& response) {
      requireNoError(response);
      return stringOf(response.getTarget());
    });
  });
}

std::map<std::string, std::string> Files::attributes(const std::string& path, SteadyTime until) {
  using Attributes = std::map<std::string, std::string>;
  return ask<Attributes>("attributes of " + quoted(path), until, [&](EstablishedConnection& live) {
    auto request = live.files.attributesRequest();
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

muster::FileSpace Files::space(const std::string& path, SteadyTime until) {
  return ask<muster::FileSpace>(
      "space of " + quoted(path), until, [&](EstablishedConnection& live) {
        auto request = live.files.spaceRequest();
        request.setPath(dataOf(path));
        return request.send().then([](auto&& response) {
          requireNoError(response);
          return muster::FileSpace{response.getTotalBytes(), response.getAvailableBytes(),
                                   response.getTotalInodes(), response.getAvailableInodes()};
        });
      });
}

void Files::write(const std::string& path, const std::string& content,
                  const muster::WriteOptions& options, SteadyTime until) {
  if (content.size() > kWriteAtOnceBytes) {
    FileFeed feed{[&](uint64_t offset, size_t most) { return content.substr(offset, most); },
                  [](const std::string&) {}};
    UploadOptions own;
    own.write = options;
    upload(path, content.size(), feed, own, until);
    return;
  }
  ask<bool>("write " + quoted(path), until, [&](EstablishedConnection& live) {
    auto request = live.files.writeRequest();
    request.setPath(dataOf(path));
    request.setData(dataOf(content));
    writeOptions(request.initOptions(), options);
    return request.send().then(answered);
  });
}

void Files::append(const std::string& path, const std::string& content, SteadyTime until) {
  auto before = stat(path, muster::SymlinkPolicy::kFollow, until);
  uint64_t offset = before ? before->size : 0;
  for (size_t at = 0; at < content.size();) {
    size_t sent = ask<size_t>("append to " + quoted(path), until, [&](EstablishedConnection& live) {
      std::string part =
          content.substr(at, std::min<size_t>(live.chunkBytesMax, kWriteAtOnceBytes));
      auto request = live.files.appendRequest();
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

bool Files::makeDirectory(const std::string& path, uint32_t mode, muster::Undo undo,
                          SteadyTime until) {
  return ask<bool>("make directory " + quoted(path), until, [&](EstablishedConnection& live) {
    auto request = live.files.makeDirectoryRequest();
    request.setPath(dataOf(path));
    request.setMode(mode);
    request.setParents(true);
    request.setLifetime(undo == muster::Undo::kWithSession ? wire::Lifetime::SESSION
                                                           : wire::Lifetime::PERMANENT);
    return request.send().then([](auto&& response) {
      requireNoError(response);
      return response.getCreated();
    });
  });
}

bool Files::remove(const std::string& path, bool recursive, SteadyTime until) {
  return ask<bool>("remove " + quoted(path), until, [&](EstablishedConnection& live) {
    auto request = live.files.removeRequest();
    request.setPath(dataOf(path));
    request.setRecursive(recursive);
    return request.send().then([](auto&& response) {
      requireNoError(response);
      return response.getRemoved();
    });
  });
}

void Files::rename(const std::string& source, const std::string& target, muster::Existing existing,
                   SteadyTime until) {
  std::string operation = "rename " + quoted(source) + " to " + quoted(target);
  unsigned attempts = 0;
  try {
    ask<bool>(operation, until, [&](EstablishedConnection& live) {
      ++attempts;
      auto request = live.files.renameRequest();
      request.setSource(dataOf(source));
      request.setTarget(dataOf(target));
      request.setReplace(replaceOf(existing));
      return request.send().then(answered);
    });
  } catch (const muster::NodeError& error) {
    // Sent again after it worked, it finds no source.
    if (!isNotFound(error) || attempts < 2 || !stat(target, muster::SymlinkPolicy::kKeep, until))
      throw;
  }
}

void Files::setMode(const std::string& path, uint32_t mode, SteadyTime until) {
  ask<bool>("set mode of " + quoted(path), until, [&](EstablishedConnection& live) {
    auto request = live.files.setModeRequest();
    request.setPath(dataOf(path));
    request.setMode(mode);
    return request.send().then(answered);
  });
}

void Files::setOwner(const std::string& path, const std::string& user, const std::string& group,
                     muster::SymlinkPolicy links, SteadyTime until) {
  ask<bool>("set owner of " + quoted(path), until, [&](EstablishedConnection& live) {
    auto request = live.files.setOwnerRequest();
    request.setPath(dataOf(path));
    request.setUser(user);
    request.setGroup(group);
    request.setLinks(linksOf(links));
    return request.send().then(answered);
  });
}

void Files::link(const std::string& path, const std::string& target, bool hard,
                 muster::Existing existing, SteadyTime until) {
  ask<bool>("link " + quoted(path) + " to " + quoted(target), until,
            [&](EstablishedConnection& live) {
              auto request = live.files.linkRequest();
              request.setPath(dataOf(path));
              request.setTarget(dataOf(target));
              request.setType(hard ? wire::LinkType::HARD : wire::LinkType::SYMBOLIC);
              request.setReplace(replaceOf(existing));
              return request.send().then(answered);
            });
}

void Files::setAttribute(const std::string& path, const std::string& name, const std::string& value,
                         SteadyTime until) {
  ask<bool>("set attribute " + quoted(name) + " of " + quoted(path), until,
            [&](EstablishedConnection& live) {
              auto request = live.files.setAttributeRequest();
              request.setPath(dataOf(path));
              auto attribute = request.initAttribute();
              attribute.setName(dataOf(name));
              attribute.setValue(dataOf(value));
              return request.send().then(answered);
            });
}

void Files::removeAttribute(const std::string& path, const std::string& name, SteadyTime until) {
  ask<bool>("remove attribute " + quoted(name) + " of " + quoted(path), until,
            [&](EstablishedConnection& live) {
              auto request = live.files.removeAttributeRequest();
              request.setPath(dataOf(path));
              request.setName(dataOf(name));
              return request.send().then(answered);
            });
}

void Files::setTimes(const std::string& path, int64_t accessedNs, int64_t modifiedNs,
                     SteadyTime until) {
  ask<bool>("set times of " + quoted(path), until, [&](EstablishedConnection& live) {
    auto request = live.files.setTimesRequest();
    request.setPath(dataOf(path));
    request.setAccessedNs(accessedNs);
    request.setModifiedNs(modifiedNs);
    return request.send().then(answered);
  });
}

}  // namespace harness
