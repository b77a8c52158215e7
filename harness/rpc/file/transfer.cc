// Makes the single calls of a transfer, and the upload that consists of several. The order of whole
// copies is in copy.cc.
#include "harness/rpc/file/transfer.h"

#include <algorithm>
#include <deque>
#include <memory>

#include "harness/rpc/bytes.h"
#include "harness/rpc/file/file_wire.h"
#include "harness/rpc/file/send_window.h"
#include "harness/values/failure_text.h"
#include "schema/support/base/crc32c.h"
#include "schema/support/base/sha256.h"

namespace harness {
namespace {

using Kind = muster::NodeError::Kind;

constexpr uint32_t kPageItemsMax = 500;

// Files of a tree up to this size come within its pages, and need no call of their own.
constexpr uint32_t kInlineBytesMax = 16 << 10;

template <typename List>
void writeAttributes(List list, const std::map<std::string, std::string>& attributes) {
  unsigned at = 0;
  for (const auto& [name, value] : attributes) {
    list[at].setName(dataOf(name));
    list[at++].setValue(dataOf(value));
  }
}

void writeItem(wire::TreeEntry::Builder to, const TreeItem& from, Directories directories,
               const muster::WriteOptions& options) {
  to.setPath(dataOf(from.path));
  auto stat = to.initStat();
  stat.setType(static_cast<wire::FileType>(from.type));
  stat.setMode(from.mode);
  stat.setSize(from.size);
  // The other name of a hard link has the time already.
  if (from.linkTo.empty()) stat.setModifiedNs(timeOf(from));
  stat.setSpecialDevice(from.specialDevice);
  stat.setUid(from.uid);
  stat.setGid(from.gid);
  stat.setUser(options.user.empty() ? from.user : options.user);
  stat.setGroup(options.group.empty() ? from.group : options.group);
  to.setTarget(dataOf(from.target));
  to.setLinkTo(dataOf(from.linkTo));
  if (from.type == muster::FileType::kRegular && from.linkTo.empty()) {
    to.setContent(dataOf(from.content));
    to.setContentInline(true);
    to.setSparse(from.sparse());
  }
  to.setFinished(directories == Directories::kFinished);
  writeAttributes(to.initAttributes(static_cast<unsigned>(from.attributes.size())),
                  from.attributes);
}

wire::DigestKind wireKind(DigestKind kind) {
  return kind == DigestKind::kBlocks ? wire::DigestKind::BLOCKS : wire::DigestKind::CONTENT;
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
  item.allocatedBytes = stat.allocatedBytes;
  item.links = stat.links;
  item.inode = stat.inode;
  item.device = from.getStat().getDevice();
  item.specialDevice = from.getStat().getSpecialDevice();
  item.modifiedNs = keptTime(from.getStat().getModifiedNs());
  item.target = stringOf(from.getTarget());
  item.content = stringOf(from.getContent());
  item.hasContent = from.getContentInline();
  for (auto attribute : from.getAttributes()) {
    item.attributes.emplace(stringOf(attribute.getName()), stringOf(attribute.getValue()));
  }
  return item;
}

std::string versionText(wire::FileVersion::Reader version) {
  return std::to_string(version.getDevice()) + ":" + std::to_string(version.getInode()) + ":" +
         std::to_string(version.getSize()) + ":" + std::to_string(version.getChangedNs());
}

// Reads one part over `connection`. Its offset, check sum and size are compared, because callers
// append the bytes to what they have. The version is the file's identity, size and change time.
kj::Promise<FilePart> readOver(EstablishedConnection& connection, const std::string& path,
                               uint64_t offset, uint64_t bytesMax) {
  auto request = connection.get<wire::FileView>().readRequest();
  request.setPath(dataOf(path));
  request.setOffset(offset);
  uint64_t wanted = std::min<uint64_t>(bytesMax, connection.chunkBytesMax);
  request.setBytesMax(static_cast<uint32_t>(wanted));
  return request.send().then([offset, wanted](auto&& response) {
    requireNoError(response);
    auto chunk = response.getChunk();
    auto data = chunk.getData();
    if (data.size() > 0 &&
        (chunk.getOffset() != offset || support::crc32c(data) != chunk.getCrc32c())) {
      support::fail(wire::Error::Kind::CORRUPT, "bytes at ", offset,
                    " do not match their check sum");
    }
    if (data.size() > wanted) {
      support::fail(wire::Error::Kind::CORRUPT, data.size(), " bytes at ", offset, ", asked for ",
                    wanted);
    }
    return FilePart{stringOf(data), response.getSize(), versionText(response.getVersion())};
  });
}

kj::Promise<std::string> digestOver(EstablishedConnection& connection, const std::string& path,
                                    DigestKind kind) {
  auto request = connection.get<wire::FileView>().digestRequest();
  request.setPath(dataOf(path));
  request.setKind(wireKind(kind));
  return request.send().then([](auto&& response) {
    requireNoError(response);
    return support::hex(response.getSha256());
  });
}

}  // namespace

FilePart readPart(ControllerNode& node, const std::string& path, uint64_t offset, uint64_t bytesMax,
                  SteadyTime until) {
  return beginRead(node, path, offset, bytesMax, until).wait(until);
}

Answer<FilePart> beginRead(ControllerNode& node, const std::string& path, uint64_t offset,
                           uint64_t bytesMax, SteadyTime until) {
  return beginAsking<FilePart>(node, "read " + inQuotes(path), until,
                               [path, offset, bytesMax](EstablishedConnection& connection) {
                                 return readOver(connection, path, offset, bytesMax);
                               });
}

Answer<std::string> beginDigest(ControllerNode& node, const std::string& path, DigestKind kind,
                                SteadyTime until) {
  return beginAsking<std::string>(node, "digest " + inQuotes(path), until,
                                  [path, kind](EstablishedConnection& connection) {
                                    return digestOver(connection, path, kind);
                                  });
}

uint16_t protocolMinorOf(ControllerNode& node, SteadyTime until) {
  return ask<uint16_t>(node, "connect", until,
                       [](EstablishedConnection& connection) -> kj::Promise<uint16_t> {
                         return connection.grants.agentMinor();
                       });
}

void requireFaithful(ControllerNode& node, const std::string& feature, SteadyTime until) {
  ask<bool>(node, "copy", until, [&](EstablishedConnection& connection) -> kj::Promise<bool> {
    connection.requireMinor(kFaithfulMinor, feature.c_str());
    return true;
  });
}

// The extents must ascend within the file: what they leave out is not read.
ExtentPage extentsPage(ControllerNode& node, const std::string& path, uint64_t offset,
                       SteadyTime until) {
  return ask<ExtentPage>(
      node, "find holes of " + inQuotes(path), until, [&](EstablishedConnection& connection) {
        auto request = connection.get<wire::FileView>().extentsRequest();
        request.setPath(dataOf(path));
        request.setOffset(offset);
        return request.send().then([offset](auto&& response) {
          requireNoError(response);
          ExtentPage page;
          page.more = response.getMore();
          page.size = response.getSize();
          page.version = versionText(response.getVersion());
          uint64_t end = offset;
          for (auto from : response.getExtents()) {
            Extent extent{from.getOffset(), from.getSize()};
            if (extent.offset < end || extent.size == 0 || extent.offset >= page.size) {
              support::fail(wire::Error::Kind::CORRUPT, "an extent of ", extent.size, " bytes at ",
                            extent.offset, " does not fit behind ", end);
            }
            extent.size = std::min(extent.size, page.size - extent.offset);
            end = extent.offset + extent.size;
            page.extents.push_back(extent);
          }
          return page;
        });
      });
}

namespace {

struct Begun {
  uint64_t receivedTo = 0;

