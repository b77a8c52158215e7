#include "nodeagent/exec/report_watch.h"

#include <gtest/gtest.h>

namespace nodeagent::exec {
namespace {

constexpr char kReport[] = "==42==ERROR: AddressSanitizer: heap-use-after-free on address 0x1\n";

TEST(ReportWatchTest, ReportBeginsWithItsLine) {
  ReportWatch watch;
  watch.look(std::string("starting\n") + kReport + "  #0 0x1 in main x.cc:3\n");
  watch.look("more\n");
  EXPECT_EQ(watch.report(), std::string(kReport) + "  #0 0x1 in main x.cc:3\nmore\n");
}

TEST(ReportWatchTest, EachSplitOfTheLineIsSeen) {
  std::string text = std::string("before\n") + kReport;
  for (size_t split = 0; split <= text.size(); ++split) {
    ReportWatch watch;
    watch.look(text.substr(0, split));
    watch.look(text.substr(split));
    EXPECT_EQ(watch.report(), kReport) << "split at " << split;
  }
}

TEST(ReportWatchTest, KinOfAddressSanitizerAreKnown) {
  for (const char* text :
       {"WARNING: ThreadSanitizer: data race (pid=7)\n", "==7==ERROR: LeakSanitizer: detected\n",
        "==7==WARNING: MemorySanitizer: use-of-uninitialized-value\n",
        "x.cc:7:3: runtime error: signed integer overflow\n"}) {
    EXPECT_EQ(findReport(text), 0u) << text;
  }
}

TEST(ReportWatchTest, OtherOutputIsNoReport) {
  for (const char* text :
       {"", "built with AddressSanitizer\n", "panic: runtime error: index out of range\n",
        "ERROR: no AddressSanitizer: it is absent\n", "SUMMARY: all went well\n"}) {
    EXPECT_EQ(findReport(text), std::string_view::npos) << text;
  }
}

TEST(ReportWatchTest, LongReportIsCut) {
  ReportWatch watch;
  watch.look(kReport);
  watch.look(std::string(1 << 20, 'x'));
  EXPECT_EQ(watch.report().size(), ReportWatch::kReportBytesMax);
}

}  // namespace
}  // namespace nodeagent::exec
