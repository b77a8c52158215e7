#include "nodeagent/diagnosis/kernel_deaths.h"

#include <signal.h>

#include <gtest/gtest.h>

namespace nodeagent::diagnosis {
namespace {

Death deathIn(const char* line) {
  auto death = parseKernelDeath(line);
  EXPECT_TRUE(death) << line;
  return death.value_or(Death());
}

TEST(KernelDeathsTest, FaultOfMemoryNamesItsProcess) {
  Death death = deathIn(
      "6,1234,5678901,-;kv d[42]: segfault at 0 ip 0000 sp 0000 error 4 in kvd[55+1000]\n X=1");
  EXPECT_EQ(death.kind, Death::Kind::kKernel);
  EXPECT_EQ(death.program, "kv d");
  EXPECT_EQ(death.pid, 42);
  EXPECT_EQ(death.signal, SIGSEGV);
  EXPECT_EQ(death.text, "kv d[42]: segfault at 0 ip 0000 sp 0000 error 4 in kvd[55+1000]");
}

TEST(KernelDeathsTest, TrapsHaveTheirSignals) {
  EXPECT_EQ(deathIn("6,1,2,-;traps: kvd[42] trap invalid opcode ip:1 sp:2 error:0").signal, SIGILL);
  EXPECT_EQ(deathIn("6,1,2,-;traps: kvd[42] trap divide error ip:1 sp:2 error:0").signal, SIGFPE);
  Death death = deathIn("6,1,2,-;traps: kvd[42] general protection fault ip:1 sp:2 error:0");
  EXPECT_EQ(death.signal, SIGSEGV);
  EXPECT_EQ(death.program, "kvd");
}

TEST(KernelDeathsTest, LackOfMemoryIsNoCrashSignal) {
  Death death = deathIn(
      "3,1,2,-;Memory cgroup out of memory: Killed process 42 (d d) total-vm:9kB, anon-rss:8kB");
  EXPECT_EQ(death.program, "d d");
  EXPECT_EQ(death.pid, 42);
  EXPECT_EQ(death.signal, SIGKILL);
  EXPECT_TRUE(death.wasOutOfMemory);
}

TEST(KernelDeathsTest, OtherLinesAreNone) {
  for (const char* line :
       {"", ";", "6,1,2,-;", "6,1,2,-;]: segfault at 0", "6,1,2,-;kvd[x]: segfault at 0",
        "6,1,2,-;usb 1-1: new device", "6,1,2,-;out of memory: Killed process 42",
        "segfault at 0 without a semicolon"}) {
    EXPECT_FALSE(parseKernelDeath(line)) << line;
  }
}

}  // namespace
}  // namespace nodeagent::diagnosis
