// Takes the calls of schema/change.capnp for one session, and answers them from the table.
#pragma once

#include "nodeagent/change/change_table.h"
#include "schema/change.capnp.h"

namespace nodeagent::change {

class ChangeViewServer : public virtual wire::ChangeView::Server {
 public:
  // `table` outlives it.
  explicit ChangeViewServer(ChangeTable& table) : table_(table) {}

  kj::Promise<void> list(ListContext context) override;

 protected:
  ChangeTable& table_;
};

class ChangesServer final : public wire::Changes::Server, public ChangeViewServer {
 public:
  ChangesServer(ChangeTable& table, kj::Own<Session> session)
      : ChangeViewServer(table), session_(kj::mv(session)) {}

  kj::Promise<void> make(MakeContext context) override;
  kj::Promise<void> undo(UndoContext context) override;

 private:
  kj::Own<Session> session_;
};

}  // namespace nodeagent::change
