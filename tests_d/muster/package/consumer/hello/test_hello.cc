// The first test of a project that uses Muster as a library.
#include <muster/muster.h>

using namespace muster;

class HelloTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 1}}}; }
};

TEST_F(HelloTest, NodeAnswers) {
  EXPECT_THAT(servers()[0].run({"echo", "hello"}), AllOf(Succeeded(), StdoutIs("hello\n")));
}