  // The size of each chunk.
  size_t chunkBytes = 0;

  // The digest that the node compares. With kBlocks, holes are not sent.
  DigestKind kind = DigestKind::kContent;
};

// Older agents take times in a field in which 0 means none, and refuse the other one.
void writeModified(wire::WriteOptions::Builder to, int64_t ns) {
  if (ns == 0) {
    to.getModified().setAtNs(ns);
  } else {
    to.setModifiedNs(ns);
  }
}

Begun beginUpload(ControllerNode& node, const support::Id& id, const std::string& path,
                  uint64_t size, const UploadOptions& options, ScopeHandle scope,
                  SteadyTime until) {
  auto attempt = [&](EstablishedConnection& connection) {
    bool isFaithful = connection.grants.agentMinor() >= kFaithfulMinor;
    DigestKind kind = options.sparse && isFaithful ? DigestKind::kBlocks : DigestKind::kContent;
    auto request = connection.get<wire::Files>().beginUploadRequest();
    request.setUploadId(id.data());
    request.setPath(dataOf(path));
    request.setSize(size);
    auto to = request.initOptions();
    writeOptions(to, options.write);
    writeAttributes(to.initAttributes(static_cast<unsigned>(options.attributes.size())),
                    options.attributes);
    // An older agent leaves the file an ACL that it inherits, which is no reason to refuse it.
    to.setExactAttributes(options.exactAttributes && isFaithful);
    if (options.modifiedNs) writeModified(to, *options.modifiedNs);
    to.setSparse(options.sparse);
    to.setDigestKind(wireKind(kind));
    return request.send().then([kind, chunkBytesMax = connection.chunkBytesMax](auto&& response) {
      requireNoError(response);
      return Begun{response.getReceivedTo(), std::min<size_t>(kChunkBytes, chunkBytesMax), kind};
    });
  };
  return ask<Begun>(node, "write " + inQuotes(path), until, attempt, scope);
}

// Sends the chunks of an upload one behind the other, several without waiting for an answer, and
// takes the answers in that order.
class Chunks {
 public:
  Chunks(ControllerNode& node, const support::Id& id, const std::string& path, ScopeHandle scope,
         SteadyTime until)
      : node_(node),
        id_(id),
        operation_("write " + inQuotes(path)),
        scope_(std::move(scope)),
        until_(until) {}

