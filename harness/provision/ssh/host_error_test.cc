#include "harness/provision/ssh/host_error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Words that OpenSSH 9.2 has said, with the remedy for each.
TEST(HostErrorTest, WordsOfSshHaveTheirRemedies) {
  EXPECT_THAT(remedyFor("@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n"
                        "Host key verification failed.\n",
                        "n1"),
              HasSubstr("ssh-keygen -R n1"));
  EXPECT_THAT(remedyFor("Host key verification failed.\n", "n1"), HasSubstr("fingerprint"));
  EXPECT_THAT(remedyFor("root@n1: Permission denied (publickey).\n", "n1"), HasSubstr("ssh-add"));
  EXPECT_THAT(remedyFor("ssh: connect to host n1 port 22: Connection refused\n", "n1"),
              HasSubstr("sshd"));
  EXPECT_THAT(remedyFor("ssh: connect to host n1 port 22: Connection timed out\n", "n1"),
              HasSubstr("firewall"));
  EXPECT_THAT(remedyFor("sudo: a password is required\n", "n1"), HasSubstr("NOPASSWD"));
  EXPECT_THAT(remedyFor("something else\n", "n1"), IsEmpty());
}

TEST(HostErrorTest, LastLinesAreOneLineWithoutWhatSshProposes) {
  EXPECT_EQ(lastLines("one\r\ntwo\n  ssh-keygen -R x\nthree\nfour.\n"), "two | three | four");
  EXPECT_EQ(lastLines("a\x1b[31m\n"), "a\\x1b[31m");
  EXPECT_EQ(lastLines(""), "");
}

}  // namespace
}  // namespace harness
