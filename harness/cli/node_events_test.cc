#include "harness/cli/node_events.h"

#include <sstream>

#include <gmock/gmock.h>

namespace harness {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

UpProgress progress(size_t ready, size_t nodes, const std::string& state = "") {
  UpProgress progress{.ready = ready, .nodes = nodes};
  if (!state.empty()) progress.event = NodeEvent{{}, "server1", state, "kernel 6.1"};
  return progress;
}

class UpPrinterTest : public ::testing::Test {
 protected:
  std::string printed(const UpProgress& progress, std::chrono::milliseconds after) {
    text_.str("");
    printer_.print(progress, begin_ + after);
    return text_.str();
  }

  UpPrinter::Clock::time_point begin_ = UpPrinter::Clock::now();
  std::ostringstream text_;
  UpPrinter printer_{text_, begin_};
};

TEST_F(UpPrinterTest, EachStateOfAFewNodesIsALine) {
  EXPECT_EQ(printed(progress(0, 2, "booting"), 1500ms),
            "server1: booting (kernel 6.1), after 1.50 s\n");
  EXPECT_EQ(printed(progress(1, 2, "ready"), 1600ms),
            "server1: ready (kernel 6.1), after 1.60 s\n");
}

TEST_F(UpPrinterTest, ManyNodesAreCounted) {
  EXPECT_EQ(printed(progress(3, 100, "ready"), 500ms), "");
  EXPECT_EQ(printed(progress(40, 100, "ready"), 2500ms), "40 of 100 nodes ready after 2.50 s\n");
  EXPECT_EQ(printed(progress(41, 100, "ready"), 2600ms), "");
  EXPECT_EQ(printed(progress(99, 100), 4600ms), "99 of 100 nodes ready after 4.60 s\n");
}

TEST_F(UpPrinterTest, NothingIsSaidOfWhatIsFast) {
  EXPECT_EQ(printed(progress(0, 4), 0ms), "");
  EXPECT_EQ(printed(progress(4, 4), 1900ms), "");
}

TEST(EventsTextTest, HasTimeNodeStateAndDetail) {
  std::vector<NodeEvent> events = {
      {std::chrono::system_clock::time_point(1'700'000'000s), "server1", "booting", "kernel 6.1"}};
  EXPECT_THAT(eventsText(events), HasSubstr("2023-11-14"));
  EXPECT_THAT(eventsText(events), HasSubstr("server1  booting  kernel 6.1"));
  EXPECT_EQ(eventsJson(events)[0]["state"], "booting");
}

}  // namespace
}  // namespace harness
