#include "harness/report/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "harness/report/sample_runs_testing.h"

namespace harness::report {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;

class JsonTest : public ReportTest {
 protected:
  Json document(const MergedRuns& merged) const { return Json::parse(write("json", merged)); }

  static Json testOf(const Json& document, const std::string& name) {
    for (const Json& test : document["tests"]) {
      if (test["name"] == name) return test;
    }
    return Json::object();
  }
};

TEST_F(JsonTest, EveryTestHasItsOutcome) {
  Json json = document(everything());
  EXPECT_EQ(json["version"], 1);
  EXPECT_EQ(json["exitStatus"], 1);
  EXPECT_EQ(json["tests"].size(), everyOutcome().size());
  for (const auto& [name, outcome] : everyOutcome()) {
    EXPECT_EQ(testOf(json, name)["outcome"], wordOf(outcome)) << name;
    EXPECT_EQ(testOf(json, name)["green"], run::isGreen(outcome)) << name;
    EXPECT_EQ(json["totals"][std::string(wordOf(outcome))], 1) << name;
  }
}

TEST_F(JsonTest, AttemptHasFailuresPropertiesAndArtifacts) {
  Json json = document(everything());
  Json passes = testOf(json, "Passes")["attempts"][0];
  EXPECT_EQ(passes["properties"], Json::parse(R"([{"name":"keys","value":"1000"}])"));
  EXPECT_EQ(passes["artifacts"][0]["path"], "all/kvd_tests-1/kvd.log");
  EXPECT_EQ(passes["artifacts"][0]["node"], "server1");
  EXPECT_EQ(passes["nodes"], Json::parse(R"(["server1","client1"])"));
  EXPECT_EQ(passes["seconds"], 0.25);
  Json fails = testOf(json, "Fails")["attempts"][0];
  EXPECT_EQ(fails["failures"][0]["line"], 12);
  EXPECT_THAT(fails["failures"][0]["text"].get<std::string>(), HasSubstr("]]> # d"));
  EXPECT_EQ(testOf(json, "IsFlaky")["attempts"].size(), 2u);
  EXPECT_EQ(testOf(json, "IsFlaky")["because"], "passed at attempt 2");
}

TEST_F(JsonTest, RunHasItsFacts) {
  Json run = document(everything())["runs"][0];
  EXPECT_EQ(run["id"], "all");
  EXPECT_EQ(run["seed"], "4711");
  EXPECT_EQ(run["revision"], "0123456789abcdef");
  EXPECT_EQ(run["dirty"], true);
  EXPECT_EQ(run["running"], false);
  EXPECT_EQ(run["problems"], Json::array());
}

TEST_F(JsonTest, CutRecordSaysSo) {
  Json json = document(cut());
  EXPECT_EQ(testOf(json, "WasRunning")["outcome"], "crashed");
  EXPECT_THAT(json["runs"][0]["problems"].dump(), HasSubstr("its writer was killed"));
  EXPECT_EQ(json["columns"][0]["problems"][0]["name"], "record");
}

TEST_F(JsonTest, EmptyRunHasNoTests) {
  Json json = document(empty());
  EXPECT_EQ(json["tests"], Json::array());
  EXPECT_EQ(json["exitStatus"], 3);
}

}  // namespace
}  // namespace harness::report
