#include "nodeagent/file/view_server.h"

#include <errno.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <kj/debug.h>

#include "nodeagent/file/file_wire.h"
#include "nodeagent/file/path.h"
#include "nodeagent/file/tree.h"
#include "nodeagent/file/tree_digest.h"
#include "nodeagent/file/view.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::file {
namespace {

using Kind = wire::Error::Kind;

constexpr uid_t kNobody = 65534;

// Lets the calling thread reach files as the user nobody does, if it is root's, for the life of
// this object.
class AsAnyUser {
 public:
  explicit AsAnyUser(ViewAs viewAs) : active_(viewAs == ViewAs::kAnyUser && ::geteuid() == 0) {
    if (!active_) return;
    // The raw call changes this thread alone, unlike libc's setgroups.
    int count = ::getgroups(kGroupsMax, groups_);
    if (count < 0 || ::syscall(SYS_setgroups, 0, nullptr) < 0)
      support::failErrno(errno, "become nobody to read");
    groupCount_ = count;
    ::setfsgid(kNobody);
    ::setfsuid(kNobody);
  }
  KJ_DISALLOW_COPY(AsAnyUser);
  ~AsAnyUser() noexcept(false) {
    if (!active_) return;
    ::setfsuid(::geteuid());
    ::setfsgid(::getegid());
    // The thread must not go on without its groups: it would see less than it should.
    KJ_ASSERT(::syscall(SYS_setgroups, groupCount_, groups_) == 0);
  }

 private:
  static constexpr int kGroupsMax = 1024;
  bool active_;
  int groupCount_ = 0;
  gid_t groups_[kGroupsMax];
};

file::SymlinkPolicy readLinks(wire::SymlinkPolicy links) {
  return links == wire::SymlinkPolicy::FOLLOW ? file::SymlinkPolicy::kFollow
                                              : file::SymlinkPolicy::kKeep;
}

}  // namespace

template <typename Task>
auto FileViewServer::look(Task task) -> kj::Promise<decltype(task())> {
  return worker_.run([task = kj::mv(task), viewAs = viewAs_]() mutable {
    AsAnyUser eyes(viewAs);
    return task();
  });
}

kj::Promise<void> FileViewServer::stat(StatContext context) {
  return support::answer(context, "files.stat", [this, context]() mutable {
    auto params = context.getParams();
    return look([path = file::absolutePath(params.getPath()),
                 links = readLinks(params.getLinks())] { return file::statOf(path, links); })
        .then([context](file::FileStat&& stat) mutable {
          file::writeStat(context.getResults().initStat(), stat);
        });
  });
}

kj::Promise<void> FileViewServer::list(ListContext context) {
  return support::answer(context, "files.list", [this, context]() mutable {
    auto params = context.getParams();
    auto after = kj::heapString(params.getAfter().asChars());
    return look([path = file::absolutePath(params.getPath()), after = kj::mv(after),
                 entriesMax = params.getEntriesMax()] {
             return file::list(path, after, entriesMax);
           })
        .then([context](file::ListResult&& result) mutable {
          auto entries =
              context.getResults().initEntries(static_cast<unsigned>(result.entries.size()));
          for (unsigned i = 0; i < entries.size(); ++i) {
            entries[i].setName(file::asData(result.entries[i].name));
            file::writeStat(entries[i].initStat(), result.entries[i].stat);
          }
          context.getResults().setMore(result.more);
        });
  });
}

kj::Promise<void> FileViewServer::read(ReadContext context) {
  return support::answer(context, "files.read", [this, context]() mutable {
    auto params = context.getParams();
    return look([path = file::absolutePath(params.getPath()), offset = params.getOffset(),
                 bytesMax = params.getBytesMax()] {
             return file::readChunk(path, offset, bytesMax);
           })
        .then([context, offset = params.getOffset()](file::ReadResult&& result) mutable {
          auto results = context.getResults();
          auto chunk = results.initChunk();
          chunk.setOffset(offset);
          chunk.setData(result.data);
          chunk.setCrc32c(result.crc32c);
          results.setSize(result.size);
          file::writeVersion(results.initVersion(), result.version);
        });
  });
}

kj::Promise<void> FileViewServer::digest(DigestContext context) {
  return support::answer(context, "files.digest", [this, context]() mutable {
    auto params = context.getParams();
    return look(
               [path = file::absolutePath(params.getPath()),
                kind = file::readDigestKind(params.getKind())] { return file::digest(path, kind); })
        .then([context](file::DigestResult&& result) mutable {
          context.getResults().setSha256(kj::arrayPtr(result.sha256.data(), result.sha256.size()));
          context.getResults().setSize(result.size);
        });
  });
}

