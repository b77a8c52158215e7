#include "nodeagent/file/file_service.h"

#include "nodeagent/file/path.h"
#include "nodeagent/file/view_server.h"
#include "schema/support/base/log.h"

namespace nodeagent {
namespace {

// The threads are the service's own, because a file system that hangs (FUSE, NFS) keeps one for as
// long: jobs go on.
constexpr size_t kThreads = 8;

void recoverAll(const file::RestoreJournal& journal, kj::ArrayPtr<const kj::String> names) {
  for (auto& name : names) {
    KJ_IF_MAYBE (failure, journal.recover(name)) {
      support::log(support::Level::kWarn, "a killed keeper's change was not undone; going on",
                   {{"change", name}, {"reason", failure->text}});
    } else {
      support::log(support::Level::kInfo, "undid a change of a killed keeper", {{"change", name}});
    }
  }
}

// An observer sees what any user of the node may see.
file::ViewAs viewAsOf(wire::Role role) {
  return role >= wire::Role::OPERATOR ? file::ViewAs::kKeeper : file::ViewAs::kAnyUser;
}

}  // namespace

FileService::FileService(ServiceHost& host)
    : audit_(host.audit),
      worker_(host.platform.makeWorker(kThreads)),
      journal_(kj::atomicRefcounted<file::RestoreJournal>(
          host.stateDirectory.size() == 0 ? kj::String()
                                          : file::join(host.stateDirectory, "restores"))),
      // The names are read here, on the loop, before a session of this keeper can add to them.
      recovering_(worker_
                      ->run([journal = kj::atomicAddRef(*journal_), names = journal_->names()]() {
                        recoverAll(*journal, names);
                      })
                      .fork()) {}

FileService::~FileService() noexcept(false) = default;

kj::Array<AgentService::Offer> FileService::offers() {
  return kj::arr(offer<wire::Files>([this](Session& session) { return filesOf(session); }),
                 offer<wire::FileView>([this](Session& session) {
                   return kj::heap<file::FileViewServer>(*worker_, viewAsOf(session.role()));
                 }));
}

// Returns the session's capability, the same one for all of its connections.
wire::Files::Client FileService::filesOf(Session& session) {
  // Servers of ended sessions are destroyed here, because an entry of the undo list cannot destroy
  // itself.
  std::erase_if(files_, [](auto& entry) { return *entry.second.over; });
  auto found = files_.find(session.id());
  if (found == files_.end()) {
    auto made = file::makeFiles(session, *worker_, kj::atomicAddRef(*journal_), audit_);
    found = files_.emplace(session.id(), kj::mv(made)).first;
  }
  return found->second.client;
}

kj::Own<AgentService> makeFile(ServiceHost& host) {
  return kj::heap<FileService>(host);
}

}  // namespace nodeagent
