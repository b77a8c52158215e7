#include "nodeagent/session/node_use.h"

namespace nodeagent {

void NodeUse::enter(Session& session) {
  if (rule_ != nullptr) rule_->requireMayUse(session);
  users_.push_back(session.addRef());
}

void NodeUse::leave(Session& session) {
  // The caller keeps the session.
  std::erase_if(users_, [&](auto& user) { return user.get() == &session; });
  if (rule_ != nullptr) rule_->noteLeft();
}

}  // namespace nodeagent
