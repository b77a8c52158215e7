// The page of several runs: shards of one run look as the run would, and runs of several topologies
// stay apart.
#include <algorithm>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/os/files.h"
#include "harness/report/html.h"
#include "harness/report/html_testing.h"
#include "harness/report/sample_runs_testing.h"

namespace harness::report {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class HtmlMergedTest : public ReportTest {
 protected:
  // A test with a command on server1, which the run's program has named.
  static void addTestOnNode(SampleRun& run, const std::string& name, const std::string& outcome) {
    std::string test = run.begin(name);
    std::string node = run.program().begin("node", "", {{"node", "server1"}, {"kernel", "6.1"}});
    std::string command =
        run.program().begin("command", test, {{"node", "server1"}, {"argv", {"kvctl", name}}});
    run.program().end(command, {{"exit", 0}});
    run.program().end(test, {{"outcome", outcome}, {"seconds", 1}});
    run.program().end(node);
  }

  void addRun(const std::string& id, const std::string& topology,
              const std::vector<std::string>& tests) {
    SampleRun run(runs_, id);
    if (!topology.empty()) run.addProperty("topology", topology);
    for (const std::string& test : tests)
      addTestOnNode(run, test, test == "Fails" ? "failed" : "passed");
    run.close();
  }

  // All records of a run say that it began later.
  void postpone(const std::string& id, int64_t nanoseconds) const {
    for (const auto& entry :
         std::filesystem::directory_iterator(runs_.directoryOf(id) + "/records")) {
      std::string text = readFile(entry.path());
      std::string header = text.substr(0, text.find('\n'));
      Json fields = Json::parse(header);
      fields["wall"] = fields["wall"].get<int64_t>() + nanoseconds;
      std::ofstream(entry.path()) << fields.dump() << text.substr(header.size());
    }
  }

  ReadReport report(const std::vector<std::string>& ids, const HtmlOptions& options = {}) const {
    std::string path = runs_.root() + "/report.html";
    writeHtml(runs_.merged(ids), options, path);
    return ReadReport(readFile(path));
  }

  static std::vector<std::string> column(const ReadReport& report, const char* name) {
    std::vector<std::string> texts;
    for (size_t i = 0; i < report.index()["columns"]["name"].size(); ++i) {
      texts.push_back(report.textOf(name, i));
    }
    return texts;
  }
};

TEST_F(HtmlMergedTest, ShardsAreShownAsTheirOneRunWouldBe) {
  addRun("whole", "", {"Heals", "Fails", "Joins"});
  addRun("one", "", {"Heals"});
  addRun("two", "", {"Fails", "Joins"});
  ReadReport whole = report({"whole"});
  ReadReport shards = report({"one", "two"});
  for (const char* name : {"name", "suite", "component", "error", "labels", "nodes", "owner"}) {
    EXPECT_EQ(column(shards, name), column(whole, name)) << name;
  }
  for (const char* name : {"outcome", "seconds", "attempts"}) {
    EXPECT_EQ(shards.index()["columns"][name], whole.index()["columns"][name]) << name;
  }
  EXPECT_EQ(shards.run()["exit"], whole.run()["exit"]);
  EXPECT_EQ(shards.run()["columns"].size(), 1u);
  EXPECT_EQ(shards.run()["runs"].size(), 2u);
}

TEST_F(HtmlMergedTest, NodesOfOneNameAreOthersInAnotherRun) {
  addRun("one", "debian12", {"Heals"});
  addRun("two", "rocky9", {"Heals"});
  ReadReport both = report({"one", "two"});
  ASSERT_EQ(both.run()["nodes"].size(), 2u);
  for (int i : {0, 1}) {
    EXPECT_EQ(both.run()["nodes"][i]["name"], "server1");
    EXPECT_EQ(both.run()["nodes"][i]["run"], i);
  }
  std::vector<std::string> tracks;
  Json timeline = both.timeline();
  for (const Json& track : timeline["tracks"]) {
    if (track["lane"] == "commands") {
      tracks.push_back(track["run"].dump() + " " + track["group"].dump());
    }
  }
  EXPECT_THAT(tracks, ElementsAre("0 0", "1 1"));
}

TEST_F(HtmlMergedTest, ItemsOfAllRunsHaveIdsOfTheirOwn) {
  addRun("one", "debian12", {"Heals"});
  addRun("two", "rocky9", {"Heals"});
  ReadReport both = report({"one", "two"});
  Json first = both.test(0)["attempts"][0]["trees"][0][0];
  Json second = both.test(1)["attempts"][0]["trees"][0][0];
  EXPECT_NE(first["i"], second["i"]);
  EXPECT_EQ(both.run()["writers"].size(), both.run()["outside"].size());
  int file = std::stoi(second["i"].get<std::string>());
  EXPECT_EQ(both.run()["writers"][file]["run"], 1);
}

TEST_F(HtmlMergedTest, TestsStandOnceInEachColumn) {
  addRun("one", "debian12", {"Heals"});
  addRun("two", "rocky9", {"Heals", "Fails"});
  ReadReport both = report({"one", "two"});
  EXPECT_THAT(column(both, "column"), ElementsAre("debian12", "rocky9", "rocky9"));
  EXPECT_EQ(both.index()["columns"]["run"], Json::array({0, 1, 1}));
  EXPECT_EQ(both.run()["runs"][1]["label"], "rocky9");
  EXPECT_THAT(both.run()["remarks"].dump(), HasSubstr("missing in debian12"));
  EXPECT_EQ(both.run()["exit"], 1);
}

TEST_F(HtmlMergedTest, TimesCountFromTheBeginOfTheOwnRun) {
  constexpr int64_t kHour = 3'600'000'000'000;
  addRun("one", "debian12", {"Heals"});
  addRun("two", "rocky9", {"Heals"});
  postpone("two", kHour);
  ReadReport both = report({"one", "two"});
  for (int i : {0, 1}) {
    EXPECT_LT(both.index()["columns"]["begin"][i].get<int64_t>(), kHour);
    EXPECT_LT(both.test(static_cast<size_t>(i))["attempts"][0]["b"].get<int64_t>(), kHour);
    EXPECT_LT(both.run()["runs"][i]["length"].get<int64_t>(), kHour);
  }
}

TEST_F(HtmlMergedTest, NewLinesAreAskedForWhatIsNotGreen) {
  addRun("one", "debian12", {"Heals", "Fails"});
  addRun("two", "rocky9", {"Fails"});
  std::vector<std::string> asked;
  HtmlOptions options;
  options.newLines = [&](size_t run, const run::TestResult& test) -> std::optional<NewLines> {
    asked.push_back(std::to_string(run) + " " + test.name);
    return NewLines{
        .comparedWith = "good",
        .lines = {{.count = 3, .line = "lost", .node = "server1", .source = "kvd.log"}}};
  };
  ReadReport both = report({"one", "two"}, options);
  EXPECT_THAT(asked, ElementsAre("0 Fails", "1 Fails"));
  Json found = both.test(1)["newLines"];
  EXPECT_EQ(found["run"], "good");
  EXPECT_EQ(found["lines"], Json::array({Json::array({3, "server1", "kvd.log", "lost"})}));
  EXPECT_FALSE(both.test(0).contains("newLines"));
}

}  // namespace
}  // namespace harness::report
