// Access control lists of POSIX as text, as people write them, and as the bytes of the attributes
// system.posix_acl_access and system.posix_acl_default. Who has which number is the caller's to
// know.
//
// The bytes are those of linux/posix_acl_xattr.h and linux/posix_acl.h: a version, then entries of
// tag, rights and id, all little endian, in the order in which the kernel wants them.
#pragma once

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>

namespace harness {

// The users and groups of a node.
struct AclNames {
  // Return the number of a name. Throw if there is none.
  std::function<uint32_t(const std::string& name)> user;
  std::function<uint32_t(const std::string& name)> group;

  // Return the name of a number. Empty: it has none.
  std::function<std::string(uint32_t id)> userName;
  std::function<std::string(uint32_t id)> groupName;
};

// A text or bytes that are no list. what() says where, and what would be right.
class AclError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Returns the bytes of a list. A mask that is needed and missing is what all but the owner and the
// others have together. Throws AclError for a text that is no list: the owner, the group and the
// others must each stand in it once.
std::string aclBytes(const std::string& text, const AclNames& names);

// Returns the text of a list, such as "u::rw-,u:alice:rw-,g::r--,m::rw-,o::r--". Throws AclError
// for other bytes.
std::string aclText(const std::string& bytes, const AclNames& names);

// Returns the text of the list that a mode stands for: "u::rw-,g::r--,o::r--" for 0644.
std::string aclOfMode(uint32_t mode);

}  // namespace harness
