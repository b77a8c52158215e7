// Names the service that a call is about: by its name, and by the user whose manager has it.
#pragma once

#include <kj/refcount.h>
#include <kj/string.h>

#include "nodeagent/os/users.h"
#include "nodeagent/service/manager.h"

namespace nodeagent::service {

// Immutable once it was made, so that tasks of several threads share it.
struct Target final : public kj::AtomicRefcounted {
  // Finds the manager, as findManager does.
  kj::Own<Manager> manager() const { return findManager(paths, user); }

  kj::String name;
  // As the caller wrote it. Empty: the service is the node's own.
  kj::String userName;
  kj::Maybe<User> user;
  InitPaths paths;
};

inline kj::Own<const Target> makeTarget(kj::String name, kj::String userName, kj::Maybe<User> user,
                                        const InitPaths& paths) {
  auto target = kj::atomicRefcounted<Target>();
  target->name = kj::mv(name);
  target->userName = kj::mv(userName);
  target->user = kj::mv(user);
  target->paths = paths;
  return target;
}

}  // namespace nodeagent::service
