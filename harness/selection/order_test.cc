#include "harness/selection/order.h"

#include <algorithm>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/selection/error.h"
#include "harness/selection/listed_testing.h"

namespace harness::selection {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Tests = std::vector<ListedTest>;

std::string problemOf(const Tests& tests) {
  try {
    Sequence sequence(tests);
  } catch (const SelectionError& error) {
    EXPECT_EQ(error.kind(), SelectionError::Kind::kTests);
    return error.what();
  }
  return "";
}

TEST(SequenceTest, TestComesBehindWhatItNames) {
  Tests tests = {behind(listed("kvd", "A.First"), {"B.Second"}), listed("kvd", "A.Other"),
                 listed("kvd", "B.Second")};
  EXPECT_THAT(Sequence(tests).applied({0, 1, 2}), ElementsAre(2, 0, 1));
  EXPECT_THAT(Sequence(tests).applied({0, 1}), ElementsAre(0, 1)) << "it selects nothing";
}

TEST(SequenceTest, SuitesOtherComponentsAndInstancesCanBeNamed) {
  Tests tests = {behind(listed("kvd", "A.Last"), {"B", "net/C.One"}), listed("kvd", "All/B.X/0"),
                 listed("kvd", "All/B.X/1"), listed("net", "C.One")};
  EXPECT_THAT(Sequence(tests).applied({0, 3, 2, 1}), ElementsAre(2, 1, 3, 0));
}

TEST(SequenceTest, OrderHoldsThroughATestThatIsNotChosen) {
  Tests tests = {behind(listed("kvd", "A.Last"), {"A.Middle"}),
                 behind(listed("kvd", "A.Middle"), {"A.First"}), listed("kvd", "A.First")};
  EXPECT_THAT(Sequence(tests).applied({0, 2}), ElementsAre(2, 0));
}

TEST(SequenceTest, CycleIsAnErrorWithAllItsNames) {
  Tests tests = {behind(listed("kvd", "A.One"), {"A.Two"}), behind(listed("kvd", "A.Two"), {"B"}),
                 behind(listed("kvd", "B.Three"), {"A.One"})};
  EXPECT_EQ(problemOf(tests),
            "/src/tests_d/kvd/test_A.cc:7: `after` makes a cycle: kvd/A.One comes after kvd/A.Two "
            "comes after kvd/B.Three comes after kvd/A.One");
  EXPECT_THAT(problemOf({behind(listed("kvd", "A.One"), {"A"})}),
              HasSubstr("kvd/A.One comes after kvd/A.One"));
}

TEST(SequenceTest, NameOfNothingIsAnErrorWithThePlaceAndTheNearest) {
  EXPECT_EQ(problemOf({behind(listed("kvd", "A.One"), {"net/C.Won"}), listed("net", "C.One")}),
            "/src/tests_d/kvd/test_A.cc:7: kvd/A.One comes after \"net/C.Won\", and there is none; "
            "did you mean \"net/C.One\"?");
}

TEST(SequenceTest, ThousandsInAChainAreNoTrouble) {
  Tests tests;
  for (int i = 0; i < 5000; ++i) {
    tests.push_back(listed("kvd", "A.T" + std::to_string(i)));
    if (i > 0) tests[static_cast<size_t>(i) - 1].after = {tests.back().fullName()};
  }
  std::vector<size_t> order(tests.size());
  std::iota(order.begin(), order.end(), 0);
  std::vector<size_t> applied = Sequence(tests).applied(order);
  EXPECT_TRUE(std::is_sorted(applied.rbegin(), applied.rend()));
}

TEST(ShuffledPlacesTest, SeedDecidesAndNothingIsLost) {
  std::vector<size_t> places = shuffledPlaces(100, 7);
  EXPECT_EQ(places, shuffledPlaces(100, 7));
  EXPECT_NE(places, shuffledPlaces(100, 8));
  EXPECT_FALSE(std::is_sorted(places.begin(), places.end()));
  std::sort(places.begin(), places.end());
  for (size_t i = 0; i < places.size(); ++i) EXPECT_EQ(places[i], i);
}

}  // namespace
}  // namespace harness::selection
