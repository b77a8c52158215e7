#include "nodeagent/diagnosis/journal_crashes.h"

#include <signal.h>

#include <gmock/gmock.h>

namespace nodeagent::diagnosis {
namespace {

using testing::IsEmpty;
using testing::SizeIs;
using Source = wire::Crash::Source;

constexpr char kService[] =
    "__CURSOR=s=1;i=7\n"
    "__REALTIME_TIMESTAMP=2000000\n"
    "MESSAGE_ID=98e322203f7a4ed290d09fe03c09fe15\n"
    "UNIT=kvd.service\n"
    "EXIT_CODE=dumped\n"
    "EXIT_STATUS=6\n"
    "\n";

TEST(JournalCrashesTest, ServiceThatDumpedCoreIsFound) {
  auto crashes = parseJournalCrashes(kService, 1);
  ASSERT_THAT(crashes, SizeIs(1));
  EXPECT_EQ(crashes[0].source, Source::SERVICE);
  EXPECT_EQ(crashes[0].program, "kvd.service");
  EXPECT_EQ(crashes[0].signal, SIGABRT);
  EXPECT_TRUE(crashes[0].wasDumped);
  EXPECT_EQ(crashes[0].key, "s=1;i=7");
}

TEST(JournalCrashesTest, EarlierEntryIsLeftOut) {
  EXPECT_THAT(parseJournalCrashes(kService, 2'000'000'000), IsEmpty());
}

TEST(JournalCrashesTest, CoreHasItsProcess) {
  auto crashes = parseJournalCrashes(
      "__REALTIME_TIMESTAMP=2\nMESSAGE_ID=fc2e22bc6ee647b6b90729ab34a250b1\nCOREDUMP_PID=42\n"
      "COREDUMP_COMM=kvd\nCOREDUMP_EXE=/usr/sbin/kvd\nCOREDUMP_SIGNAL=11\n"
      "COREDUMP_UNIT=kvd.service\nCOREDUMP_FILENAME=/var/lib/systemd/coredump/core.kvd.zst\n",
      1);
  ASSERT_THAT(crashes, SizeIs(1));
  EXPECT_EQ(crashes[0].source, Source::JOURNAL);
  EXPECT_EQ(crashes[0].pid, 42);
  EXPECT_EQ(crashes[0].signal, SIGSEGV);
  EXPECT_EQ(crashes[0].executable, "/usr/sbin/kvd");
  EXPECT_EQ(crashes[0].service, "kvd.service");
}

TEST(JournalCrashesTest, ServiceWithoutMemoryIsFound) {
  auto crashes = parseJournalCrashes(
      "__REALTIME_TIMESTAMP=2\nMESSAGE_ID=fe6faa94e7774663a0da52717891d8ef\nUNIT=kvd.service\n", 1);
  ASSERT_THAT(crashes, SizeIs(1));
  EXPECT_TRUE(crashes[0].wasOutOfMemory);
}

TEST(JournalCrashesTest, OrderlyEndsAreNone) {
  for (const char* end :
       {"EXIT_CODE=exited\nEXIT_STATUS=11\n", "EXIT_CODE=killed\nEXIT_STATUS=15\n",
        "EXIT_CODE=killed\nEXIT_STATUS=9\n", ""}) {
    std::string text =
        "__REALTIME_TIMESTAMP=2\nMESSAGE_ID=98e322203f7a4ed290d09fe03c09fe15\nUNIT=kvd.service\n";
    EXPECT_THAT(parseJournalCrashes(text + end, 1), IsEmpty()) << end;
  }
  EXPECT_THAT(parseJournalCrashes("", 1), IsEmpty());
  EXPECT_THAT(parseJournalCrashes("\n\nno field\n=\n", 1), IsEmpty());
}

}  // namespace
}  // namespace nodeagent::diagnosis
