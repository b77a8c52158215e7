// Reads texts of /proc, plain ones and odd ones.
#include "nodeagent/metrics/usage.h"

#include <gtest/gtest.h>

namespace nodeagent::metrics {
namespace {

constexpr int64_t kTickNs = 10'000'000;

TEST(UsageTest, TimeOfProcessorsIsBusyOrIdle) {
  NodeUsage usage;
  readProcessors(
      "cpu  100 20 30 4000 50 6 7 80 9 1\ncpu0 1 2 3 4\ncpu1 1 2 3 4\nintr 5 6\nctxt 7\n", kTickNs,
      usage);
  EXPECT_EQ(usage.processors, 2);
  EXPECT_EQ(usage.busyNs, (100 + 20 + 30 + 6 + 7) * kTickNs);
  EXPECT_EQ(usage.idleNs, (4000 + 50 + 80) * kTickNs);
}

TEST(UsageTest, MemoryIsInBytes) {
  NodeUsage usage;
  readMemory(
      "MemTotal:       16384 kB\nMemFree: 1 kB\nMemAvailable:    8192 kB\n"
      "SwapTotal:          0 kB\nSwapFree:  0 kB\nHugePages_Total:   3\n",
      usage);
  EXPECT_EQ(usage.memoryTotalBytes, 16384 * 1024);
  EXPECT_EQ(usage.memoryAvailableBytes, 8192 * 1024);
  EXPECT_EQ(usage.swapTotalBytes, 0);
  EXPECT_EQ(usage.swapFreeBytes, 0);
}

// A name may have a colon, as those of old aliases do, and no blank stands behind a great number.
TEST(UsageTest, InterfacesButTheLoopbackAreAdded) {
  NodeUsage usage;
  readInterfaces(
      "Inter-|   Receive                                                |  Transmit\n"
      " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets\n"
      "    lo: 999 1 0 0 0 0 0 0 999 1 0 0 0 0 0 0\n"
      "  eth0:1000 2 0 0 0 0 0 0 300 4 0 0 0 0 0 0\n"
      "eth0:1: 10 2 0 0 0 0 0 0 3 4 0 0 0 0 0 0\n"
      "  bad0: x 2 0 0 0 0 0 0 3 4 0 0 0 0 0 0\n",
      usage);
  EXPECT_EQ(usage.networkReceivedBytes, 1010);
  EXPECT_EQ(usage.networkSentBytes, 303);
}

TEST(UsageTest, OnlyChosenDisksAreAdded) {
  NodeUsage usage;
  readDisks(
      "   8       0 sda 10 0 100 0 20 0 7 0 0 0 0\n   8       1 sda1 10 0 100 0 20 0 7 0 0 0 0\n"
      " 104       0 cciss/c0d0 10 0 1 0 20 0 2 0 0 0 0\n   7  0 loop0 1\n",
      [](const std::string& name) { return name == "sda" || name == "cciss/c0d0"; }, usage);
  EXPECT_EQ(usage.diskReadBytes, 101 * 512);
  EXPECT_EQ(usage.diskWrittenBytes, 9 * 512);
}

TEST(UsageTest, OpenFilesAndLoadAreRead) {
  NodeUsage usage;
  readOpenFiles("4711\t0\t9223372036854775807\n", usage);
  readLoad("0.52 0.58 0.59 1/467 12345\n", usage);
  EXPECT_EQ(usage.descriptors, 4711);
  EXPECT_DOUBLE_EQ(usage.load1, 0.52);
}

// A process may choose its name, which stands in the first line.
TEST(UsageTest, NameOfAProcessIsNoNumberOfIt) {
  ProcessUsage usage;
  readProcessMemory(
      "Name:\tVmRSS: 7) (kB\nUmask:\t0022\nState:\tS (sleeping)\nVmRSS:\t    3000 kB\n"
      "RssAnon:\t    1000 kB\nRssFile:\t    2000 kB\nVmSwap:\t      24 kB\nThreads:\t3\n",
      usage);
  EXPECT_EQ(usage.residentBytes, 3000 * 1024);
  EXPECT_EQ(usage.anonymousBytes, 1024 * 1024);
}

TEST(UsageTest, BytesOfStorageAreRead) {
  ProcessUsage usage;
  readProcessStorage(
      "rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4\nread_bytes: 4096\nwrite_bytes: 8192\n"
      "cancelled_write_bytes: 5\n",
      usage);
  EXPECT_EQ(usage.readBytes, 4096);
  EXPECT_EQ(usage.writtenBytes, 8192);
}

TEST(UsageTest, WhatATextDoesNotTellStaysUnknown) {
  NodeUsage node;
  ProcessUsage process;
  for (const char* text : {"", "\n", "cp\n", ":\n", "MemTotal:\n", "MemTotal: -1 kB\n",
                           "MemTotal: 99999999999999999999 kB\n", "eth0: 1 2\n", "a b c d\n"}) {
    readMemory(text, node);
    readInterfaces(text, node);
    readDisks(
        text, [](const std::string&) { return true; }, node);
    readOpenFiles(text, node);
    readLoad(text, node);
    readProcessors(text, kTickNs, node);
    readProcessMemory(text, process);
    readProcessStorage(text, process);
  }
  for (int64_t number : {node.memoryTotalBytes, node.networkSentBytes, node.diskReadBytes,
                         node.descriptors, node.busyNs, int64_t{node.processors},
                         process.residentBytes, process.anonymousBytes, process.readBytes}) {
    EXPECT_EQ(number, kUnknown);
  }
  EXPECT_EQ(node.load1, kUnknown);
}

}  // namespace
}  // namespace nodeagent::metrics
