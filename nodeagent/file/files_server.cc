#include "nodeagent/file/files_server.h"

#include <map>
#include <utility>

#include <kj/debug.h>

#include "nodeagent/file/change.h"
#include "nodeagent/file/file_wire.h"
#include "nodeagent/file/in_place.h"
#include "nodeagent/file/path.h"
#include "nodeagent/file/session_changes.h"
#include "nodeagent/file/upload.h"
#include "nodeagent/file/view.h"
#include "nodeagent/file/view_server.h"
#include "nodeagent/file/write_tree.h"

namespace nodeagent::file {
namespace {

using Kind = wire::Error::Kind;

Parents parentsOf(const WriteOptions& options) {
  return options.parents ? Parents::kMade : Parents::kMustExist;
}

class FilesServer final : public wire::Files::Server, public FileViewServer {
 public:
  // Bounds the open uploads of one session.
  static constexpr size_t kUploadsOpenMax = 64;
  // Bounds the closed uploads whose answers are remembered.
  static constexpr size_t kUploadsClosedMax = 1024;

  FilesServer(Session& session, Worker& worker, kj::Own<const file::RestoreJournal> journal,
              AuditLog& audit);

  // Becomes true once the session has ended and everything that belongs to it has been undone.
  std::shared_ptr<const bool> over() const { return over_; }

  kj::Promise<void> write(WriteContext context) override;
  kj::Promise<void> append(AppendContext context) override;
  kj::Promise<void> beginUpload(BeginUploadContext context) override;
  kj::Promise<void> writeUpload(WriteUploadContext context) override;
  kj::Promise<void> finishUpload(FinishUploadContext context) override;
  kj::Promise<void> abandonUpload(AbandonUploadContext context) override;
  kj::Promise<void> makeDirectory(MakeDirectoryContext context) override;
  kj::Promise<void> remove(RemoveContext context) override;
  kj::Promise<void> rename(RenameContext context) override;
  kj::Promise<void> setMode(SetModeContext context) override;
  kj::Promise<void> setOwner(SetOwnerContext context) override;
  kj::Promise<void> link(LinkContext context) override;
  kj::Promise<void> setAttribute(SetAttributeContext context) override;
  kj::Promise<void> removeAttribute(RemoveAttributeContext context) override;
  kj::Promise<void> setTimes(SetTimesContext context) override;
  kj::Promise<void> writeTree(WriteTreeContext context) override;

 private:
  struct OpenUpload {
    kj::Own<const file::Upload> upload;
    // Null once the upload is closed.
    kj::Own<Session::Entry> entry;
    // Settles with the newest chunk. Chunks are written one after the other.
    kj::ForkedPromise<void> writing;
  };

  // Composes an audit line. `more` says what is done with `path`; contents do not belong in it.
  AuditLog::Line line(std::string_view operation, kj::StringPtr path, std::string more = "");

  // Answers a method that changes what is at the parameter `path`. `prepare` checks the other
  // parameters and returns a pair: what the audit log says besides the path, and what is then
  // called with the path on a worker thread.
  template <typename Context, typename Prepare>
  kj::Promise<void> changeAt(Context context, const char* operation, Prepare prepare);

  // Replaces the file at `path` by `task`, which returns its status. If `lifetime` is the
  // session's, the session's end takes the change back.
  template <typename Task>
  kj::Promise<file::FileStat> replace(kj::StringPtr path, file::Lifetime lifetime,
                                      file::Parents parents, Task task);

  OpenUpload& findOpen(capnp::Data::Reader uploadId);
  OpenUpload& newUpload(support::Id id, kj::String path, uint64_t size, file::WriteOptions options);

  // Closes a finished or discarded upload: its answer is remembered, and the session's end has
  // nothing to do for it.
  void close(const support::Id& id);

