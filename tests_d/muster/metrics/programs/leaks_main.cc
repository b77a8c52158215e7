// Tests on whose nodes a process leaks or does not, which the tests of this folder run and look at.
#include <muster/muster.h>

namespace {

using namespace muster;
using namespace std::chrono_literals;

// Takes about 10 MB a second, a megabyte at a time.
const char* const kLeaks =
    "my @a; while (1) { push @a, 'x' x 1e6; select undef, undef, undef, 0.1 }";

// Takes the same, and gives it back, as a program with a collector does.
const char* const kCollects =
    "my @a; while (1) { push @a, 'x' x 1e6; @a = () if @a > 3; select undef, undef, undef, 0.1 }";

const char* const kOpens =
    "my @f; while (1) { open my $f, '<', '/dev/null'; push @f, $f; select undef, undef, undef, .02 "
    "}";

class LeakTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 2}}}; }
  static MetricRules metrics() {
    return {.interval = 100ms,
            .leaks = {{.process = "mu-leaky",
                       .memoryBytesMax = 10 << 20,
                       .descriptorsMax = 40,
                       .warmUp = 500ms}}};
  }

 protected:
  void TearDown() override { servers().run({"rm", "-f", "/tmp/mu-leaky"}).checked(); }

  // A program of this name, which perl runs.
  static Daemon start(const Node& node, const std::string& script) {
    node.shell("ln -sf \"$(command -v perl)\" /tmp/mu-leaky").checked();
    return Daemon(node, {"/tmp/mu-leaky", "-e", script});
  }

  // Waits until the recording has certainly had enough samples behind the warm-up.
  static void recordLong(Node& node) {
    MetricRecorder recorder({node}, {.interval = 100ms});
    awaitThat([&] { return recorder.series()[0].samples.size(); }, testing::Ge(45u), 60s, 200ms);
  }
};

TEST_F(LeakTest, OneProcessLeaks) {
  Daemon leaky = start(servers()[0], kLeaks);
  Daemon stable = start(servers()[1], kCollects);
  recordLong(servers()[0]);
}

TEST_F(LeakTest, NoneLeaks) {
  Daemon stable = start(servers()[0], kCollects);
  recordLong(servers()[0]);
}

TEST_F(LeakTest, DescriptorsLeak) {
  Daemon opens = start(servers()[1], kOpens);
  recordLong(servers()[1]);
}

TEST_F(LeakTest, EndsBeforeAnythingIsJudged) {
  Daemon leaky = start(servers()[0], kLeaks);
}

// Has every recording that a session may have, until it is killed.
class HoldTest : public ClusterTest {};

TEST_F(HoldTest, RecordsUntilItIsKilled) {
  std::vector<MetricRecorder> all;
  for (int i = 0; i < 8; ++i) all.emplace_back(NodeSet({servers()[0]}));
  std::cerr << "it records\n";
  servers()[0].run({"sleep", "300"}).checked();
}

class QuietTest : public ClusterTest {};

TEST_F(QuietTest, DoesNothing) {
  EXPECT_THAT(servers()[0].run({"true"}), Succeeded());
}

class WrongRuleTest : public ClusterTest {
 public:
  static MetricRules metrics() { return {.leaks = {{.process = "/usr/sbin/kvd"}}}; }
};

TEST_F(WrongRuleTest, IsNotRun) {
  std::cerr << "it ran\n";
}

}  // namespace
