// Whole files and trees between here and a node: their calls. The copying itself is in copy.cc.
#include <algorithm>

#include "harness/rpc/copy_ends.h"
#include "harness/rpc/failure_text.h"
#include "harness/rpc/files.h"
#include "harness/rpc/files_ask.h"
#include "schema/support/crc32c.h"
#include "schema/support/sha256.h"

namespace harness {
namespace {

using Kind = muster::NodeError::Kind;

constexpr uint32_t kPieceBytes = 256 << 10;
constexpr uint32_t kPageItemsMax = 500;
constexpr uint32_t kInlineBytesMax = 16 << 10;

template <typename List>
void writeAttributes(List list, const std::map<std::string, std::string>& attributes) {
  unsigned at = 0;
  for (const auto& [name, value] : attributes) {
    list[at].setName(dataOf(name));
    list[at++].setValue(dataOf(value));
  }
}

void writeItem(wire::TreeEntry::Builder to, const TreeItem& from,
               const muster::WriteOptions& options) {
  to.setPath(dataOf(from.path));
  auto stat = to.initStat();
  stat.setType(static_cast<wire::FileType>(from.type));
  stat.setMode(from.mode);
  stat.setSize(from.size);
  stat.setModifiedNs(from.modifiedNs);
  stat.setUid(from.uid);
  stat.setGid(from.gid);
  stat.setUser(options.user.empty() ? from.user : options.user);
  stat.setGroup(options.group.empty() ? from.group : options.group);
  to.setTarget(dataOf(from.target));
  if (from.type == muster::FileType::kRegular) {
    to.setContent(dataOf(from.content));
    to.setContentInline(true);
  }
  writeAttributes(to.initAttributes(static_cast<unsigned>(from.attributes.size())),
                  from.attributes);
}

TreeItem readItem(wire::TreeEntry::Reader from) {
  TreeItem item;
  muster::FileStat stat = readStat(from.getStat());
  item.path = stringOf(from.getPath());
  item.type = stat.type;
  item.mode = stat.mode;
  item.uid = stat.uid;
  item.gid = stat.gid;
  item.user = stat.user;
  item.group = stat.group;
  item.size = stat.size;
  item.sparse = stat.allocatedBytes < stat.size;
  item.modifiedNs = from.getStat().getModifiedNs();
  item.target = stringOf(from.getTarget());
  item.content = stringOf(from.getContent());
  item.hasContent = from.getContentInline();
  for (auto attribute : from.getAttributes()) {
    item.attributes.emplace(stringOf(attribute.getName()), stringOf(attribute.getValue()));
  }
  return item;
}

CopyOptions optionsOf(CopyOptions::What what, const muster::WriteOptions& write) {
  CopyOptions options;
  options.what = what;
  options.write = write;
  return options;
}

}  // namespace

const std::string& Files::nodeName() const {
  return node_.description().name;
}

uint64_t Files::beginUpload(const support::Id& id, const std::string& path, uint64_t size,
                            const UploadOptions& options, SteadyTime until) {
  return ask<uint64_t>("write " + quoted(path), until, [&](Live& live) {
    auto request = live.files.beginUploadRequest();
    request.setUploadId(id.data());
    request.setPath(dataOf(path));
    request.setSize(size);
    auto to = request.initOptions();
    writeOptions(to, options.write);
    writeAttributes(to.initAttributes(static_cast<unsigned>(options.attributes.size())),
                    options.attributes);
    to.setModifiedNs(options.modifiedNs);
    to.setSparse(options.sparse);
    return request.send().then([](auto&& response) {
      requireNoError(response);
      return response.getReceivedTo();
    });
  });
}

size_t Files::writeUpload(const support::Id& id, const std::string& path, uint64_t offset,
                          const std::string& bytes, SteadyTime until) {
  size_t count = 0;
  std::string operation = "write " + quoted(path);
  uint64_t received = ask<uint64_t>(operation, until, [&](Live& live) {
    count = std::min<size_t>(bytes.size(), live.chunkBytesMax);
    auto data = dataOf(bytes).slice(0, count);
    auto request = live.files.writeUploadRequest();
    request.setUploadId(id.data());
    auto chunk = request.initChunk();
    chunk.setOffset(offset);
    chunk.setData(data);
    chunk.setCrc32c(support::crc32c(data));
    return request.send().then([](auto&& response) {
      requireNoError(response);
      return response.getReceivedTo();
    });
  });
  if (count > 0 && received == offset + count) return count;
  throw muster::NodeError(Kind::kCorrupt, nodeName(), operation,
                          "the source became shorter, or the node took another count of bytes");
}

std::string Files::upload(const std::string& path, uint64_t size, const FileFeed& feed,
                          const UploadOptions& options, SteadyTime until) {
  support::Id id = support::Id::random();
  uint64_t offset = 0;
  try {
    offset = beginUpload(id, path, size, options, until);
  } catch (const muster::NodeError& error) {
    if (error.kind() != Kind::kNotFound && error.kind() != Kind::kInvalid) throw;
    if (options.uid.empty()) throw;
    // A node that does not know the owner by name takes the number.
    UploadOptions byNumber = options;
    byNumber.write.user = options.uid;
    byNumber.write.group = options.gid;
    byNumber.uid.clear();
    offset = beginUpload(id, path, size, byNumber, until);
  }
  support::Sha256 hash;
  support::Digest digest;
  try {
    while (offset < size) {
      uint64_t most = std::min<uint64_t>(kPieceBytes, size - offset);
      std::string bytes = feed.read(offset, static_cast<size_t>(most));
      // A node may take less at once than was read.
      for (size_t at = 0; at == 0 || at < bytes.size();) {
        at += writeUpload(id, path, offset + at, bytes.substr(at), until);
      }
      hash.update(dataOf(bytes));
      offset += bytes.size();
    }
    digest = hash.digest();
    feed.check(support::hex(kj::arrayPtr(digest.data(), digest.size())));
  } catch (...) {
    abandonUpload(id, path, until);
    throw;
  }
  auto bytes = kj::arrayPtr(digest.data(), digest.size());
  ask<bool>("write " + quoted(path), until, [&](Live& live) {
    auto request = live.files.finishUploadRequest();
    request.setUploadId(id.data());
    request.setSha256(bytes);
    return request.send().then(answered);
  });
  return support::hex(bytes);
}

void Files::abandonUpload(const support::Id& id, const std::string& path, SteadyTime until) {
  try {
    ask<bool>("write " + quoted(path), until, [&](Live& live) {
      auto request = live.files.abandonUploadRequest();
      request.setUploadId(id.data());
      return request.send().then(answered);
    });
  } catch (const muster::NodeError&) {
    // The failure that led here is the one to report; the upload goes with the session.
  }
}

void Files::plant(const std::string& root, const std::vector<TreeItem>& items,
                  const muster::WriteOptions& options, SteadyTime until) {
  if (items.empty()) return;
  ask<bool>("push to " + quoted(root), until, [&](Live& live) {
    auto request = live.files.plantRequest();
    request.setRoot(dataOf(root));
    auto list = request.initEntries(static_cast<unsigned>(items.size()));
    for (unsigned i = 0; i < list.size(); ++i) writeItem(list[i], items[i], options);
    writeOptions(request.initOptions(), options);
    return request.send().then(answered);
  });
}

Files::TreePage Files::walkPage(const std::string& root, const std::string& after,
                                SteadyTime until) {
  return ask<TreePage>("pull " + quoted(root), until, [&](Live& live) {
    auto request = live.files.walkRequest();
    request.setRoot(dataOf(root));
    request.setAfter(dataOf(after));
    request.setEntriesMax(kPageItemsMax);
    request.setInlineBytesMax(kInlineBytesMax);
    return request.send().then([](auto&& response) {
      requireNoError(response);
      TreePage page;
      for (auto entry : response.getEntries()) page.items.push_back(readItem(entry));
      page.more = response.getMore();
      return page;
    });
  });
}

muster::TransferResult Files::push(const std::string& local, const std::string& remote,
                                   const muster::WriteOptions& options, SteadyTime until) {
  return copy({nullptr, local}, {&node_, remote}, optionsOf(CopyOptions::What::kFile, options),
              until);
}

muster::TransferResult Files::pull(const std::string& remote, const std::string& local,
                                   SteadyTime until) {
  return copy({&node_, remote}, {nullptr, local}, optionsOf(CopyOptions::What::kFile, {}), until);
}

muster::TransferResult Files::pushTree(const std::string& local, const std::string& remote,
                                       const muster::WriteOptions& options, SteadyTime until) {
  return copy({nullptr, local}, {&node_, remote}, optionsOf(CopyOptions::What::kTree, options),
              until);
}

muster::TransferResult Files::pullTree(const std::string& remote, const std::string& local,
                                       SteadyTime until) {
  return copy({&node_, remote}, {nullptr, local}, optionsOf(CopyOptions::What::kTree, {}), until);
}

}  // namespace harness
