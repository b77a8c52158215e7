#include "nodeagent/log/line_filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/exception.h>

#include "schema/support/base/wire_error.h"

namespace nodeagent::logs {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string refusalOf(const std::string& pattern) {
  KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() { LineFilter({pattern}); })) {
    KJ_IF_MAYBE (failure, support::carriedFailure(*exception)) return failure->text.cStr();
  }
  return "";
}

TEST(LineFilterTest, WithoutPatternsEveryLineMatches) {
  EXPECT_TRUE(LineFilter({}).matchesAll());
  EXPECT_TRUE(LineFilter({}).matches(""));
}

TEST(LineFilterTest, OnePatternOfSeveralIsEnough) {
  LineFilter filter({"^ERROR", "(?i)panic"});
  EXPECT_TRUE(filter.matches("ERROR: x"));
  EXPECT_TRUE(filter.matches("kernel Panic"));
  EXPECT_FALSE(filter.matches("no ERROR"));
}

TEST(LineFilterTest, PatternThatDoesNotCompileIsNamedWithTheReason) {
  EXPECT_THAT(refusalOf("a(b"), AllOf(HasSubstr("\"a(b\""), HasSubstr("missing )")));
}

TEST(LineFilterTest, PatternThatMatchesTheEmptyStringIsRefused) {
  EXPECT_THAT(refusalOf("x*"), HasSubstr("matches the empty string"));
  EXPECT_THAT(refusalOf("|a"), HasSubstr("matches the empty string"));
}

TEST(LineFilterTest, LookAtABlockMissesNoLine) {
  EXPECT_TRUE(LineFilter({"^b$"}).mayMatchIn("a\nb\nc\n"));
  EXPECT_FALSE(LineFilter({"^d$"}).mayMatchIn("a\nb\nc\n"));
  // What means another thing in a block than in a line is not used there.
  EXPECT_TRUE(LineFilter({"\\Ab\\z"}).mayMatchIn("a\nb\nc\n"));
  EXPECT_TRUE(LineFilter({"(?-m:^b$)"}).mayMatchIn("a\nb\nc\n"));
}

}  // namespace
}  // namespace nodeagent::logs
