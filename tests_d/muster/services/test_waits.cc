// The nodes themselves wait: for ports, sockets, files, web servers, processes and mounts.
#include <string>

#include <muster/muster.h>

namespace {

using namespace muster;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;

// A web server in Perl: status 503 until there is /run/ready, then 200.
constexpr char kServer[] =
    "use IO::Socket::INET; $s = IO::Socket::INET->new(LocalPort => 8080, Listen => 5, "
    "ReuseAddr => 1) or die; while ($c = $s->accept) { while (<$c>) { last if /^\\r/ } "
    "$ok = -e '/run/ready' ? '200 OK' : '503 Busy'; "
    "print $c \"HTTP/1.1 $ok\\r\\nX-Kind: test\\r\\nContent-Length: 5\\r\\n\\r\\nhello\"; "
    "close $c }";

class WaitsTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 2}}}; }
};

TEST_F(WaitsTest, PortIsSeenOpenAndClosed) {
  Node& node = servers()[0];
  Condition port = Condition::port(7000);
  EXPECT_THAT([&] { node.waitFor(port, 300ms); },
              FailsWith(NodeError::Kind::kTimeout,
                        AllOf(HasSubstr("wait until port 7000 of 127.0.0.1 is open"),
                              HasSubstr("last look: connect to 127.0.0.1 port 7000: Connection "
                                        "refused"))));
  Process listener = node.start({"perl", "-MIO::Socket::INET", "-e",
                                 "$s = IO::Socket::INET->new(LocalPort => 7000, Listen => 5) or "
                                 "die; 1 while $s->accept"});
  EXPECT_EQ(node.waitFor(port, 20s), "it accepts connections");
  EXPECT_THAT([&] { node.waitFor(port.absent(), 300ms); }, FailsWith(NodeError::Kind::kTimeout));
  EXPECT_EQ(servers()[1].waitFor(Condition::port(7000, node.address()), 20s),
            "it accepts connections");
  listener.kill();
  node.waitFor(port.absent(), 20s);
}

TEST_F(WaitsTest, AllNodesWaitAtOnceAndErrorsNameTheirNode) {
  Condition file = Condition::file("/run/waits-test");
  servers()[0].file("/run/waits-test").write("", {.undo = UndoAt::kTestEnd});
  auto begun = std::chrono::steady_clock::now();
  auto answers = servers().waitFor(file, 500ms);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 10s);
  EXPECT_EQ(answers[servers()[0].name()], "it is there");
  EXPECT_THAT([&] { answers.checked(); },
              FailsWith(NodeError::Kind::kTimeout,
                        AllOf(HasSubstr(servers()[1].name()),
                              HasSubstr("last look: No such file or directory"))));
}

TEST_F(WaitsTest, FileOfARunningCommandEndsTheWait) {
  Node& node = servers()[0];
  Process later = node.start({"sh", "-c", "sleep 1; touch /run/later; sleep 1000"});
  EXPECT_EQ(node.waitFor(Condition::file("/run/later"), 20s), "it is there");
  node.file("/run/later").remove();
  node.waitFor(Condition::file("/run/later").absent(), 20s);
}

TEST_F(WaitsTest, ProcessAndMountAreAwaited) {
  Node& node = servers()[0];
  Process sleeper = node.start({"sh", "-c", "exec sleep 4711"});
  EXPECT_THAT(node.waitFor(Condition::process("sleep"), 20s), HasSubstr("it runs with pid"));
  EXPECT_EQ(node.waitFor(Condition::mount("/proc"), 20s), "it is mounted");
  node.output({"mkdir", "-p", "/mnt/waits test"});
  EXPECT_THAT([&] { node.waitFor(Condition::mount("/mnt/waits test"), 200ms); },
              FailsWith(NodeError::Kind::kTimeout, HasSubstr("it is not mounted")));
  node.output({"mount", "-t", "tmpfs", "none", "/mnt/waits test"});
  EXPECT_EQ(node.waitFor(Condition::mount("/mnt/waits test"), 20s), "it is mounted");
  node.output({"umount", "/mnt/waits test"});
}

TEST_F(WaitsTest, WebServerIsAwaitedAndAsked) {
  Node& node = servers()[0];
  std::string url = "http://localhost:8080/health";
  Process server = node.start({"perl", "-e", kServer});
  node.waitFor(Condition::httpStatus(url, 503), 20s);
  EXPECT_THAT([&] { node.waitFor(Condition::httpStatus(url), 300ms); },
              FailsWith(NodeError::Kind::kTimeout, HasSubstr("last look: status 503")));
  node.file("/run/ready").write("", {.undo = UndoAt::kTestEnd});
  EXPECT_EQ(node.waitFor(Condition::httpStatus(url), 20s), "status 200");
  HttpResponse response = servers()[1].httpGet("http://" + node.address() + ":8080/x");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.header("x-kind"), "test");
  EXPECT_EQ(response.body, "hello");
  EXPECT_THAT([&] { node.httpGet("http://localhost:8081/"); },
              FailsWith(NodeError::Kind::kSystem, HasSubstr("Connection refused")));
  EXPECT_THAT([&] { node.httpGet("https://localhost/"); },
              FailsWith(NodeError::Kind::kUnsupported));
}

TEST_F(WaitsTest, WrongConditionIsRefusedAtOnce) {
  for (const Condition& condition :
       {Condition::file("run/x"), Condition::port(0), Condition::process(""),
        Condition::httpStatus("ftp://x/"), Condition::port(1, "a b"), Condition::mount("")}) {
    EXPECT_THAT([&] { servers()[0].waitFor(condition, 60s); }, FailsWith(NodeError::Kind::kInvalid))
        << condition.subject();
  }
}

}  // namespace
