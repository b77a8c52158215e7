// `muster forward` on a real node, from its line to its end.
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests_d/muster/command/command.h"

namespace command {
namespace {

using ::testing::AllOf;

class ForwardCommandTest : public OwnClusterTest {
 protected:
  void SetUp() override {
    OwnClusterTest::SetUp();
    if (IsSkipped()) return;
    ASSERT_THAT(muster({"up", file("  server1: {role: server}\n")}), exits(0));
  }

  // Runs lines of bash in which `muster` means this cluster, and `awaited COMMAND…` tries a command
  // until it works, at most 20 seconds long.
  Ended bash(const std::string& lines) const {
    std::string program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "muster";
    return runProgram(
        "/bin/bash",
        {"-c", "cd " + directory_ + "\nexport MUSTER_CLUSTER=" + cluster_ +
                   "\nawaited() { for i in $(seq 400); do \"$@\" && return; sleep 0.05; done; }\n" +
                   "muster=" + program + "\n" + lines});
  }
};

TEST_F(ForwardCommandTest, PortIsReachedUntilTheEnd) {
  Ended ended = bash(R"sh(
    $muster exec server1 -- timeout 60 python3 -m http.server 8080 -b 127.0.0.1 > /dev/null 2>&1 &
    awaited $muster exec server1 -- bash -c ': < /dev/tcp/127.0.0.1/8080' 2> /dev/null
    $muster forward server1 8080 --json > out & forward=$!
    awaited grep -q '^}' out
    port=$(sed -n 's/.*"listen": "127.0.0.1:\([0-9]*\)".*/\1/p' out)
    exec 3<> /dev/tcp/127.0.0.1/$port; printf 'GET / HTTP/1.0\r\n\r\n' >&3; head -1 <&3
    kill -TERM $forward; wait $forward; echo "ended with $?"
    (: < /dev/tcp/127.0.0.1/$port) || echo "nobody listens"; kill %1; wait)sh");
  EXPECT_THAT(ended, AllOf(prints("200 OK"), prints("ended with 143"), prints("nobody listens")));
}

TEST_F(ForwardCommandTest, FailureOfAConnectionIsTold) {
  Ended ended = bash(R"sh(
    $muster forward -R server1 1 --for 3s > out & awaited grep -q 'server1 127' out; cat out
    port=$(sed -n 's/server1 127.0.0.1:\([0-9]*\) .*/\1/p' out)
    $muster exec server1 -- bash -c "cat < /dev/tcp/127.0.0.1/$port"; wait)sh");
  EXPECT_THAT(ended, AllOf(exits(0), prints(" -> 127.0.0.1:1\n"),
                           complains("connect to tcp:127.0.0.1:1: Connection refused")));
}

TEST_F(ForwardCommandTest, WrongWordsAreRefused) {
  EXPECT_THAT(onCluster("forward", {"server1", "kvd.example.org:80"}),
              AllOf(exits(64), complains("expected PORT, HOST:PORT, [IPV6]:PORT or /PATH")));
  EXPECT_THAT(onCluster("forward", {"server1", "80:90:100:1"}), exits(64));
  EXPECT_THAT(onCluster("forward", {"nobody", "80"}), exits(65));
}

}  // namespace
}  // namespace command
