// Serves the methods of the file service that write, and holds the uploads of one session. The
// methods that only read are in view_server.h.
#pragma once

#include <map>

#include "nodeagent/file/session_changes.h"
#include "nodeagent/file/upload.h"
#include "nodeagent/file/view_server.h"
#include "nodeagent/session/audit_log.h"
#include "nodeagent/session/session.h"

namespace nodeagent::file {

class FilesServer final : public wire::Files::Server, public FileViewServer {
 public:
  // Bounds the open uploads of one session.
  static constexpr size_t kUploadsOpenMax = 64;
  // Bounds the closed uploads whose answers are remembered.
  static constexpr size_t kUploadsClosedMax = 1024;

  FilesServer(Session& session, Worker& worker, kj::Own<const file::RestoreJournal> journal,
              AuditLog& audit);

  // Returns whether the session has ended and everything that belongs to it has been undone.
  bool over() const { return over_; }

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

  // Writes an audit line; call it before the change. `more` says what is done with `path`; contents
  // do not belong in it.
  void record(std::string_view operation, kj::StringPtr path, std::string more = "");

  // Runs `task`, which returns nothing, on a worker thread, unless the session is ending.
  template <typename Task>
  kj::Promise<void> change(Task task);

  // Answers a method that changes what is at the parameter `path`. `prepare` checks the other
  // parameters and returns what to record and to do; the change is recorded before it is made.
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
  bool over_ = false;
  kj::Own<Session::Entry> lastEntry_;
};

}  // namespace nodeagent::file
