#include "harness/cluster/run_id.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

TEST(RunIdTest, NewOnesDifferAndAreValid) {
  std::string first = newRunId();
  EXPECT_THAT(runIdProblem(first), IsEmpty()) << first;
  EXPECT_NE(first, newRunId());
}

TEST(RunIdTest, WhatCannotBeOneIsToldWhy) {
  EXPECT_THAT(runIdProblem("nightly-7"), IsEmpty());
  EXPECT_THAT(runIdProblem(""), HasSubstr("empty"));
  EXPECT_THAT(runIdProblem(std::string(65, 'a')), HasSubstr("over 64"));
  EXPECT_THAT(runIdProblem("-a"), HasSubstr("begin with"));
  EXPECT_THAT(runIdProblem("a b"), HasSubstr("characters other than"));
}

}  // namespace
}  // namespace harness
