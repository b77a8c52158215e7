// Sample 12: run code of the test's own on a node, keep its state, and call it like an object.
#include <muster/muster.h>

using namespace muster;

class HelperSample : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 1}}}; }
};

// counter_helper.cc is beside this file. It keeps its counts between calls.
TEST_F(HelperSample, CounterKeepsItsState) {
  RemoteHelper counter(servers()[0], "counter_helper");
  EXPECT_EQ(counter.call<int64_t>("add", "apples", 5), 5);
  EXPECT_EQ(counter.call<int64_t>("add", "apples", 2), 7);
  counter.call("add", "pears", 1);

  auto all = counter.call<std::map<std::string, int64_t>>("all");
  EXPECT_THAT(all, testing::ElementsAre(testing::Pair("apples", 7), testing::Pair("pears", 1)));
}

// What a function throws arrives with its type, its text, and where it was thrown.
TEST_F(HelperSample, ExceptionCrosses) {
  RemoteHelper counter(servers()[0], "counter_helper");
  try {
    counter.call<int64_t>("of", "plums");
    FAIL() << "there are no plums";
  } catch (const RemoteError& error) {
    EXPECT_EQ(error.type(), "std::out_of_range");
    EXPECT_EQ(error.message(), "nobody has counted plums");
    EXPECT_THAT(error.backtrace(), testing::Contains(testing::HasSubstr("Counters::of")));
  }
  EXPECT_EQ(counter.call<int64_t>("add", "plums", 1), 1);
}

// words_helper.py is a script; the node needs nothing but python3.
TEST_F(HelperSample, PythonHelperIsCalledAlike) {
  if (!servers()[0].run({"python3", "--version"}).succeeded()) GTEST_SKIP() << "needs python3";
  RemoteHelper words(servers()[0], "words_helper");
  EXPECT_EQ(words.call<int64_t>("read", "one two two"), 3);
  EXPECT_EQ(words.call<std::string>("most_common"), "two");
}
