// Sample 17: read what programs have logged, wait for a line, and let bad lines fail the test.
#include <muster/muster.h>

using namespace muster;

class LogSample : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 2}}}; }

  // Each test fails if one of the nodes logs an error meanwhile, but for what is known.
  static Logs logs() {
    return {.sources = {"/tmp/kvd/*.log"},
            .failOn = {{.pattern = "^(ERROR|FATAL)", .reason = "kvd says so where it loses data"}},
            .allow = {{.pattern = "ERROR: clock skew", .reason = "nodes share a clock here"}}};
  }

  static void SetUpTestSuite() { servers().run({"mkdir", "-p", "/tmp/kvd"}).checked(); }

  // Stands for the daemon.
  static void logLine(const NodeSet& nodes, const std::string& line) {
    nodes.run({"sh", "-c", "echo \"$1\" >> /tmp/kvd/kvd.log", "sh", line}).checked();
  }
};

TEST_F(LogSample, WaitsForALineOnEachNode) {
  LogSet log(servers(), "/tmp/kvd/*.log");
  std::vector<LogMark> marks = log.mark();
  logLine(servers(), "listening on port 7400");
  log.waitFor("listening on port [0-9]+", marks, 10s).checked();
}

TEST_F(LogSample, ReadsWhatWasLoggedSinceTheMark) {
  Log log(servers()[0], "/tmp/kvd/*.log");
  LogMark mark = log.mark();
  logLine(servers(), "joined the cluster");
  LogSlice slice = log.since(mark);
  ASSERT_EQ(slice.lines.size(), 1u);
  EXPECT_EQ(slice.lines[0].text, "joined the cluster");
  EXPECT_TRUE(slice.isWhole());
}

TEST_F(LogSample, ProvokesAnErrorThatMustBeLogged) {
  AllowLog allowed({.pattern = "ERROR: no quorum", .reason = "this test takes the quorum away"});
  ExpectLog expected(servers(), "/tmp/kvd/*.log", "ERROR: no quorum");
  logLine(servers(), "ERROR: no quorum");
}
