// Access control lists of a node's files as text, with names as the node knows them.
#pragma once

#include <string>

#include <muster/acl.h>
#include <muster/deadline.h>

namespace harness {
class ControllerNode;
}  // namespace harness

namespace harness::rpc {

// Return and set a list, as File::acl and setAcl say.
std::string aclOf(ControllerNode& node, const std::string& path, muster::AclKind kind,
                  muster::SteadyTime until);
void setAcl(ControllerNode& node, const std::string& path, const std::string& text,
            muster::AclKind kind, muster::SteadyTime until);

}  // namespace harness::rpc
