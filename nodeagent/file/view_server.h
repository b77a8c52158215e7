// Serves the methods of the file service that only read; files_server.h adds those that write.
#pragma once

#include "nodeagent/os/worker.h"
#include "schema/file.capnp.h"

namespace nodeagent::file {

enum class ViewAs {
  // Sees everything, as the keeper does.
  kKeeper,
  // Sees as much as any user of the node ("nobody"), where the keeper is root. For observers.
  kAnyUser
};

class FileViewServer : public virtual wire::FileView::Server {
 public:
  FileViewServer(Worker& worker, ViewAs viewAs) : worker_(worker), viewAs_(viewAs) {}

  kj::Promise<void> stat(StatContext context) override;
  kj::Promise<void> list(ListContext context) override;
  kj::Promise<void> read(ReadContext context) override;
  kj::Promise<void> digest(DigestContext context) override;
  kj::Promise<void> readLink(ReadLinkContext context) override;
  kj::Promise<void> attributes(AttributesContext context) override;
  kj::Promise<void> space(SpaceContext context) override;
  kj::Promise<void> extents(ExtentsContext context) override;
  kj::Promise<void> walk(WalkContext context) override;
  kj::Promise<void> attribute(AttributeContext context) override;
  kj::Promise<void> treeDigest(TreeDigestContext context) override;

 protected:
  Worker& worker() { return worker_; }

 private:
  // Runs `task` on a worker thread, as the user that this view sees with.
  template <typename Task>
  auto look(Task task) -> kj::Promise<decltype(task())>;

  Worker& worker_;
  ViewAs viewAs_;
};

}  // namespace nodeagent::file
