// Tries what `muster forward` makes of its second word.
#include "harness/cli/forward_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness {
namespace {

struct Case {
  const char* text;
  const char* listen;
  const char* target;
};

TEST(ForwardWordsTest, PlacesAreRead) {
  for (const Case& each : {
           Case{"80", "tcp:127.0.0.1:0", "tcp:127.0.0.1:80"},
           Case{"10.0.0.5:80", "tcp:127.0.0.1:0", "tcp:10.0.0.5:80"},
           Case{"8080:localhost:80", "tcp:127.0.0.1:8080", "tcp:127.0.0.1:80"},
           Case{"8080:80", "tcp:127.0.0.1:8080", "tcp:127.0.0.1:80"},
           Case{"8080:[::1]:80", "tcp:127.0.0.1:8080", "tcp:[::1]:80"},
           Case{"[::1]:80", "tcp:127.0.0.1:0", "tcp:[::1]:80"},
           Case{"8080:/run/k.sock", "tcp:127.0.0.1:8080", "unix:/run/k.sock"},
           Case{"/tmp/l.sock:/run/k.sock", "unix:/tmp/l.sock", "unix:/run/k.sock"},
           Case{"/run/k.sock", "tcp:127.0.0.1:0", "unix:/run/k.sock"},
       }) {
    rpc::ForwardPlan plan = forwardPlanOf(each.text);
    EXPECT_EQ(plan.listen, each.listen) << each.text;
    EXPECT_EQ(plan.target, each.target) << each.text;
  }
}

TEST(ForwardWordsTest, OtherTextsAreRefused) {
  for (const char* text : {"", "8080:", "kvd.example.org:80", "70000", "8080:70000", "10.0.0.5"}) {
    EXPECT_THAT([&] { forwardPlanOf(text); }, testing::ThrowsMessage<std::invalid_argument>(
                                                  testing::HasSubstr("expected PORT, HOST:PORT")))
        << text;
  }
}

}  // namespace
}  // namespace harness
