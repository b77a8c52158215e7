// Nodes that are reserved for a person.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests_d/muster/reservations/component.h"
#include "tests_d/muster/support/wait.h"

namespace reservations {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class PeopleTest : public ReservationsTest {};

TEST_F(PeopleTest, OthersMayReadButNotChange) {
  ASSERT_EQ(muster("alice", "reserve server1 --for 2h --reason 'look at bug 12'").status, 0);
  Ended refused = muster("bob", "exec server1 -- touch /tmp/bob");
  EXPECT_EQ(refused.status, 69);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("reserved by alice@test (uid:0) since "),
                                 HasSubstr("look at bug 12"), HasSubstr("muster why")));
  EXPECT_THAT(muster("bob", "cp /etc/hostname server1:/tmp/bob").err,
              HasSubstr("reserved by alice@test"));
  EXPECT_EQ(muster("bob", "facts server1").status, 0);
  EXPECT_EQ(muster("bob", "ps server1").status, 0);
  EXPECT_EQ(muster("bob", "cp server1:/etc/hostname " + directory_ + "/copy").status, 0);
  EXPECT_EQ(muster("bob", "exec server2 -- true").status, 0) << "another node";
  EXPECT_EQ(muster("alice", "exec server1 -- test ! -e /tmp/bob").status, 0);
  EXPECT_EQ(muster("alice", "unreserve server1").status, 0);
  EXPECT_EQ(muster("bob", "exec server1 -- true").status, 0);
}

TEST_F(PeopleTest, CommandsSayWhoHasWhat) {
  ASSERT_EQ(muster("alice", "reserve server2,server1 --for 2h --reason 'bug 12'").status, 0);
  EXPECT_THAT(muster("bob", "reservations").out,
              AllOf(HasSubstr("server1  held  alice@test  uid:0"), HasSubstr("server2  held"),
                    HasSubstr("1h59m"), HasSubstr("bug 12")));
  EXPECT_THAT(muster("bob", "reservations server1 --json").out,
              AllOf(HasSubstr("\"standing\": true"), HasSubstr("\"ours\": false"),
                    Not(HasSubstr("server2"))));
  EXPECT_THAT(muster("bob", "why server1").out,
              AllOf(HasSubstr("server1 is reserved by alice@test (uid:0) since "),
                    HasSubstr("calls of others that change the node are refused")));
  EXPECT_THAT(muster("alice", "why server1").out, HasSubstr("muster unreserve server1"));
  EXPECT_EQ(muster("alice", "unreserve @*").status, 0);
  EXPECT_THAT(muster("bob", "why server1 --json").out, HasSubstr("was given back"));
}

TEST_F(PeopleTest, OnlyAnAdminTakesItAway) {
  ASSERT_EQ(muster("alice", "reserve server1").status, 0);
  Ended refused = muster("root", "unreserve server1");
  EXPECT_EQ(refused.status, 69);
  EXPECT_THAT(refused.err, HasSubstr("an admin may revoke it"));
  EXPECT_EQ(muster("root", "unreserve server1 --revoke --reason 'the rack moves'").status, 0);
  EXPECT_THAT(muster("alice", "why server1").out,
              HasSubstr("of alice@test was revoked by root@test: the rack moves"));
}

TEST_F(PeopleTest, ItOutlivesTheAgentsProcesses) {
  ASSERT_EQ(muster("alice", "reserve server1").status, 0);
  for (const char* role : {"role=front$", "role=all$"}) {
    muster("alice", std::string("exec server1 -- pkill -9 -f '") + role + "'");
    ASSERT_TRUE(becomesSo("server1 is reserved by alice@test")) << role;
    EXPECT_EQ(muster("bob", "exec server1 -- true").status, 69) << role;
    EXPECT_EQ(muster("alice", "exec server1 -- true").status, 0) << role;
  }
  EXPECT_EQ(muster("alice", "unreserve server1").status, 0);
}

}  // namespace
}  // namespace reservations
