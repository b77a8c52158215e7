#include "harness/run/hold.h"

#include <stdlib.h>

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/run/record_writer.h"
#include "harness/run/run_directory.h"

namespace harness::run {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class HoldTest : public testing::Test {
 protected:
  HoldTest() {
    char pattern[] = "/tmp/muster-hold-XXXXXX";
    directory_ = mkdtemp(pattern);
    makeRunDirectory(directory_, "r1");
  }
  ~HoldTest() override { std::filesystem::remove_all(directory_); }

  std::vector<Hold> holds() const { return holdsOf(readRun(directory_)); }

  std::string directory_;
};

TEST_F(HoldTest, HoldGoesOnUntilItsEndOrThatOfItsWriter) {
  {
    RecordWriter writer(recordPath(directory_, "p"), {{"role", "program"}, {"run", "r1"}});
    EXPECT_THAT(holds(), IsEmpty());
    std::string first = writer.begin(kHoldKind, "", holdFields("A.b", "text", kHoldMax));
    ASSERT_EQ(holds().size(), 1u);
    EXPECT_EQ(holds()[0].test, "A.b");
    EXPECT_EQ(holds()[0].writer, "p");
    EXPECT_GT(holds()[0].until, 0);
    writer.end(first, {{"because", "resumed"}});
    EXPECT_THAT(holds(), IsEmpty());
    writer.begin(kHoldKind, "", holdFields("A.c", "text", kHoldMax));
    EXPECT_EQ(holds().size(), 1u);
  }
  EXPECT_THAT(holds(), IsEmpty());
}

TEST_F(HoldTest, NestedProgramHoldsNoTestOfTheRun) {
  RecordWriter writer(recordPath(directory_, "p"), {{"role", "nested"}, {"run", "r1"}});
  writer.begin(kHoldKind, "", holdFields("A.b", "text", kHoldMax));
  EXPECT_THAT(holds(), IsEmpty());
}

TEST_F(HoldTest, RequestIsTakenOnceByTheHoldThatIsMeant) {
  Hold hold{.writer = "p", .id = "i7"};
  EXPECT_EQ(takeHoldEnd(directory_, "p", "i7"), std::nullopt);
  std::string request = requestHoldEnd(directory_, hold, HoldEnd::kRelease);
  EXPECT_TRUE(isHoldEndWaiting(request));
  EXPECT_EQ(takeHoldEnd(directory_, "p", "i8"), std::nullopt);
  EXPECT_EQ(takeHoldEnd(directory_, "p", "i7"), HoldEnd::kRelease);
  EXPECT_FALSE(isHoldEndWaiting(request));
  EXPECT_EQ(takeHoldEnd(directory_, "p", "i7"), std::nullopt);
  requestHoldEnd(directory_, hold, HoldEnd::kResume);
  EXPECT_EQ(takeHoldEnd(directory_, "p", "i7"), HoldEnd::kResume);
}

TEST_F(HoldTest, CommandsAreFitForAShell) {
  EXPECT_THAT(howToEnd("/a/b", "muster"), HasSubstr("muster resume /a/b "));
  EXPECT_THAT(howToEnd("/a b/it's", "muster"), HasSubstr("muster release '/a b/it'\\''s' "));
  EXPECT_EQ(holdEndText(1'796'093'101'000'000'000), "02:45:01 UTC");
}

}  // namespace
}  // namespace harness::run
