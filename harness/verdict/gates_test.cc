#include "harness/verdict/gates.h"

#include <stdlib.h>

#include <filesystem>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/os/files.h"
#include "harness/run/record_writer.h"
#include "harness/run/run_directory.h"
#include "schema/support/base/config.h"

namespace harness::verdict {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class GatesTest : public testing::Test {
 protected:
  GatesTest() {
    char pattern[] = "/tmp/muster-gates-XXXXXX";
    directory_ = mkdtemp(pattern);
  }
  ~GatesTest() override { std::filesystem::remove_all(directory_); }

  Gates read(const std::string& text) const {
    putFile(directory_ + "/gates.yaml", text, 0644);
    return readGates(directory_ + "/gates.yaml");
  }

  std::string refusalOf(const std::string& text) const {
    try {
      read(text);
    } catch (const support::ConfigError& error) {
      return error.what();
    }
    return "nothing was refused";
  }

  // Makes a run of these tests with one outcome, to which `more` adds.
  void addRun(const std::string& id, const std::vector<std::string>& names,
              const std::string& outcome,
              const std::function<void(run::RecordWriter&, const std::string& whole)>& more) {
    std::string path = directory_ + "/" + id;
    run::makeRunDirectory(path, id);
    run::RecordWriter writer(run::recordPath(path, "kvd_tests-1"),
                             {{"role", "program"}, {"run", id}, {"component", "kvd"}});
    std::string whole = writer.begin("run", "", {});
    more(writer, whole);
    for (const std::string& name : names) {
      std::string item = writer.begin("test", whole, {{"suite", "KvTest"}, {"name", name}});
      writer.end(item, {{"outcome", outcome}});
    }
    writer.end(whole, {});
    writer.close("");
    records_.push_back(run::readRun(path));
    results_.push_back(run::resultOf(records_.back()));
  }

  void addRunOf(const std::string& id, const std::string& image,
                const std::string& outcome = "passed") {
    addRun(id, {"Heals"}, outcome, [&](run::RecordWriter& writer, const std::string& whole) {
      writer.add(whole, "property", {{"name", "image"}, {"value", image}});
    });
  }

  std::vector<std::string> closed(const Gates& gates) const {
    std::vector<JudgedRun> runs;
    for (size_t i = 0; i < records_.size(); ++i) runs.push_back({records_[i], results_[i]});
    return closedGates(gates, runs);
  }

  std::string directory_;
  std::vector<run::RunRecord> records_;
  std::vector<run::RunResult> results_;
};

TEST_F(GatesTest, FileSaysAllOfThem) {
  Gates gates = read("min-tests: 20\nmax-duration: 30m\nenvironments: [3x1, image=debian-12]\n");
  EXPECT_EQ(gates.testsLeast, 20U);
  EXPECT_EQ(gates.lengthMost, 30min);
  ASSERT_EQ(gates.environments.size(), 2U);
  EXPECT_EQ(gates.environments[0].text(), "topology=3x1");
  EXPECT_EQ(gates.environments[1].text(), "image=debian-12");
  EXPECT_FALSE(read("max-duration: 1s").needRecords());
}

TEST_F(GatesTest, FileWithAMistakeIsRefusedWithItsPlace) {
  EXPECT_THAT(refusalOf("min-test: 20\n"), HasSubstr("gates.yaml:1:1: "));
  EXPECT_THAT(refusalOf("min-tests: 0\n"), HasSubstr("is no number from 1"));
  EXPECT_THAT(refusalOf("min-tests: many\n"), HasSubstr("is no number from 1"));
  EXPECT_THAT(refusalOf("max-duration: 30\n"), HasSubstr("is no time such as"));
  EXPECT_THAT(refusalOf("environments: [image=]\n"), HasSubstr("is no environment"));
}

TEST_F(GatesTest, TestsOfAllRunsCountOnceEach) {
  auto nothing = [](run::RecordWriter&, const std::string&) {};
  addRun("r1", {"Heals", "Writes"}, "passed", nothing);
  addRun("r2", {"Writes", "Reads"}, "failed", nothing);
  addRun("r3", {"Skips"}, "skipped", nothing);
  EXPECT_THAT(closed({.testsLeast = 3}), IsEmpty());
  EXPECT_THAT(closed({.testsLeast = 4}),
              ElementsAre("gate: 3 tests have run, and at least 4 must"));
}

TEST_F(GatesTest, EnvironmentNeedsARunOfItWithATestThatRan) {
  Gates gates{.environments = {{"image", "debian-12"}, {"image", "rhel-9"}}};
  addRunOf("r1", "debian-12");
  EXPECT_THAT(closed(gates), ElementsAre("gate: there are no results of image=rhel-9"));
  addRunOf("r2", "rhel-9", "skipped");
  EXPECT_THAT(closed(gates), ElementsAre("gate: there are no results of image=rhel-9"));
  addRunOf("r3", "rhel-9", "failed");
  EXPECT_THAT(closed(gates), IsEmpty());
}

TEST_F(GatesTest, SettingOfAProgramIsAnEnvironmentToo) {
  addRun("r1", {"Heals"}, "passed", [](run::RecordWriter& writer, const std::string& whole) {
    std::string program = writer.begin(
        "program", whole, {{"configuration", {{{"name", "cluster"}, {"value", "lab"}}}}});
    writer.end(program, {});
  });
  EXPECT_THAT(closed({.environments = {{"cluster", "lab"}}}), IsEmpty());
  EXPECT_THAT(closed({.environments = {{"cluster", "other"}}}), testing::SizeIs(1));
}

TEST_F(GatesTest, LengthIsThatOfEachRun) {
  Gates gates{.lengthMost = 30min};
  EXPECT_EQ(closedByLength(gates, 30min), "");
  EXPECT_THAT(closedByLength(gates, 31min), HasSubstr("has taken longer than the "));
  EXPECT_EQ(closedByLength({}, 31min), "");
}

}  // namespace
}  // namespace harness::verdict
