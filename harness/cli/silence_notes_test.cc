#include "harness/cli/silence_notes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Kind = muster::NodeState::Kind;

const SilenceNotes::Time kStart = std::chrono::steady_clock::now();

SilenceNotes::Member member(Kind kind, bool isAwaited = true) {
  SilenceNotes::Member made{"n1", {}, isAwaited};
  made.state.kind = kind;
  made.state.since = kStart;
  return made;
}

TEST(SilenceNotesTest, LostNodeIsToldOnceAndWhenItIsBack) {
  SilenceNotes notes;
  EXPECT_THAT(notes.look({member(Kind::kConnecting)}, kStart + 5s), IsEmpty());
  EXPECT_FALSE(notes.isAnySilent());
  EXPECT_THAT(notes.look({member(Kind::kConnecting)}, kStart + 6s), ElementsAre(HasSubstr("n1: ")));
  EXPECT_TRUE(notes.isAnySilent());
  EXPECT_THAT(notes.look({member(Kind::kConnecting)}, kStart + 7s), IsEmpty());
  EXPECT_THAT(notes.look({member(Kind::kConnected)}, kStart + 8s),
              ElementsAre(Not(HasSubstr("waited for"))));
  EXPECT_THAT(notes.look({member(Kind::kConnected)}, kStart + 9s), IsEmpty());
}

TEST(SilenceNotesTest, NothingIsSaidOfACommandThatNobodyWaitsFor) {
  SilenceNotes notes;
  EXPECT_THAT(notes.look({member(Kind::kConnecting, false)}, kStart + 60s), IsEmpty());
  EXPECT_FALSE(notes.isAnySilent());
  EXPECT_THAT(notes.look({member(Kind::kConnecting)}, kStart + 61s),
              ElementsAre(HasSubstr("the command is waited for")));
}

}  // namespace
}  // namespace harness
