// Tests whose logs make them pass or fail, which test_oracle.cc runs and looks at.
#include <muster/muster.h>

namespace {

using namespace muster;

const char kLog[] = "/tmp/oracle.log";

void write(const NodeSet& nodes, const std::string& line) {
  nodes.run({"sh", "-c", "echo \"$1\" >> " + std::string(kLog), "sh", line}).checked();
}

class WatchedTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 2}}}; }
  static Logs logs() {
    LogRule warning{.pattern = "^WARN", .severity = LogSeverity::kWarn, .reason = "is of interest"};
    return {.sources = {kLog},
            .failOn = {{.pattern = "^ERROR", .reason = "something was lost"}, warning},
            .allow = {{.pattern = "ERROR: known", .reason = "issue 12"},
                      {.pattern = "ERROR: never", .reason = "issue 13"}}};
  }
};

TEST_F(WatchedTest, WritesNothingBad) {
  write(servers(), "fine");
  write(servers(), "ERROR: known");
}

TEST_F(WatchedTest, WritesLinesThatDifferInNumbers) {
  for (const char* line : {"stored key 7", "leader is server2", "stored key 12"}) {
    write(servers(), line);
  }
}

// The last line comes right before the end of the test.
TEST_F(WatchedTest, WritesAnError) {
  write(servers(), "fine");
  write(NodeSet({servers()[1]}), "ERROR: disk lost");
}

TEST_F(WatchedTest, ComesAfterTheError) {
  write(servers(), "fine");
}

TEST_F(WatchedTest, WritesAWarning) {
  write(NodeSet({servers()[0]}), "WARN: slow");
}

TEST_F(WatchedTest, AllowsAnErrorInABlock) {
  AllowLog allowed({.pattern = "ERROR: peer", .reason = "the peer is away"});
  write(servers(), "ERROR: peer lost");
}

TEST_F(WatchedTest, WritesTheErrorBehindTheBlock) {
  { AllowLog allowed({.pattern = "ERROR: peer", .reason = "the peer is away"}); }
  write(servers(), "ERROR: peer lost behind");
}

TEST_F(WatchedTest, AllowsAnErrorOnOneNodeOnly) {
  AllowLog allowed({.pattern = "ERROR: peer", .nodes = "server1", .reason = "the peer is away"});
  write(servers(), "ERROR: peer lost");
}

TEST_F(WatchedTest, AllowsAnErrorWhileAFaultHolds) {
  Fault cut = cluster().isolate(servers()[0]);
  AllowLog allowed({.pattern = "ERROR: peer", .reason = "the peer is cut off"}, cut);
  write(servers(), "ERROR: peer lost in time");
  cut.heal();
  write(NodeSet({servers()[1]}), "ERROR: peer lost too late");
}

TEST_F(WatchedTest, ExpectsALineThatComes) {
  ExpectLog expected(servers(), kLog, "healed [0-9]+ files");
  write(servers(), "healed 12 files");
}

TEST_F(WatchedTest, ExpectsALineThatIsMissing) {
  ExpectLog expected(servers(), kLog, "healed [0-9]+ files");
  write(NodeSet({servers()[0]}), "healed 12 files");
}

// An emptied log hides what was written to it before.
TEST_F(WatchedTest, EmptiesItsLog) {
  write(servers(), "fine");
  servers().run({"sh", "-c", "echo other > " + std::string(kLog)}).checked();
}

// Has no logs() of its own: what fails it is in the cluster file.
class PlainTest : public ClusterTest {};

TEST_F(PlainTest, WritesNothingBad) {
  write(cluster().nodes(), "fine");
  write(cluster().nodes(), "ERROR: known");
}

TEST_F(PlainTest, WritesAnError) {
  write(cluster().nodes(), "ERROR: disk lost");
}

TEST_F(PlainTest, WritesAWarning) {
  write(NodeSet({servers()[0]}), "WARN: slow");
}

TEST_F(PlainTest, AllowsAnErrorInABlock) {
  AllowLog allowed({.pattern = "ERROR: peer", .reason = "the peer is away"});
  write(servers(), "ERROR: peer lost");
}

// What is taken from the nodes of these is in the cluster file.
class FailingTest : public ClusterTest {};

TEST_F(FailingTest, ByItself) {
  write(servers(), "fine");
  ADD_FAILURE() << "by itself";
}

TEST_F(FailingTest, WithLargeFiles) {
  std::string make =
      "mkdir /tmp/collect; cd /tmp/collect; echo small > small; "
      "for i in 1 2; do head -c 1000000 /dev/zero > large$i; echo END >> large$i; done";
  servers().shell(make).checked();
  ADD_FAILURE() << "with large files";
}

TEST_F(FailingTest, WithANodeOff) {
  write(servers(), "fine");
  cluster().powerOff(servers()[1]);
  ADD_FAILURE() << "with a node off";
}

// Nodes read 1024 files of a pattern at most, and refuse more.
class ManyFilesTest : public ClusterTest {
 public:
  static Logs logs() {
    return {.sources = {"/tmp/oracle-many/*.log"}, .failOn = {{.pattern = "E", .reason = "y"}}};
  }
};

TEST_F(ManyFilesTest, MakesMoreLogsThanANodeReads) {
  std::string directory = "/tmp/oracle-many";
  std::string make =
      "mkdir -p " + directory + "; cd " + directory + " && touch $(seq -f %g.log 1100)";
  servers().run({"sh", "-c", make}).checked();
}

class ManyRulesTest : public ClusterTest {
 public:
  static Logs logs() {
    Logs logs{.sources = {kLog}};
    for (int i = 0; i < 65; ++i)
      logs.failOn.push_back({.pattern = "E" + std::to_string(i), .reason = "y"});
    return logs;
  }
};

TEST_F(ManyRulesTest, DoesNotRun) {
  write(servers(), "it ran");
}

class ExpiredTest : public ClusterTest {
 public:
  static Logs logs() {
    LogRule old{.pattern = "ERROR: known", .reason = "issue 12", .expires = "2020-01-31"};
    return {.sources = {kLog}, .allow = {old}};
  }
};

TEST_F(ExpiredTest, DoesNotRun) {
  write(servers(), "it ran");
}

class DangerousTest : public ClusterTest {
 public:
  static Logs logs() { return {.sources = {kLog}, .failOn = {{.pattern = "x*", .reason = "y"}}}; }
};

TEST_F(DangerousTest, DoesNotRun) {
  write(servers(), "it ran");
}

}  // namespace
