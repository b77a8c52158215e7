// Tries which turns of two streams are kept, and within which bounds.
#include "nodeagent/exec/output_order.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nodeagent::exec {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class OutputOrderTest : public testing::Test {
 protected:
  ~OutputOrderTest() noexcept override {}

  // Notes reads: a positive number is that many bytes of standard output, a negative one of errors.
  void read(const std::vector<int>& reads) {
    for (int bytes : reads) {
      (bytes > 0 ? output_ : errors_) += static_cast<uint64_t>(std::abs(bytes));
      order_->note(output_, errors_);
    }
  }

  void alternate(size_t turns) {
    for (size_t i = 0; i < turns; ++i) read({i % 2 == 0 ? 1 : -1});
  }

  std::vector<uint64_t> turns() const {
    std::vector<uint64_t> all;
    for (size_t i = 0; i < order_->size(); ++i) all.push_back((*order_)[i]);
    return all;
  }

  static constexpr uint64_t kOrderBytesMax = OutputOrder::kTurnsMax * sizeof(uint64_t);

  const JobLimits limits_{.memoryBytesMax = 2 * kOrderBytesMax};
  Worker worker_;
  Spool spool_{nullptr, limits_, worker_};
  kj::Own<OutputOrder> order_ = kj::heap<OutputOrder>(spool_);
  uint64_t output_ = 0;
  uint64_t errors_ = 0;
};

TEST_F(OutputOrderTest, ReadsOfOneStreamInSuccessionAreOneTurn) {
  read({5, 5, -1, -2, 7});
  EXPECT_THAT(turns(), ElementsAre(10, 3, 7));
}

TEST_F(OutputOrderTest, ErrorsThatComeFirstAreTheSecondTurn) {
  read({-4, -1, 2});
  EXPECT_THAT(turns(), ElementsAre(0, 5, 2));
}

TEST_F(OutputOrderTest, OneStreamAloneHasNoOrder) {
  read({5, 7});
  EXPECT_THAT(turns(), IsEmpty());
  order_ = kj::heap<OutputOrder>(spool_);
  output_ = 0;
  read({-5, -7});
  EXPECT_THAT(turns(), IsEmpty());
  EXPECT_EQ(spool_.memoryBytes(), 0u);
}

// A change of nothing is told when a stream ends.
TEST_F(OutputOrderTest, NothingReadIsNoTurn) {
  read({5, -1});
  order_->note(output_, errors_);
  EXPECT_THAT(turns(), ElementsAre(5, 1));
}

TEST_F(OutputOrderTest, TheNewestTurnsAreKeptAndTheFirstIsOfOutput) {
  read({3, -4, 5, -6, 7});
  alternate(OutputOrder::kTurnsMax - 3);
  EXPECT_EQ(order_->size(), OutputOrder::kTurnsMax - 1);
  EXPECT_EQ((*order_)[0], 5u);
  EXPECT_EQ((*order_)[1], 6u);
  EXPECT_EQ((*order_)[2], 8u) << "output went on";
  EXPECT_EQ((*order_)[order_->size() - 1], 1u);
  read({-10});
  EXPECT_EQ(order_->size(), OutputOrder::kTurnsMax);
  EXPECT_EQ((*order_)[0], 5u);
  EXPECT_EQ((*order_)[order_->size() - 1], 10u);
  EXPECT_EQ(spool_.memoryBytes(), kOrderBytesMax);
}

TEST_F(OutputOrderTest, FewerTurnsAreKeptWithoutMemory) {
  ASSERT_TRUE(spool_.takeMemory(limits_.memoryBytesMax - 100 * sizeof(uint64_t)));
  alternate(1000);
  EXPECT_EQ(order_->size(), 64u);
  read({50, -60});
  EXPECT_EQ((*order_)[order_->size() - 1], 60u);
}

TEST_F(OutputOrderTest, NothingIsKnownWithoutAnyMemory) {
  ASSERT_TRUE(spool_.takeMemory(limits_.memoryBytesMax));
  alternate(3);
  EXPECT_THAT(turns(), IsEmpty());
}

TEST_F(OutputOrderTest, ItsMemoryIsGivenBack) {
  alternate(100);
  EXPECT_EQ(spool_.memoryBytes(), 128 * sizeof(uint64_t));
  order_->clear();
  EXPECT_EQ(spool_.memoryBytes(), 0u);
  alternate(3);
  order_ = nullptr;
  EXPECT_EQ(spool_.memoryBytes(), 0u);
}

}  // namespace
}  // namespace nodeagent::exec