kj::Promise<void> FileViewServer::readLink(ReadLinkContext context) {
  return support::answer(context, "files.readLink", [this, context]() mutable {
    return look([path = file::absolutePath(context.getParams().getPath())] {
             return file::readLink(path);
           })
        .then([context](kj::String&& target) mutable {
          context.getResults().setTarget(file::asData(target));
        });
  });
}

kj::Promise<void> FileViewServer::attributes(AttributesContext context) {
  return support::answer(context, "files.attributes", [this, context]() mutable {
    return look([path = file::absolutePath(context.getParams().getPath())] {
             return file::attributesOf(path);
           })
        .then([context](kj::Array<file::Attribute>&& all) mutable {
          auto list = context.getResults().initAttributes(static_cast<unsigned>(all.size()));
          for (unsigned i = 0; i < list.size(); ++i) file::writeAttribute(list[i], all[i]);
        });
  });
}

kj::Promise<void> FileViewServer::space(SpaceContext context) {
  return support::answer(context, "files.space", [this, context]() mutable {
    return look([path = file::absolutePath(context.getParams().getPath())] {
             return file::space(path);
           })
        .then([context](file::Space&& space) mutable {
          auto results = context.getResults();
          results.setTotalBytes(space.totalBytes);
          results.setAvailableBytes(space.availableBytes);
          results.setTotalInodes(space.totalInodes);
          results.setAvailableInodes(space.availableInodes);
        });
  });
}

kj::Promise<void> FileViewServer::extents(ExtentsContext context) {
  return support::answer(context, "files.extents", [this, context]() mutable {
    auto params = context.getParams();
    return look([path = file::absolutePath(params.getPath()), offset = params.getOffset(),
                 extentsMax = params.getExtentsMax()] {
             return file::extents(path, offset, extentsMax);
           })
        .then([context](file::ExtentsResult&& result) mutable {
          auto results = context.getResults();
          auto list = results.initExtents(static_cast<unsigned>(result.extents.size()));
          for (unsigned i = 0; i < list.size(); ++i) {
            list[i].setOffset(result.extents[i].offset);
            list[i].setSize(result.extents[i].size);
          }
          results.setMore(result.more);
          results.setSize(result.size);
          file::writeVersion(results.initVersion(), result.version);
        });
  });
}

kj::Promise<void> FileViewServer::walk(WalkContext context) {
  return support::answer(context, "files.walk", [this, context]() mutable {
    auto params = context.getParams();
    kj::String after;
    if (params.getAfter().size() > 0) after = file::relativePath(params.getAfter());
    return look([root = file::absolutePath(params.getRoot()), after = kj::mv(after),
                 entriesMax = params.getEntriesMax(), inlineBytesMax = params.getInlineBytesMax()] {
             return file::walk({root, after, entriesMax, inlineBytesMax});
           })
        .then([context](file::WalkResult&& result) mutable {
          auto entries =
              context.getResults().initEntries(static_cast<unsigned>(result.entries.size()));
          for (unsigned i = 0; i < entries.size(); ++i)
            file::writeTreeEntry(entries[i], result.entries[i]);
          context.getResults().setMore(result.more);
        });
  });
}

kj::Promise<void> FileViewServer::attribute(AttributeContext context) {
  return support::answer(context, "files.attribute", [this, context]() mutable {
    auto params = context.getParams();
    return look([path = file::absolutePath(params.getPath()),
                 name = file::readAttributeName(params.getName())] {
             return file::attributeOf(path, name);
           })
        .then([context](kj::Maybe<kj::Array<kj::byte>>&& value) mutable {
          KJ_IF_MAYBE (bytes, value) {
            context.getResults().setFound(true);
            context.getResults().setValue(*bytes);
          }
        });
  });
}

kj::Promise<void> FileViewServer::treeDigest(TreeDigestContext context) {
  return support::answer(context, "files.treeDigest", [this, context]() mutable {
    auto what = context.getParams().getWhat();
    file::TreeDigestOptions options;
    options.content = !what.getWithoutContent();
    options.mode = !what.getWithoutMode();
    options.owner = !what.getWithoutOwner();
    options.attributes = !what.getWithoutAttributes();
    return look([root = file::absolutePath(context.getParams().getRoot()), options] {
             return file::treeDigest(root, options);
           })
        .then([context](file::TreeDigestResult&& result) mutable {
          auto results = context.getResults();
          results.setSha256(kj::arrayPtr(result.sha256.data(), result.sha256.size()));
          results.setEntries(result.entries);
          results.setBytes(result.bytes);
        });
  });
}

}  // namespace nodeagent::file
