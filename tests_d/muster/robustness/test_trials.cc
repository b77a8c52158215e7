// Shows the rule of void trials: a trial that met too few faults says nothing, and does not pass.
#include "tests_d/muster/robustness/component.h"

namespace robustness {
namespace {

using namespace std::chrono_literals;

class TrialTest : public FaultTest {
 protected:
  // Makes a trial that needs three faults and meets `hits`.
  void attempt(size_t hits) {
    ++attempts_;
    startAgent();
    Load load(connect(), loadOptions());
    ASSERT_TRUE(load.awaitProgress(3, 20s));
    evaluate("trial " + std::to_string(attempts_), load, {}, hits, 3);
  }

  size_t attempts_ = 0;
};

TEST_F(TrialTest, VoidTrialIsRunAgain) {
  untilMet([&] { attempt(attempts_ == 0 ? 2 : 3); });
  EXPECT_EQ(attempts_, 2u);
}

TEST_F(TrialTest, TrialThatIsAlwaysVoidFails) {
  untilMet([&] { attempt(0); });
  EXPECT_EQ(attempts_, 3u);
  EXPECT_EQ(void_, "0 faults met a call, 3 are needed");
  // The fixture would fail this test for the void trial.
  void_.clear();
}

TEST_F(TrialTest, TrialWithHardlyAnyLoadIsRunAgain) {
  untilMet([&] { attempt(attempts_ < 2 ? 100'000 : 3); });
  EXPECT_EQ(attempts_, 3u);
}

}  // namespace
}  // namespace robustness
