// Tries lines of the kernel's log, as different kernels write them.
#include "nodeagent/os/memory_kills.h"

#include <gtest/gtest.h>
#include <kj/debug.h>

namespace nodeagent {
namespace {

TEST(MemoryKillsTest, BothLinesOfAKillAreUnderstood) {
  for (const char* line :
       {"6,1233,5678900,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/"
        ",mems_allowed=0,"
        "oom_memcg=/x,task_memcg=/x,task=a,pid=7,b,pid=42,uid=0\n",
        "3,1234,5678900,-;Memory cgroup out of memory: Killed process 42 (dd) total-vm:1kB\n",
        "3,1234,5678900,-;Out of memory: Killed process 42 (dd) total-vm:1kB, anon-rss:1kB\n"}) {
    auto kill = parseLoggedKill(line);
    ASSERT_TRUE(kill != nullptr) << line;
    EXPECT_EQ(KJ_ASSERT_NONNULL(kill).pid, 42) << line;
    EXPECT_EQ(KJ_ASSERT_NONNULL(kill).monotonicNs, 5'678'900'000);
  }
}

TEST(MemoryKillsTest, OtherLinesAreIgnored) {
  for (const char* line : {"", ";", "6,1,2", "6,1;oom-kill:", "6,1,2,-;oom-kill:constraint=x",
                           "6,1,2,-;Out of memory: Killed process x", "6,1,2,-;Killed process 42",
                           "6,1,2,-;dd invoked oom-killer: gfp_mask=0xcc0, order=0"}) {
    EXPECT_TRUE(parseLoggedKill(line) == nullptr) << line;
  }
}

TEST(MemoryKillsTest, LivingProcessIsNotReportedAsKilled) {
  MemoryKills kills;
  EXPECT_NE(kills.of(1, INT64_MAX / 2), MemoryKill::kYes);
  EXPECT_NE(kills.of(1, INT64_MAX / 2), MemoryKill::kPerhaps);
}

}  // namespace
}  // namespace nodeagent
