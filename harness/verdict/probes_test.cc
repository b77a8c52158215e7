#include "harness/verdict/probes.h"

#include <stdlib.h>

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/run/record_writer.h"
#include "harness/run/run_directory.h"

namespace harness::verdict {
namespace {

using run::Json;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

struct Sight {
  std::string test;
  std::string probe;
  bool isMet;
};

class ProbesTest : public testing::Test {
 protected:
  ProbesTest() {
    char pattern[] = "/tmp/muster-probes-XXXXXX";
    directory_ = mkdtemp(pattern);
  }
  ~ProbesTest() override { std::filesystem::remove_all(directory_); }

  // Records a run of a program with the probes "retry" and "heal".
  void record(const std::vector<Sight>& sights, const std::string& role = "program") {
    std::string run = directory_ + "/run" + std::to_string(runs_.size());
    run::makeRunDirectory(run, "r");
    run::RecordWriter writer(run::recordPath(run, "kvd_tests-1"),
                             {{"role", role}, {"run", "r"}, {"component", "kvd"}});
    Json known = Json::array();
    for (const char* name : {"retry", "heal"}) {
      known.push_back({{"name", name}, {"kind", "sometimes"}, {"file", "kv.cc"}, {"line", 7}});
    }
    std::string program = writer.begin("program", "", {{"probes", known}});
    for (const Sight& sight : sights) {
      std::string item = program;
      Json fields = {{"suite", "KvTest"}, {"name", sight.test}};
      if (!sight.test.empty()) item = writer.begin("test", program, fields);
      writer.add(item, "probe", {{"name", sight.probe}, {"met", sight.isMet}});
      if (!sight.test.empty()) writer.end(item, {{"outcome", "passed"}});
    }
    writer.end(program);
    writer.close("");
    runs_.push_back(run::readRun(run));
  }

  std::vector<ProbeResult> judged() const {
    std::vector<const run::RunRecord*> runs;
    for (const run::RunRecord& run : runs_) runs.push_back(&run);
    return probesOf(runs);
  }

  std::string directory_;
  std::vector<run::RunRecord> runs_;
};

TEST_F(ProbesTest, ProbeThatNoTestCameByIsKnown) {
  record({});
  std::vector<ProbeResult> probes = judged();
  ASSERT_THAT(probes, SizeIs(2));
  EXPECT_EQ(probes[0].component, "kvd");
  EXPECT_EQ(probes[0].name, "heal");
  EXPECT_EQ(probes[0].kind, "sometimes");
  EXPECT_EQ(probes[0].file, "kv.cc");
  EXPECT_EQ(probes[0].line, 7);
  EXPECT_EQ(wordOf(probes[0].state), "not reached");
}

TEST_F(ProbesTest, ProbeIsMetByAnyTestOfAnyRun) {
  record({{"A", "retry", false}, {"B", "heal", false}});
  EXPECT_EQ(wordOf(judged()[1].state), "never true");
  record({{"A", "retry", true}});
  std::vector<ProbeResult> probes = judged();
  EXPECT_EQ(wordOf(probes[0].state), "never true");
  EXPECT_THAT(probes[0].missedBy, ElementsAre("kvd/KvTest.B"));
  EXPECT_EQ(wordOf(probes[1].state), "met");
  EXPECT_THAT(probes[1].metBy, ElementsAre("kvd/KvTest.A"));
  EXPECT_THAT(probes[1].missedBy, IsEmpty());
}

TEST_F(ProbesTest, SetUpCountsAsItsComponent) {
  record({{"", "retry", true}});
  EXPECT_THAT(judged()[1].metBy, ElementsAre("kvd"));
}

TEST_F(ProbesTest, ProgramThatATestHasStartedDoesNotCount) {
  record({{"A", "retry", true}}, "nested");
  EXPECT_THAT(judged(), IsEmpty());
}

}  // namespace
}  // namespace harness::verdict
