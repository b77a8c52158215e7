// What scripts put into the report of the test.
#include <map>
#include <string>

#include <muster/muster.h>

#include "component.h"

namespace {

using namespace muster;
using testing::HasSubstr;
using namespace sync_tests;

// The fixture records reports when the test is over, so they are looked at when the suite is.
class ReportTest : public ClusterTest {
 public:
  static void TearDownTestSuite() {
    const testing::TestSuite& suite = *testing::UnitTest::GetInstance()->current_test_suite();
    std::map<std::string, std::string> found;
    for (int i = 0; i < suite.total_test_count(); ++i) {
      const testing::TestResult& result = *suite.GetTestInfo(i)->result();
      for (int j = 0; j < result.test_property_count(); ++j) {
        found[result.GetTestProperty(j).key()] = result.GetTestProperty(j).value();
      }
    }
    EXPECT_EQ(found["server1.latency"], "3ms");
    EXPECT_EQ(found["server1.report"], "pass: all shards");
    EXPECT_EQ(found["server1.report-2"], "skip: no disk");
  }
};

TEST_F(ReportTest, DataAndResultsBecomePropertiesOfTheTest) {
  servers()[0]
      .shell(
          "nodeagent report latency=3ms && nodeagent report --result pass --message 'all shards' "
          "&& nodeagent report --result=skip --message 'no disk'")
      .checked();
}

TEST_F(ReportTest, MisuseIsRefusedWithWhatWouldBeRight) {
  Node& node = servers()[0];
  Result result = node.run({"nodeagent", "report", "--result", "good"});
  EXPECT_THAT(result, ExitedWith(64));
  EXPECT_THAT(result.err, HasSubstr("\"good\" is not one of pass, fail, skip"));
  result = node.run({"env", "-u", "NODEAGENT_JOB", "nodeagent", "notify", "ready"});
  EXPECT_THAT(result, ExitedWith(69));
  EXPECT_THAT(result.err, HasSubstr("NODEAGENT_JOB is not set"));
}

// A detached command is kept by another process, which does not serve it.
TEST_F(ReportTest, DetachedCommandIsToldThatItIsNotServed) {
  RunOptions options;
  options.lifetime = CommandLifetime::kDetached;
  options.deadline = 20s;
  Process detached = servers()[0].start({"nodeagent", "notify", "ready"}, options);
  Result result = detached.wait(10s);
  EXPECT_THAT(result, ExitedWith(69));
  EXPECT_THAT(result.err, HasSubstr("it is detached"));
  EXPECT_THAT([&] { cluster().barrier("b", {detached}).wait(); },
              FailsWith(NodeError::Kind::kInvalid));
}

}  // namespace
