// The report of a record that was cut anywhere: it renders, and no test becomes better than it was.
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "harness/report/html.h"
#include "harness/report/html_testing.h"
#include "harness/run/record_writer.h"

namespace harness::report {
namespace {

using run::Outcome;
using run::RecordWriter;

constexpr int kTests = 12;
constexpr size_t kCuts = 200;

// Writes a run in which every third test fails, and returns its one record.
std::string writeRun(const ScratchDirectory& directory) {
  std::string path = directory / "records/kv_tests-1.jsonl";
  RecordWriter writer(path, {{"role", "program"}, {"run", "run-1"}, {"component", "kv"}});
  std::string program = writer.begin("program", "");
  for (int i = 0; i < kTests; ++i) {
    std::string test =
        writer.begin("test", program, {{"suite", "KvTest"}, {"name", "Test" + std::to_string(i)}});
    std::string command =
        writer.begin("command", test, {{"node", "n1"}, {"argv", {"kvctl", "get"}}});
    writer.end(command, {{"exit", 0}, {"out", "value \u00e9\n"}});
    if (i % 3 == 0) writer.add(test, "failure", {{"text", "no"}, {"file", "kv.cc"}, {"line", 3}});
    writer.end(test, {{"outcome", i % 3 == 0 ? "failed" : "passed"}});
  }
  writer.end(program);
  writer.close("");
  return readFile(path);
}

// The outcomes of the tests in a report, by name.
std::map<std::string, Outcome> outcomesIn(const ScratchDirectory& directory) {
  run::RunRecord run = run::readRun(directory.path());
  writeHtml(mergeRuns({run}), {}, directory / "report.html");
  ReadReport report(readFile(directory / "report.html"));
  std::map<std::string, Outcome> outcomes;
  if (!report.index()["columns"].contains("outcome")) return outcomes;
  for (size_t i = 0; i < report.index()["columns"]["outcome"].size(); ++i) {
    outcomes[report.textOf("name", i)] =
        static_cast<Outcome>(report.index()["columns"]["outcome"][i].get<int>());
    EXPECT_FALSE(report.test(i)["attempts"].empty());
  }
  return outcomes;
}

TEST(HtmlCutTest, NoCutMakesAFailedTestAPassedOne) {
  ScratchDirectory directory;
  std::string whole = writeRun(directory);
  std::map<std::string, Outcome> before = outcomesIn(directory);
  ASSERT_EQ(before.size(), size_t{kTests});
  size_t shown = 0;
  for (size_t i = 0; i < kCuts; ++i) {
    size_t length = whole.size() * i / kCuts;
    directory.write("records/kv_tests-1.jsonl", whole.substr(0, length));
    for (const auto& [name, outcome] : outcomesIn(directory)) {
      ++shown;
      EXPECT_TRUE(outcome == before[name] || !run::isGreen(outcome))
          << name << " after " << length << " bytes: " << run::wordOf(outcome);
    }
  }
  EXPECT_GT(shown, kCuts);
}

TEST(HtmlCutTest, CutRecordSaysThatItIsNotWhole) {
  ScratchDirectory directory;
  std::string whole = writeRun(directory);
  directory.write("records/kv_tests-1.jsonl", whole.substr(0, whole.size() / 2));
  outcomesIn(directory);
  ReadReport report(readFile(directory / "report.html"));
  EXPECT_EQ(report.run()["whole"], false);
  EXPECT_EQ(report.run()["writers"][0]["ending"], "killed");
  EXPECT_FALSE(report.run()["problems"].empty());
}

}  // namespace
}  // namespace harness::report