  // Sends a piece. What lies between it and the piece before is a hole.
  void send(uint64_t offset, std::string bytes) {
    while (!window_.allows(underWay_.size())) settle();
    Chunk chunk{offset, offset - sentTo_, std::make_shared<const std::string>(std::move(bytes))};
    chunk.crc32c = support::crc32c(dataOf(*chunk.bytes));
    sentTo_ = offset + chunk.bytes->size();
    auto answer = beginAsking<uint64_t>(node_, operation_, until_, attempt(chunk), scope_);
    underWay_.push_back({std::move(chunk), now(), std::move(answer)});
  }

  void finish() {
    while (!underWay_.empty()) settle();
  }

  uint64_t sentTo() const { return sentTo_; }

 private:
  struct Chunk {
    uint64_t offset = 0;
    uint64_t holeBefore = 0;

    // Shared with the call, which may be repeated.
    std::shared_ptr<const std::string> bytes;
    uint32_t crc32c = 0;
  };
  struct Sent {
    Chunk chunk;
    SteadyTime at;
    Answer<uint64_t> answer;
  };

  static SteadyTime now() { return std::chrono::steady_clock::now(); }

  Attempt<uint64_t> attempt(const Chunk& chunk) const {
    return [id = id_, chunk](EstablishedConnection& connection) {
      auto request = connection.get<wire::Files>().writeUploadRequest();
      request.setUploadId(id.data());
      auto to = request.initChunk();
      to.setOffset(chunk.offset);
      to.setData(dataOf(*chunk.bytes));
      to.setCrc32c(chunk.crc32c);
      request.setHoleBefore(chunk.holeBefore);
      return request.send().then([](auto&& response) {
        requireNoError(response);
        return response.getReceivedTo();
      });
    };
  }