  kj::Own<Session> session_;
  AuditLog& audit_;
  kj::Own<const file::RestoreJournal> journal_;
  std::map<support::Id, OpenUpload> uploads_;
  // Ids in the order in which they were closed.
  kj::Vector<support::Id> closed_;
  SessionChanges changes_;
  std::shared_ptr<bool> over_ = std::make_shared<bool>(false);
  kj::Own<Session::Entry> lastEntry_;
};

FilesServer::FilesServer(Session& session, Worker& worker,
                         kj::Own<const file::RestoreJournal> journal, AuditLog& audit)
    : FileViewServer(worker, ViewAs::kKeeper),
      session_(session.addRef()),
      audit_(audit),
      journal_(kj::mv(journal)),
      changes_(session.addRef(), worker, kj::atomicAddRef(*journal_)),
      // This is the oldest entry of the service in the undo list, so the last to be called: when it
      // is, everything else has been undone.
      lastEntry_(session.addUndo(EndPhase::kTidy, kj::str("files"),
                                 [this]() -> kj::Promise<kj::Maybe<support::Failure>> {
                                   *over_ = true;
                                   return kj::Maybe<support::Failure>();
                                 })) {}

AuditLog::Line FilesServer::line(std::string_view operation, kj::StringPtr path, std::string more) {
  session_->requireOpen();
  if (more.empty()) return audit_.line(*session_, operation, {{"path", path}});
  return audit_.line(*session_, operation, {{"path", path}, {"how", std::move(more)}});
}

template <typename Task>
kj::Promise<file::FileStat> FilesServer::replace(kj::StringPtr path, Lifetime lifetime,
                                                 Parents parents, Task task) {
  session_->requireOpen();
  // A file that the session has changed before goes back to its first state, so a second note would
  // be one too many.
  if (lifetime == Lifetime::kPermanent || changes_.knows(path))
    return changes_.settle(worker().run(kj::mv(task)));
  auto prepare = [path = kj::str(path), parents]() {
    return prepareRestore(path, Restore::Expected::kFile, parents);
  };
  return changes_.run(kj::str("file ", file::quoted(path)), kj::mv(prepare), kj::mv(task))
      .then([this, path = kj::str(path)](file::FileStat&& stat) {
        changes_.know(path);
        return kj::mv(stat);
      });
}

kj::Promise<void> FilesServer::write(WriteContext context) {
  return support::answer(context, "files.write", [this, context]() mutable {
    session_->requireOpen();
    auto params = context.getParams();
    auto path = file::absolutePath(params.getPath());
    auto options = file::readWriteOptions(params.getOptions());
    options.notes = kj::atomicAddRef(*journal_);
    auto data = params.getData();
    if (data.size() > file::kChunkBytesMax) {
      support::fail(Kind::INVALID, "write ", file::quoted(path), ": ", data.size(),
                    " bytes, at most ", file::kChunkBytesMax, "; more goes by upload");
    }
    auto line = this->line("files.write", path, std::to_string(data.size()) + " bytes");
    Lifetime lifetime = options.lifetime;
    Parents parents = parentsOf(options);
    auto task = [path = kj::str(path), bytes = kj::heapArray<kj::byte>(data),
                 options = kj::mv(options)]() { return file::writeContent(path, bytes, options); };
    return replace(path, lifetime, parents, audited(kj::mv(line), kj::mv(task)))
        .then([context](file::FileStat&& stat) mutable {
          file::writeStat(context.getResults().initStat(), stat);
        });
  });
}

kj::Promise<void> FilesServer::append(AppendContext context) {
  return support::answer(context, "files.append", [this, context]() mutable {
    session_->requireOpen();
    auto chunk = context.getParams().getChunk();
    auto path = file::absolutePath(context.getParams().getPath());
    auto line = this->line("files.append", path, std::to_string(chunk.getData().size()) + " bytes");
    auto task = [path = kj::mv(path), offset = chunk.getOffset(),
                 data = file::readChunkData(chunk)]() { return file::append(path, offset, data); };
    return worker().run(audited(kj::mv(line), kj::mv(task))).then([context](uint64_t size) mutable {
      context.getResults().setSize(size);
    });
  });
}

FilesServer::OpenUpload& FilesServer::findOpen(capnp::Data::Reader uploadId) {
  support::Id id = file::readUploadId(uploadId);
  auto found = uploads_.find(id);
  if (found == uploads_.end()) {
    support::fail(Kind::NOT_FOUND, "upload ", id.text().c_str(), ": not known in this session");
  }
  return found->second;
}

FilesServer::OpenUpload& FilesServer::newUpload(support::Id id, kj::String path, uint64_t size,
                                                file::WriteOptions options) {
  if (uploads_.size() - closed_.size() >= kUploadsOpenMax) {
    support::fail(Kind::OVERLOADED, "uploads: ", kUploadsOpenMax,
                  " are open in this session, which is the limit");
  }
  auto what = kj::str("upload of ", file::quoted(path));
  auto upload = kj::atomicRefcounted<file::Upload>(id, kj::mv(path), size, kj::mv(options),
                                                   kj::atomicAddRef(*journal_),
                                                   journal_->newName(session_->id()));
  // At the session's end a chunk may still be on its way to a thread. Discarding waits for it.
  auto end = [this, upload = kj::atomicAddRef(
                        *upload)]() mutable -> kj::Promise<kj::Maybe<support::Failure>> {
    return changes_.idle().then([this, upload = kj::mv(upload)]() mutable {
      return worker().run([upload = kj::mv(upload)]() -> kj::Maybe<support::Failure> {
        upload->discard();
        return nullptr;
      });
    });
  };
  auto entry = session_->addUndo(EndPhase::kUndo, kj::mv(what), kj::mv(end));
  OpenUpload made{kj::mv(upload), kj::mv(entry), kj::Promise<void>(kj::READY_NOW).fork()};
  return uploads_.emplace(id, kj::mv(made)).first->second;
}

void FilesServer::close(const support::Id& id) {
  auto found = uploads_.find(id);
  if (found == uploads_.end() || found->second.entry.get() == nullptr) return;
  found->second.entry = nullptr;
  closed_.add(id);
  // The answers of closed uploads are kept for callers that ask again, but not for ever.
  if (closed_.size() <= kUploadsClosedMax) return;
  uploads_.erase(closed_[0]);
  kj::Vector<support::Id> rest;
  rest.addAll(closed_.begin() + 1, closed_.end());
  closed_ = kj::mv(rest);
}

kj::Promise<void> FilesServer::beginUpload(BeginUploadContext context) {
  return support::answer(context, "files.beginUpload", [this, context]() mutable {
    session_->requireOpen();
    auto params = context.getParams();
    support::Id id = file::readUploadId(params.getUploadId());
    auto path = file::absolutePath(params.getPath());
    auto options = file::readWriteOptions(params.getOptions());
    auto found = uploads_.find(id);
    if (found != uploads_.end() && (found->second.upload->path() != path ||
                                    found->second.upload->size() != params.getSize())) {
      support::fail(Kind::CONFLICT, "upload ", id.text().c_str(), ": is already one of ",
                    found->second.upload->size(), " bytes to ",
                    file::quoted(found->second.upload->path()));
    }
    bool isNew = found == uploads_.end();
    AuditLog::Line line = []() {};
    if (isNew) line = this->line("files.upload", path, std::to_string(params.getSize()) + " bytes");
    bool parentsForSession = isNew && options.parents && options.lifetime == Lifetime::kSession;
    auto& open =
        isNew ? newUpload(id, kj::str(path), params.getSize(), kj::mv(options)) : found->second;
    auto begin = [upload = kj::atomicAddRef(*open.upload)]() { return upload->begin(); };
    auto task = audited(kj::mv(line), kj::mv(begin));
    // Only the parents are noted here. The file itself is noted when the upload is finished,
    // because until then it has not changed.
    auto begun =
        parentsForSession
            ? changes_.run(
                  kj::str("directories of ", file::quoted(path)),
                  [path = kj::str(path)]() { return prepareParentRestore(path); }, kj::mv(task))
            : changes_.settle(worker().run(kj::mv(task)));
    return begun
        .then([context](uint64_t receivedTo) mutable {
          context.getResults().setReceivedTo(receivedTo);
        })
        .catch_([this, id, isNew](kj::Exception&& exception) {
          // An upload that could not begin is unknown again, so that the caller may try it once
          // more under the same id.
          if (isNew) uploads_.erase(id);
          kj::throwFatalException(kj::mv(exception));
        });
  });
}

kj::Promise<void> FilesServer::writeUpload(WriteUploadContext context) {
  return support::answer(context, "files.writeUpload", [this, context]() mutable {
    session_->requireOpen();
    auto chunk = context.getParams().getChunk();
    OpenUpload& open = findOpen(context.getParams().getUploadId());
    auto task = [upload = kj::atomicAddRef(*open.upload), offset = chunk.getOffset(),
                 holeBefore = context.getParams().getHoleBefore(),
                 data = file::readChunkData(chunk)]() {
      return upload->write(offset, data, holeBefore);
    };
    // The next chunk may be here already, but the worker has several threads. Chunks therefore go
    // one after the other; a failed one does not keep the next from its own answer.
    auto written =
        open.writing.addBranch()
            .then([this, task = kj::mv(task)]() mutable { return worker().run(kj::mv(task)); })
            .fork();
    open.writing = written.addBranch().ignoreResult().catch_([](kj::Exception&&) {}).fork();
    return written.addBranch().then(
        [context](uint64_t receivedTo) mutable { context.getResults().setReceivedTo(receivedTo); });
  });
}

kj::Promise<void> FilesServer::finishUpload(FinishUploadContext context) {
  return support::answer(context, "files.finishUpload", [this, context]() mutable {
    session_->requireOpen();
    support::Id id = file::readUploadId(context.getParams().getUploadId());
    auto upload = kj::atomicAddRef(*findOpen(context.getParams().getUploadId()).upload);
    // A finished upload is only asked for its answer again: a second note would take the new file
    // for the old one.
    Lifetime lifetime = upload->finished() ? Lifetime::kPermanent : upload->options().lifetime;
    auto task = [upload = kj::atomicAddRef(*upload),
                 sha256 = kj::heapArray<kj::byte>(context.getParams().getSha256())]() {
      return upload->finish(sha256);
    };
    auto closeUnlessOpen = [this, id, upload = kj::atomicAddRef(*upload)]() {
      if (!upload->open()) close(id);
    };
    // Parents are not asked for: they were made, and noted, when the upload began. The upload is
    // closed afterwards if it is finished or discarded; after any other failure it stays open and
    // may be finished later.
    return replace(upload->path(), lifetime, Parents::kMustExist, kj::mv(task))
        .then([context](file::FileStat&& stat) mutable {
          file::writeStat(context.getResults().initStat(), stat);
        })
        .attach(kj::defer(kj::mv(closeUnlessOpen)));
  });
}

kj::Promise<void> FilesServer::abandonUpload(AbandonUploadContext context) {
  return support::answer(
      context, "files.abandonUpload", [this, context]() mutable -> kj::Promise<void> {
        support::Id id = file::readUploadId(context.getParams().getUploadId());
        auto found = uploads_.find(id);
        // An unknown upload was abandoned already, and a finished one has put its file in place,
        // which stays.
        if (found == uploads_.end() || found->second.entry.get() == nullptr) return kj::READY_NOW;
        return worker()
            .run([upload = kj::atomicAddRef(*found->second.upload)]() { upload->discard(); })
            .then([this, id]() { uploads_.erase(id); });
      });
}

kj::Promise<void> FilesServer::makeDirectory(MakeDirectoryContext context) {
  return support::answer(context, "files.makeDirectory", [this, context]() mutable {
    auto params = context.getParams();
    session_->requireOpen();
    Parents parents = params.getParents() ? Parents::kMade : Parents::kMustExist;
    auto path = file::absolutePath(params.getPath());
    file::requireMode(params.getMode());
    auto line = this->line("files.makeDirectory", path);
    auto task = audited(kj::mv(line), [path = kj::str(path), mode = params.getMode(), parents]() {
      file::MadeDirectory made = file::makeDirectory(path, mode, parents);
      made.parents.keep();
      return made.created;
    });
    auto done = [context](bool created) mutable { context.getResults().setCreated(created); };
    if (params.getLifetime() == wire::Lifetime::PERMANENT) {
      return changes_.settle(worker().run(kj::mv(task))).then(kj::mv(done));
    }
    auto what = kj::str("directory ", file::quoted(path));
    auto prepare = [path = kj::mv(path), parents]() {
      return prepareRestore(path, Restore::Expected::kDirectory, parents);
    };
    return changes_.run(kj::mv(what), kj::mv(prepare), kj::mv(task)).then(kj::mv(done));
  });
}

kj::Promise<void> FilesServer::remove(RemoveContext context) {
  return support::answer(context, "files.remove", [this, context]() mutable {
    session_->requireOpen();
    auto params = context.getParams();
    auto path = file::absolutePath(params.getPath());
    auto line = this->line("files.remove", path, params.getRecursive() ? "recursive" : "");
    auto what = params.getRecursive() ? RemoveWhat::kTree : RemoveWhat::kOneName;
    auto task = [path = kj::mv(path), what]() { return file::remove(path, what); };
    return worker().run(audited(kj::mv(line), kj::mv(task))).then([context](bool removed) mutable {
      context.getResults().setRemoved(removed);
    });
  });
}

kj::Promise<void> FilesServer::rename(RenameContext context) {
  return support::answer(context, "files.rename", [this, context]() mutable {
    session_->requireOpen();
    auto params = context.getParams();
    auto source = file::absolutePath(params.getSource());
    auto target = file::absolutePath(params.getTarget());
    auto line = this->line("files.rename", source, std::string("to ") + target.cStr());
    auto task = [source = kj::mv(source), target = kj::mv(target),
                 replace = file::readReplace(params.getReplace())]() {
      file::rename(source, target, replace);
    };
    return worker().run(audited(kj::mv(line), kj::mv(task)));
  });
}

template <typename Context, typename Prepare>
kj::Promise<void> FilesServer::changeAt(Context context, const char* operation, Prepare prepare) {
  return support::answer(context, operation, [this, context, operation, prepare]() mutable {
    session_->requireOpen();
    auto params = context.getParams();
    auto path = file::absolutePath(params.getPath());
    auto [how, task] = prepare(params);
    auto line = this->line(operation, path, std::move(how));
    return worker().run(audited(
        kj::mv(line), [path = kj::mv(path), task = kj::mv(task)]() mutable { return task(path); }));
  });
}

kj::Promise<void> FilesServer::setMode(SetModeContext context) {
  return changeAt(context, "files.setMode", [](auto params) {
    return std::pair(std::to_string(params.getMode()),
                     [mode = params.getMode()](kj::StringPtr path) { file::setMode(path, mode); });
  });
}

kj::Promise<void> FilesServer::setOwner(SetOwnerContext context) {
  return changeAt(context, "files.setOwner", [](auto params) {
    auto links = params.getLinks() == wire::SymlinkPolicy::FOLLOW ? file::SymlinkPolicy::kFollow
                                                                  : file::SymlinkPolicy::kKeep;
    return std::pair(std::string(params.getUser().cStr()) + ":" + params.getGroup().cStr(),
                     [user = kj::str(params.getUser()), group = kj::str(params.getGroup()),
                      links](kj::StringPtr path) { file::setOwner(path, user, group, links); });
  });
}

kj::Promise<void> FilesServer::link(LinkContext context) {
  return changeAt(context, "files.link", [this](auto params) {
    auto type = readLinkType(params.getType());
    auto target = type == file::LinkType::kHard ? file::absolutePath(params.getTarget())
                                                : file::readLinkTarget(params.getTarget());
    std::string how = std::string("to ") + target.cStr();
    return std::pair(std::move(how), [target = kj::mv(target), type,
                                      replace = file::readReplace(params.getReplace()),
                                      notes = kj::atomicAddRef(*journal_)](kj::StringPtr path) {
      file::link(path, target, type, replace, *notes);
    });
  });
}

kj::Promise<void> FilesServer::setAttribute(SetAttributeContext context) {
  return changeAt(context, "files.setAttribute", [](auto params) {
    return std::pair(std::string(),
                     [attribute = file::readAttribute(params.getAttribute())](kj::StringPtr path) {
                       file::setAttribute(path, attribute);
                     });
  });
}

kj::Promise<void> FilesServer::removeAttribute(RemoveAttributeContext context) {
  return changeAt(context, "files.removeAttribute", [](auto params) {
    return std::pair(std::string(), [name = file::readAttributeName(params.getName())](
                                        kj::StringPtr path) { file::removeAttribute(path, name); });
  });
}

kj::Promise<void> FilesServer::setTimes(SetTimesContext context) {
  return changeAt(context, "files.setTimes", [](auto params) {
    return std::pair(std::string(),
                     [accessedNs = params.getAccessedNs(), modifiedNs = params.getModifiedNs()](
                         kj::StringPtr path) { file::setTimes(path, accessedNs, modifiedNs); });
  });
}

kj::Promise<void> FilesServer::writeTree(WriteTreeContext context) {
  return support::answer(
      context, "files.writeTree", [this, context]() mutable -> kj::Promise<void> {
        // Two steps share it, on threads of the worker, but never at the same time.
        struct Tree : public kj::AtomicRefcounted {
          kj::String root;
          kj::Array<file::TreeEntry> entries;
          file::WriteOptions options;
        };
        auto params = context.getParams();
        session_->requireOpen();
        auto tree = kj::atomicRefcounted<Tree>();
        tree->root = file::absolutePath(params.getRoot());
        tree->entries = file::readTreeEntries(params.getEntries());
        tree->options = file::readWriteOptions(params.getOptions());
        tree->options.notes = kj::atomicAddRef(*journal_);
        auto line = this->line("files.writeTree", tree->root,
                               kj::str(tree->entries.size(), " entries").cStr());
        auto task = audited(kj::mv(line), [tree = kj::atomicAddRef(*tree)]() {
          return file::writeTree(tree->root, tree->entries, tree->options);
        });
        auto done = [context](kj::Vector<file::LeftOut>&& all) mutable {
          file::writeLeftOut(context.getResults().initLeftOut(static_cast<unsigned>(all.size())),
                             all);
        };
        if (tree->options.lifetime == Lifetime::kPermanent)
          return changes_.settle(worker().run(kj::mv(task))).then(kj::mv(done));
        auto what = kj::str("tree ", file::quoted(tree->root));
        auto prepare = [tree = kj::mv(tree)]() {
          return file::prepareRestores(tree->root, tree->entries, tree->options);
        };
        return changes_.run(kj::mv(what), kj::mv(prepare), kj::mv(task)).then(kj::mv(done));
      });
}

}  // namespace

SessionFiles makeFiles(Session& session, Worker& worker, kj::Own<const RestoreJournal> journal,
                       AuditLog& audit) {
  auto server = kj::heap<FilesServer>(session, worker, kj::mv(journal), audit);
  auto over = server->over();
  return {kj::mv(server), std::move(over)};
}

}  // namespace nodeagent::file
