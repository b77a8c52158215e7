#include "harness/provision/program/plan_json.h"

#include <stdexcept>

#include <gmock/gmock.h>

#include "harness/provision/kinds.h"

namespace harness {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kFile[] = R"(name: demo
control: "tcp"
boot:
  server1: [mkdir /b, "true"]
  "@client": [date]
nodes:
  server1: {role: server, labels: {rack: a}}
  c[1-2]:
    role: client
    boot: [ls]
)";

std::string failureAt(const ClusterPlan& plan, const std::string& pointer) {
  try {
    failInPlan(plan, pointer, "is wrong");
  } catch (const ClusterFileError& error) {
    return error.what();
  }
}

TEST(PlanJsonTest, PlanIsReadAsItWasWritten) {
  ClusterPlan plan = parsePlan(kFile, "f.yaml");
  ProtocolJson json = toJson(plan);
  EXPECT_EQ(json["settings"]["control"], "tcp");
  EXPECT_EQ(json["settings"]["boot"].dump(),
            R"({"server1":["mkdir /b","true"],"@client":["date"]})");
  EXPECT_EQ(json["nodes"][2]["name"], "c2");
  EXPECT_EQ(json["nodes"][0]["labels"]["rack"], "a");
  ClusterPlan read = planFromJson(json);
  EXPECT_EQ(toJson(read).dump(), json.dump());
  EXPECT_EQ(read.settings.at("boot").keys()[1].text(), "@client");
}

TEST(PlanJsonTest, PlacesSurvive) {
  ClusterPlan read = planFromJson(toJson(parsePlan(kFile, "f.yaml")));
  auto placeOf = [](const Setting& setting) {
    return std::to_string(setting.place().line) + ":" + std::to_string(setting.place().column);
  };
  EXPECT_EQ(placeOf(read.settings.at("control")), "2:10");
  EXPECT_EQ(placeOf(read.settings.at("boot").values()[0].items()[1]), "4:23");
  EXPECT_EQ(placeOf(read.settings.at("boot").keys()[1]), "5:3");
  EXPECT_EQ(placeOf(read.nodes[1].settings.at("boot")), "10:11");
  EXPECT_EQ(placeOf(read.nodes[2].set), "8:3");
  // A quote precedes the text.
  EXPECT_THROW(
      {
        try {
          read.settings.at("control").failAt(1, "no");
        } catch (const ClusterFileError& error) {
          EXPECT_THAT(error.what(), StartsWith("f.yaml:2:12: "));
          throw;
        }
      },
      ClusterFileError);
}

TEST(PlanJsonTest, PointerBecomesThePlaceInTheFile) {
  ClusterPlan plan = parsePlan(kFile, "f.yaml");
  EXPECT_EQ(failureAt(plan, "/settings/control"), "f.yaml:2:10: is wrong");
  EXPECT_EQ(failureAt(plan, "/settings/boot/server1/1"), "f.yaml:4:23: is wrong");
  EXPECT_EQ(failureAt(plan, "/settings/boot/server1/7"), "f.yaml:4:12: is wrong");
  EXPECT_EQ(failureAt(plan, "/nodes/1/settings/boot/0"), "f.yaml:10:12: is wrong");
  EXPECT_EQ(failureAt(plan, "/nodes/1/settings/none"), "f.yaml:8:3: is wrong");
  EXPECT_EQ(failureAt(plan, "nonsense"), "f.yaml: is wrong");
  plan.origin.clear();
  plan.settings.clear();
  EXPECT_EQ(failureAt(plan, "/settings/control"), "is wrong");
}

TEST(PlanJsonTest, JsonThatIsNoPlanIsRefused) {
  for (const char* text : {"{}", R"({"name": 3})", R"({"name": "a", "provisioner": "x"})",
                           R"({"name": "a", "provisioner": "x", "settings": {}, "nodes": [1]})"}) {
    EXPECT_THROW(planFromJson(ProtocolJson::parse(text)), std::invalid_argument) << text;
  }
}

TEST(PlanJsonTest, EqualValuesHaveEqualTexts) {
  EXPECT_EQ(valueText(Setting("x", std::vector<std::string>{"a", "b"})), R"(["a","b"])");
  EXPECT_EQ(valueText(Setting("x", "a")), R"("a")");
  EXPECT_EQ(valueText(Setting::nothing("x", {})), "null");
}

}  // namespace
}  // namespace harness
