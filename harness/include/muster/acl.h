// Says which access control list of a file is meant: File::acl and setAcl read and set them as
// text.
//
//   File shared = node.file("/srv/kvd");
//   shared.setAcl("u::rwx,u:alice:r-x,g::r-x,o::---");
//   EXPECT_EQ(shared.acl(), "u::rwx,u:alice:r-x,g::r-x,m::r-x,o::---");
//   shared.setAcl("u::rwx,u:alice:rwx,g::r-x,o::r-x", AclKind::kDefault);
//
// The text is the short one of getfacl(1) and setfacl(1): entries TYPE:NAME:RIGHTS between commas
// or newlines. TYPE is "u", "g", "m" (mask) or "o", or the whole word, such as "user". NAME is a
// name of the node's /etc/passwd or /etc/group, or a decimal id. Without a name it is the owner,
// the group of the file, the mask, or the others. RIGHTS are of "rwx", with "-" where one is
// lacking, or a digit from 0 to 7.
#pragma once

namespace muster {

enum class AclKind {
  // What the file itself allows. The permission bits of its mode are a part of it.
  kAccess,

  // What new files in the directory get.
  kDefault,
};

}  // namespace muster