  // Waits for the answer to the oldest chunk.
  void settle() {
    Sent sent = std::move(underWay_.front());
    underWay_.pop_front();
    uint64_t received = receivedAfter(sent);
    window_.note(now() - sent.at);
    // A chunk that was sent again may find that those behind it have arrived: then more is
    // received.
    if (received >= sent.chunk.offset + sent.chunk.bytes->size() && received <= sentTo_) return;
    throw muster::NodeError(Kind::kCorrupt, node_.description().name, operation_,
                            "the node took another count of bytes");
  }

  uint64_t receivedAfter(Sent& sent) {
    try {
      return sent.answer.wait(until_);
    } catch (const muster::NodeError& error) {
      // When a connection was lost, chunks that are sent again may overtake one another, and an
      // older agent may look at them in any order. It refuses a chunk that comes before its
      // predecessor. All predecessors of this one have been answered by now, so that it fits.
      if (error.kind() != Kind::kCorrupt) throw;
      return beginAsking<uint64_t>(node_, operation_, until_, attempt(sent.chunk), scope_)
          .wait(until_);
    }
  }

  ControllerNode& node_;
  support::Id id_;
  std::string operation_;
  ScopeHandle scope_;
  SteadyTime until_;
  SendWindow window_;
  uint64_t sentTo_ = 0;
  std::deque<Sent> underWay_;
};

void abandonUpload(ControllerNode& node, const support::Id& id, const std::string& path,
                   ScopeHandle scope, SteadyTime until) {
  auto attempt = [&](EstablishedConnection& connection) {
    auto request = connection.get<wire::Files>().abandonUploadRequest();
    request.setUploadId(id.data());
    return request.send().then(answered);
  };
  try {
    ask<bool>(node, "write " + inQuotes(path), until, attempt, scope);
  } catch (const muster::NodeError&) {
    // The failure that led here is the one to report; the upload goes with the session.
  }
}

}  // namespace

// Reads the file that `feed` gives and sends what is not holes. Returns its digests.
TransferDigest sendAll(ControllerNode& node, const support::Id& id, const std::string& path,
                       uint64_t size, const FileFeed& feed, const Begun& begun, ScopeHandle scope,
                       SteadyTime until) {
  auto changed = [&](const std::string& how) {
    return muster::NodeError(Kind::kCorrupt, node.description().name, "write " + inQuotes(path),
                             "the source became " + how);
  };
  bool sendsHoles = begun.kind == DigestKind::kContent;
  TransferDigest digest(feed.kind, begun.kind, size);
  Chunks chunks(node, id, path, std::move(scope), until);
  uint64_t offset = 0;
  while (offset < size) {
    uint64_t most = std::min<uint64_t>(begun.chunkBytes, size - offset);
    FilePiece piece = feed.next(static_cast<size_t>(most));
    if (piece.bytes.empty() && piece.offset < size) throw changed("shorter");
    uint64_t end = piece.offset + piece.bytes.size();
    if (end > size) throw changed("longer");
    // An agent that cannot leave out holes gets their zeros.
    for (; sendsHoles && offset < piece.offset; offset = chunks.sentTo()) {
      uint64_t count = std::min<uint64_t>(begun.chunkBytes, piece.offset - offset);
      chunks.send(offset, std::string(static_cast<size_t>(count), '\0'));
    }
    digest.add(piece.offset, piece.bytes);
    chunks.send(piece.offset, std::move(piece.bytes));
    offset = end;
  }
  digest.end(size);
  chunks.finish();
  return digest;
}

// Writes a file in four steps:
//
//   1. beginUpload names the target and the upload's id, and tells how much of it has arrived.
//   2. Chunks go out with offsets and check sums, several at a time, and leave out holes.
//   3. The source is checked against the digest of what was read, before the file has its name.
//   4. finishUpload compares the digest at the node and gives the file its name.
//
// The id makes each step repeatable after a lost connection. A failure before step 4 abandons the
// upload, so that its bytes do not stay until the session ends.
std::string upload(ControllerNode& node, const std::string& path, uint64_t size,
                   const FileFeed& feed, const UploadOptions& options, SteadyTime until) {
  support::Id id = support::Id::random();
  ScopeHandle scope = scopeOf(node, options.write.undo);
  Begun begun;
  try {
    begun = beginUpload(node, id, path, size, options, scope, until);
  } catch (const muster::NodeError& error) {
    if (error.kind() != Kind::kNotFound && error.kind() != Kind::kInvalid) throw;
    if (options.uid.empty()) throw;
    // The node may not know the owner by name: it is asked again with the number.
    UploadOptions byNumber = options;
    byNumber.write.user = options.uid;
    byNumber.write.group = options.gid;
    byNumber.uid.clear();
    begun = beginUpload(node, id, path, size, byNumber, scope, until);
  }
  std::optional<TransferDigest> sent;
  try {
    sent.emplace(sendAll(node, id, path, size, feed, begun, scope, until));
    feed.check(*sent);
  } catch (...) {
    abandonUpload(node, id, path, scope, until);
    throw;
  }
  support::Digest digest = sent->compared(begun.kind);
  auto bytes = kj::arrayPtr(digest.data(), digest.size());
  auto finish = [&](EstablishedConnection& connection) {
    auto request = connection.get<wire::Files>().finishUploadRequest();
    request.setUploadId(id.data());
    request.setSha256(bytes);
    return request.send().then(answered);
  };
  ask<bool>(node, "write " + inQuotes(path), until, finish, scope);
  return sent->content();
}

Answer<std::vector<LeftOutItem>> beginWriteTree(ControllerNode& node, const std::string& root,
                                                std::vector<TreeItem> items,
                                                Directories directories,
                                                const muster::WriteOptions& options,
                                                SteadyTime until) {
  // The items are shared with the call, which may be repeated.
  auto shared = std::make_shared<const std::vector<TreeItem>>(std::move(items));
  auto attempt = [shared, root, directories, options](EstablishedConnection& connection) {
    auto request = connection.get<wire::Files>().writeTreeRequest();
    request.setRoot(dataOf(root));
    auto list = request.initEntries(static_cast<unsigned>(shared->size()));
    for (unsigned i = 0; i < list.size(); ++i) {
      writeItem(list[i], (*shared)[i], directories, options);
    }
    writeOptions(request.initOptions(), options);
    return request.send().then([shared](auto&& response) {
      requireNoError(response);
      std::vector<LeftOutItem> all;
      for (auto one : response.getLeftOut()) {
        if (one.getEntry() >= shared->size()) {
          support::fail(wire::Error::Kind::CORRUPT, "entry ", one.getEntry(), " of ",
                        shared->size(), " is left out");
        }
        all.push_back({(*shared)[one.getEntry()].path, stringOf(one.getError().getText())});
      }
      return all;
    });
  };
  return beginAsking<std::vector<LeftOutItem>>(node, "push to " + inQuotes(root), until, attempt,
                                               scopeOf(node, options.undo));
}

TreePage walkPage(ControllerNode& node, const std::string& root, const std::string& after,
                  Contents contents, SteadyTime until) {
  return ask<TreePage>(
      node, "pull " + inQuotes(root), until, [&](EstablishedConnection& connection) {
        auto request = connection.get<wire::FileView>().walkRequest();
        request.setRoot(dataOf(root));
        request.setAfter(dataOf(after));
        request.setEntriesMax(kPageItemsMax);
        request.setInlineBytesMax(contents == Contents::kSmall ? kInlineBytesMax : 0);
        return request.send().then([](auto&& response) {
          requireNoError(response);
          TreePage page;
          for (auto entry : response.getEntries()) page.items.push_back(readItem(entry));
          page.more = response.getMore();
          return page;
        });
      });
}

}  // namespace harness
