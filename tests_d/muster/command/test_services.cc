// `muster service`, `muster wait` and `muster http` on real nodes. What a command changes stays.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests_d/muster/command/command.h"

namespace command {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kScript[] =
    "printf '#!/bin/sh\\ncase $1 in\\nstart) touch /run/lamp ;;\\nstop) rm -f /run/lamp ;;\\n"
    "status) test -e /run/lamp || exit 3 ;;\\nesac\\n' > /etc/init.d/lamp; "
    "chmod 755 /etc/init.d/lamp";

class ServiceCommandTest : public OwnClusterTest {
 protected:
  void SetUp() override {
    OwnClusterTest::SetUp();
    if (IsSkipped()) return;
    ASSERT_THAT(muster({"up", file("  server[1-2]: {role: server}\n")}), exits(0));
    ASSERT_THAT(onCluster("exec", {"@*", "--", "sh", "-c", kScript}), exits(0));
  }

  Ended service(const std::string& action, std::vector<std::string> arguments) const {
    return onCluster("service " + action, std::move(arguments));
  }
};

TEST_F(ServiceCommandTest, ChangesStayAndAreShown) {
  EXPECT_THAT(service("start", {"server1", "lamp"}),
              AllOf(exits(0), prints("server1  lamp     running")));
  EXPECT_THAT(service("status", {"@*", "lamp"}),
              AllOf(exits(0), prints("server1  lamp     running"),
                    prints("server2  lamp     stopped"), prints("sysv")));
  EXPECT_THAT(service("status", {"server1", "lamp", "--json"}),
              AllOf(prints("\"state\": \"running\""), prints("\"manager\": \"sysv\""),
                    prints("\"errors\": []")));
  EXPECT_THAT(service("stop", {"server1", "lamp"}), AllOf(exits(0), prints("stopped")));
}

TEST_F(ServiceCommandTest, FailuresNameTheNodeAndTheReason) {
  EXPECT_THAT(service("start", {"@*", "none"}),
              AllOf(exits(69), complains("server1"), complains("server2"),
                    complains("no script of that name in /etc/init.d")));
  EXPECT_THAT(service("mask", {"server1", "lamp"}),
              AllOf(exits(69), complains("SysV init scripts have no such action")));
  EXPECT_THAT(service("wait", {"server1", "lamp", "--within", "300ms"}),
              AllOf(exits(69), complains("it does not run in time; it is stopped"),
                    complains("SysV init scripts keep no journal")));
  EXPECT_THAT(service("kill", {"server1", "lamp", "--signal", "NONE"}),
              AllOf(exits(64), complains("is no signal")));
}

TEST_F(ServiceCommandTest, WaitsEndOnEachNode) {
  EXPECT_THAT(onCluster("wait", {"@*", "file", "/etc/init.d/lamp"}),
              AllOf(exits(0), prints("server1: it is there"), prints("server2: it is there")));
  EXPECT_THAT(onCluster("exec", {"server1", "--", "touch", "/run/only-here"}), exits(0));
  EXPECT_THAT(onCluster("wait", {"@*", "file", "/run/only-here", "--within", "300ms"}),
              AllOf(exits(69), prints("server1: it is there"), Not(prints("server2")),
                    complains("server2"), complains("last look: No such file or directory")));
  EXPECT_THAT(onCluster("wait", {"server2", "file", "/run/only-here", "--gone", "--json"}),
              AllOf(exits(0), prints("\"seen\": \"No such file or directory\"")));
  EXPECT_THAT(onCluster("wait", {"server1", "door", "1"}),
              AllOf(exits(64), complains("nothing to wait for")));
}

TEST_F(ServiceCommandTest, HttpShowsWhatTheNodeGets) {
  EXPECT_THAT(onCluster("http", {"server1", "http://127.0.0.1:9/"}),
              AllOf(exits(69), complains("Connection refused")));
  EXPECT_THAT(onCluster("http", {"server1", "https://127.0.0.1/"}),
              AllOf(exits(69), complains("speaks no TLS")));
  constexpr char kServer[] =
      "use IO::Socket::INET; $s = IO::Socket::INET->new(LocalPort => 8080, Listen => 5) or die; "
      "while ($c = $s->accept) { while (<$c>) { last if /^\\r/ } "
      "print $c \"HTTP/1.1 404 No\\r\\n\\r\\nnothing here\"; close $c }";
  EXPECT_THAT(onCluster("exec", {"--detach", "server1", "--", "perl", "-e", kServer}), exits(0));
  EXPECT_THAT(onCluster("wait", {"server1", "port", "8080"}), exits(0));
  EXPECT_THAT(onCluster("http", {"server1", "http://localhost:8080/x"}),
              AllOf(exits(1), prints("nothing here"), complains("status 404")));
  EXPECT_THAT(onCluster("http", {"server1", "http://localhost:8080/x", "--json"}),
              AllOf(exits(1), prints("\"status\": 404"), prints("\"body\": \"nothing here\"")));
}

}  // namespace
}  // namespace command
