// Access control lists as text: what setfacl writes is read, and what is written getfacl shows.
#include <muster/muster.h>

namespace {

using namespace muster;
using testing::HasSubstr;

class AclTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 1}}}; }

 protected:
  void SetUp() override {
    node().file("/srv/acl").makeDirectory();
    file().write("x", {.mode = 0640});
    change(node(), NodeUser{.name = "alice"});
    change(node(), NodeGroup{.name = "crew"});
    if (!node().run({"which", "setfacl"}).succeeded()) GTEST_SKIP() << "the node has no setfacl";
    Result probe = node().run({"setfacl", "-m", "u:1:r", "/srv/acl"});
    if (!probe.succeeded()) GTEST_SKIP() << "its file system has no ACLs: " << probe.err;
    node().output({"setfacl", "-b", "/srv/acl"});
  }
  void TearDown() override { node().file("/srv/acl").removeTree(); }

  static Node& node() { return servers()[0]; }
  static File directory() { return node().file("/srv/acl"); }
  static File file() { return node().file("/srv/acl/file"); }

  // Returns what getfacl shows, with a comma for each newline.
  static std::string shown(const std::string& path, const std::string& option = "-a") {
    return node()
        .shell("getfacl -cp " + option + " " + path + " | grep -v '^$' | tr '\\n' ','")
        .out;
  }
};

TEST_F(AclTest, WhatSetfaclWritesIsRead) {
  EXPECT_EQ(file().acl(), "u::rw-,g::r--,o::---");
  node().output({"setfacl", "-m", "u:alice:rwx,u:4711:r,g:crew:rx,m::rx", "/srv/acl/file"});
  EXPECT_EQ(file().acl(), "u::rw-,u:alice:rwx,u:4711:r--,g::r--,g:crew:r-x,m::r-x,o::---");
  EXPECT_EQ(directory().acl(AclKind::kDefault), "");
  node().output({"setfacl", "-d", "-m", "g:crew:rwx", "/srv/acl"});
  EXPECT_EQ(directory().acl(AclKind::kDefault), "u::rwx,g::r-x,g:crew:rwx,m::rwx,o::r-x");
}

TEST_F(AclTest, WhatIsWrittenGetfaclShows) {
  file().setAcl("u::rw-,u:alice:rwx,u:4711:r,g::r,g:crew:5,o::-");
  EXPECT_EQ(
      shown("/srv/acl/file"),
      "user::rw-,user:alice:rwx,user:4711:r--,group::r--,group:crew:r-x,mask::rwx,other::---,");
  EXPECT_EQ(file().stat()->mode, 0670u) << "the group's bits are the mask";
  directory().setAcl("user::rwx\ngroup::r-x\ngroup:crew:rwx\nmask::r-x\nother::---\n",
                     AclKind::kDefault);
  EXPECT_EQ(shown("/srv/acl", "-d"),
            "user::rwx,group::r-x,group:crew:rwx\t#effective:r-x,mask::r-x,other::---,");
  node().file("/srv/acl/new").write("");
  EXPECT_THAT(shown("/srv/acl/new"), HasSubstr("group:crew:rwx"));
  directory().setAcl("", AclKind::kDefault);
  EXPECT_EQ(shown("/srv/acl", "-d"), "");
  file().setAcl("u::rwx,g::r,o::r");
  EXPECT_EQ(file().acl(), "u::rwx,g::r--,o::r--");
  EXPECT_EQ(file().attribute("system.posix_acl_access"), std::nullopt);
}

TEST_F(AclTest, WrongListsTouchNothing) {
  constexpr auto kInvalid = NodeError::Kind::kInvalid;
  const std::string before = shown("/srv/acl/file");
  EXPECT_THAT([&] { file().setAcl("u::rw,u:nobodyhere:r,g::r,o::r"); },
              FailsWith(kInvalid, HasSubstr("has no name \"nobodyhere\"")));
  EXPECT_THAT([&] { file().setAcl("u::rw,g::r"); }, FailsWith(kInvalid, HasSubstr("o::r--")));
  EXPECT_THAT([&] { file().setAcl(""); }, FailsWith(kInvalid, HasSubstr("lacks an entry")));
  EXPECT_EQ(shown("/srv/acl/file"), before);
  EXPECT_THAT([&] { node().file("/srv/acl/none").acl(); }, FailsWith(NodeError::Kind::kNotFound));
  EXPECT_THAT([&] { node().file("/srv/acl/none").setAcl("u::r,g::r,o::r"); },
              FailsWith(NodeError::Kind::kNotFound));
  EXPECT_EQ(servers().file("/srv/acl/file").acl()["server1"], "u::rw-,g::r--,o::---");
}

}  // namespace
