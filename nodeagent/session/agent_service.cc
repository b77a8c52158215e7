#include "nodeagent/session/agent_service.h"

#include <kj/debug.h>

namespace nodeagent {

wire::Role leastRoleOf(capnp::InterfaceSchema interface) {
  auto least = wire::Role::UNSPECIFIED;
  for (auto annotation : interface.getProto().getAnnotations()) {
    if (annotation.getId() != wire::LEAST_ANNOTATION) continue;
    least = static_cast<wire::Role>(annotation.getValue().getEnum());
  }
  KJ_REQUIRE(least != wire::Role::UNSPECIFIED && least <= wire::Role::ADMIN,
             "the interface has no annotation $Common.least", interface.getShortDisplayName());
  // The holder of an interface may call the methods of those that it extends.
  for (auto base : interface.getSuperclasses()) {
    KJ_REQUIRE(leastRoleOf(base) <= least, "the interface is granted to less than its base",
               interface.getShortDisplayName(), base.getShortDisplayName());
  }
  return least;
}

}  // namespace nodeagent
