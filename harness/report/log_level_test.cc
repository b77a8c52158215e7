#include "harness/report/log_level.h"

#include <string>

#include <gtest/gtest.h>

namespace harness::report {
namespace {

TEST(LogLevelTest, LevelStandsNearTheBeginning) {
  for (const char* line : {"2026-12-01T02:45:01Z ERROR lost the leader", "[error] lost",
                           "ts=1 level=fatal msg=lost", "<crit> lost", "FATAL: lost",
                           "[2026-12-01 02:45:01.250000 +0000] E [MSGID: 1] 0-vol: lost"}) {
    EXPECT_EQ(logLevelIn(line), LogLevel::kError) << line;
  }
  for (const char* line : {"WARN lease took 41 ms", "level=warning lease",
                           "[2026-12-01 02:45:01.250000 +0000] W [fuse-bridge.c:1] 0-f: lease"}) {
    EXPECT_EQ(logLevelIn(line), LogLevel::kWarning) << line;
  }
}

TEST(LogLevelTest, WordsOfASentenceAreNoLevels) {
  for (const char* line : {"", "INFO no error was found", "the error is gone", "plan E [x]",
                           "[info] warning signs are off", "TERROR"}) {
    EXPECT_EQ(logLevelIn(line), LogLevel::kPlain) << line;
  }
  EXPECT_EQ(logLevelIn(std::string(200, ' ') + "ERROR"), LogLevel::kPlain);
}

TEST(LogLevelTest, WordsOfRecordsAreKnown) {
  EXPECT_EQ(logLevelOf("Err"), LogLevel::kError);
  EXPECT_EQ(logLevelOf("warning"), LogLevel::kWarning);
  EXPECT_EQ(logLevelOf("notice"), LogLevel::kPlain);
}

}  // namespace
}  // namespace harness::report
