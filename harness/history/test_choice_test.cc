#include "harness/history/test_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness::history {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

const std::vector<std::string> kKnown = {"kvd/KvTest.Heals", "kvd/KvTest.NeverHeals",
                                         "web/KvTest.Heals", "web/Sizes/GetTest.Works/0"};

TEST(TestChoiceTest, AnEndThatOneTestHasIsEnough) {
  EXPECT_EQ(chooseTest(kKnown, "kvd/KvTest.Heals").test, "kvd/KvTest.Heals");
  EXPECT_EQ(chooseTest(kKnown, "KvTest.NeverHeals").test, "kvd/KvTest.NeverHeals");
  EXPECT_EQ(chooseTest(kKnown, "rHeals").test, "kvd/KvTest.NeverHeals");
  EXPECT_EQ(chooseTest(kKnown, "GetTest.Works/0").test, "web/Sizes/GetTest.Works/0");
  EXPECT_EQ(chooseTest({"kvd/A.Heals", "kvd/A.NeverHeals"}, "Heals").test, "kvd/A.Heals");
}

TEST(TestChoiceTest, NamesSeveralOrTheNearest) {
  EXPECT_THAT(chooseTest(kKnown, "KvTest.Heals").problem,
              AllOf(HasSubstr("there are 2"), HasSubstr("web/KvTest.Heals")));
  EXPECT_THAT(chooseTest(kKnown, "KvTest.Heal").problem,
              HasSubstr("there is none; the nearest are KvTest.Heals"));
  EXPECT_EQ(chooseTest({}, "x").problem, "test \"x\": there is none");
  EXPECT_NE(chooseTest(kKnown, "").problem, "");
}

}  // namespace
}  // namespace harness::history
