#include "harness/values/acl_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness {
namespace {

using testing::HasSubstr;

AclNames names() {
  AclNames names;
  names.user = [](const std::string& name) -> uint32_t {
    if (name == "alice") return 1000;
    throw AclError("no user " + name);
  };
  names.group = [](const std::string&) -> uint32_t { return 50; };
  names.userName = [](uint32_t id) { return std::string(id == 1000 ? "alice" : ""); };
  names.groupName = [](uint32_t id) { return std::string(id == 50 ? "staff" : ""); };
  return names;
}

std::string again(const std::string& text) {
  return aclText(aclBytes(text, names()), names());
}

std::string refused(const std::string& text) {
  try {
    aclBytes(text, names());
    return "nothing";
  } catch (const AclError& error) {
    return error.what();
  }
}

// The bytes are those that `setfacl -m u:1000:rw f; getfattr -e hex -n system.posix_acl_access f`
// shows of a file of mode 0644.
TEST(AclTextTest, BytesAreThoseOfTheKernel) {
  const std::string expected(
      "\x02\0\0\0"
      "\x01\0\x06\0\xff\xff\xff\xff\x02\0\x06\0\xe8\x03\0\0\x04\0\x04\0\xff\xff\xff\xff"
      "\x10\0\x06\0\xff\xff\xff\xff\x20\0\x04\0\xff\xff\xff\xff",
      44);
  EXPECT_EQ(aclBytes("u::rw-,u:alice:rw-,g::r--,m::rw-,o::r--", names()), expected);
  EXPECT_EQ(aclBytes("other:4\n mask:6\nuser:1000:rw,group::r ,user::6,", names()), expected);
  EXPECT_EQ(aclText(expected, names()), "u::rw-,u:alice:rw-,g::r--,m::rw-,o::r--");
}

TEST(AclTextTest, MissingMaskIsWhatNamesAndGroupHaveTogether) {
  EXPECT_EQ(again("u::rwx,u:7:-w-,g::r--,g:staff:--x,o::---"),
            "u::rwx,u:7:-w-,g::r--,g:staff:--x,m::rwx,o::---");
  EXPECT_EQ(again("u::rwx,g::r--,o::---"), "u::rwx,g::r--,o::---");
  EXPECT_EQ(aclOfMode(04751), "u::rwx,g::r-x,o::--x");
}

TEST(AclTextTest, WrongTextsAreRefusedWithThePlace) {
  EXPECT_THAT(refused("u::rw-,g::r--"), HasSubstr("lacks an entry such as o::r--"));
  EXPECT_THAT(refused(""), HasSubstr("lacks an entry such as u::rw-"));
  EXPECT_THAT(refused("u::rw-,u:alice,g::r--,o::r--"), HasSubstr("\"u:alice\": is not TYPE:NAME"));
  EXPECT_THAT(refused("x::rw-"), HasSubstr("\"x\" is none of u, g, m and o"));
  EXPECT_THAT(refused("u::rwxr"), HasSubstr("\"rwxr\" are no rights"));
  EXPECT_THAT(refused("u::rr"), HasSubstr("are no rights"));
  EXPECT_THAT(refused("u::"), HasSubstr("are no rights"));
  EXPECT_THAT(refused("o:alice:r"), HasSubstr("have no name"));
  EXPECT_THAT(refused("u:bob:r"), HasSubstr("no user bob"));
  EXPECT_THAT(refused("u:4294967295:r"), HasSubstr("is no id"));
  EXPECT_THAT(refused("u:alice:r,u:1000:w"), HasSubstr("\"u:1000:w\": stands there twice"));
}

TEST(AclTextTest, OtherBytesAreNoList) {
  std::string bytes = aclBytes("u::rw-,g::r--,o::r--", names());
  EXPECT_THROW(aclText("", names()), AclError);
  EXPECT_THROW(aclText(bytes.substr(1), names()), AclError);
  EXPECT_THROW(aclText(bytes.substr(0, bytes.size() - 1), names()), AclError);
  bytes[4] = 3;
  EXPECT_THROW(aclText(bytes, names()), AclError);
}

}  // namespace
}  // namespace harness
