// Knows which sessions use the node, and lets a rule decide whether another one may begin to. A
// session uses the node from its first call that changes something until its end, when its changes
// have been undone. It does not know why somebody may not (the service of reservations does).
#pragma once

#include <vector>

#include <kj/common.h>
#include <kj/memory.h>

#include "nodeagent/session/session.h"

namespace nodeagent {

class UseRule {
 public:
  // Throws the reason why the session, which is no scope, may not begin to use the node.
  virtual void requireMayUse(Session& session) = 0;

  // Is told that a session that used the node has ended.
  virtual void noteLeft() = 0;

 protected:
  ~UseRule() = default;
};

// Belongs to the keeper's thread.
class NodeUse final {
 public:
  NodeUse() = default;
  KJ_DISALLOW_COPY(NodeUse);

  // Sets the rule, which this borrows. Null: everybody may.
  void obey(UseRule* rule) { rule_ = rule; }

  // Makes the session one that uses the node, unless the rule throws.
  void enter(Session& session);

  void leave(Session& session);

  const std::vector<kj::Own<Session>>& users() const { return users_; }

 private:
  UseRule* rule_ = nullptr;
  std::vector<kj::Own<Session>> users_;
};

}  // namespace nodeagent
