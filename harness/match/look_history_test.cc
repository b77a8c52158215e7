#include "harness/match/look_history.h"

#include <gtest/gtest.h>

namespace harness {
namespace {

using std::chrono::milliseconds;

TEST(LookHistoryTest, EqualLooksAreOneEntry) {
  LookHistory history;
  for (int i = 0; i < 3; ++i) history.note("\"a\"", milliseconds(100 * i));
  EXPECT_EQ(history.text(), "");
  history.note("\"b\"", milliseconds(300));
  history.note("\"a\"", milliseconds(400));
  EXPECT_EQ(history.text(),
            "\n  at 0.0 us: \"a\" (3 looks)"
            "\n  at 300 ms: \"b\" (1 look)");
}

TEST(LookHistoryTest, DurationsAreNoChange) {
  LookHistory history;
  history.note("exited with 1 after 12.3 ms", milliseconds(0));
  history.note("exited with 1 after 4 s", milliseconds(1));
  history.note("exited with 2 after 4 s", milliseconds(2));
  history.note("4 servers", milliseconds(3));
  history.note("5 servers", milliseconds(4));
  EXPECT_EQ(history.text(),
            "\n  at 0.0 us: exited with 1 after 12.3 ms (2 looks)"
            "\n  at 2.0 ms: exited with 2 after 4 s (1 look)"
            "\n  at 3.0 ms: 4 servers (1 look)");
}

TEST(LookHistoryTest, LongHistoryKeepsBothEnds) {
  LookHistory history;
  for (int i = 0; i < 1000; ++i) history.note(std::to_string(i), milliseconds(i));
  std::string text = history.text();
  EXPECT_EQ(text.substr(0, text.find("\n  at 992 ms")),
            "\n  at 0.0 us: 0 (1 look)"
            "\n  at 1.0 ms: 1 (1 look)"
            "\n  … 990 more changes …");
  EXPECT_TRUE(text.ends_with("\n  at 998 ms: 998 (1 look)")) << text;
}

TEST(LookHistoryTest, LongValueIsShortAndOnOneLine) {
  LookHistory history;
  history.note("first\n" + std::string(100'000, 'x') + "last", milliseconds(0));
  history.note("b", milliseconds(1));
  EXPECT_LT(history.text().size(), 300U);
  EXPECT_TRUE(history.text().starts_with("\n  at 0.0 us: first | xxx")) << history.text();
  EXPECT_TRUE(history.text().ends_with("xlast (1 look)")) << history.text();
}

}  // namespace
}  // namespace harness
