// Helpers on a real node: what crosses, and what becomes of one that misbehaves.
#include <muster/muster.h>

namespace {

using namespace muster;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

struct Entry {
  std::string name;
  std::optional<double> share;
  std::vector<bool> flags;
  std::map<std::string, int64_t> sizes;

  template <typename Visit>
  void fields(Visit&& visit) {
    visit("name", name);
    visit("share", share);
    visit("flags", flags);
    visit("sizes", sizes);
  }
};

class HelperTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 1}}}; }
  static Node& node() { return servers()[0]; }

  // Returns what a call throws.
  template <typename... Arguments>
  static RemoteError thrownBy(RemoteHelper& helper, const char* function,
                              const Arguments&... arguments) {
    try {
      helper.call(function, arguments...);
    } catch (const RemoteError& error) {
      return error;
    }
    throw std::logic_error(std::string(function) + " has not thrown");
  }

  static size_t helpersRunning() {
    return node().run({"pgrep", "-cf", "/helpers/[0-9a-f]*"}).out == "0\n" ? 0 : 1;
  }
};

TEST_F(HelperTest, ValuesOfAllTypesCross) {
  RemoteHelper helper(node(), "odd_helper");
  Entry entry{"v\xff\n", 0.25, {true, false}, {{"a", INT64_MIN}, {"b", INT64_MAX}}};
  Entry back = helper.call<Entry>("echo", entry);
  EXPECT_EQ(back.name, entry.name);
  EXPECT_EQ(back.share, entry.share);
  EXPECT_EQ(back.flags, entry.flags);
  EXPECT_EQ(back.sizes, entry.sizes);
  EXPECT_EQ(helper.call<Entry>("echo", Entry()).share, std::nullopt);
}

TEST_F(HelperTest, LargeValuesCross) {
  RemoteHelper helper(node(), "odd_helper");
  std::string large(10'000'000, 'x');
  EXPECT_EQ(helper.call<std::string>("echo text", large).size(), large.size());
  EXPECT_THAT([&] { helper.call("echo text", std::string(17 << 20, 'x')); },
              FailsWith(NodeError::Kind::kInvalid, HasSubstr("larger than 16 MiB")));
  EXPECT_EQ(helper.call<int64_t>("count"), 1);
}

TEST_F(HelperTest, OutputOfTheHelperDoesNotDisturb) {
  RemoteHelper helper(node(), "odd_helper");
  EXPECT_EQ(helper.call<int64_t>("print"), 0);
  EXPECT_EQ(helper.errors(), "printf\ncout\nchild\n");
}

TEST_F(HelperTest, ExceptionBringsItsStack) {
  RemoteHelper helper(node(), "odd_helper");
  RemoteError error = thrownBy(helper, "throw deep", 3);
  EXPECT_EQ(error.type(), "std::domain_error");
  EXPECT_EQ(error.message(), "too deep");
  ASSERT_THAT(error.backtrace(), Not(IsEmpty()));
  EXPECT_THAT(error.backtrace()[0], HasSubstr("innermost(int) at "));
  EXPECT_THAT(error.backtrace()[0], HasSubstr("odd_helper.cc:"));
  EXPECT_THAT(error.what(),
              HasSubstr("call \"throw deep\": threw std::domain_error: too deep\n  in"));
  EXPECT_THAT(error.what(), HasSubstr("test_helpers.cc:"));
}

TEST_F(HelperTest, WhateverIsThrownHasAType) {
  RemoteHelper helper(node(), "odd_helper");
  EXPECT_EQ(thrownBy(helper, "throw of library").type(), "std::out_of_range");
  EXPECT_THAT(thrownBy(helper, "throw of library").backtrace(),
              Contains(HasSubstr("odd_helper.cc")));
  EXPECT_EQ(thrownBy(helper, "throw number").type(), "int");
  EXPECT_THAT(thrownBy(helper, "throw unprintable").type(), HasSubstr("Unprintable"));
  EXPECT_EQ(helper.call<int64_t>("count"), 1);
}

TEST_F(HelperTest, WrongCallsAreNamedBeforeAnythingRuns) {
  RemoteHelper helper(node(), "odd_helper");
  EXPECT_THAT([&] { helper.call("cuont"); },
              FailsWith(NodeError::Kind::kInvalid, HasSubstr("it has allowed, arguments, count,")));
  EXPECT_EQ(thrownBy(helper, "count", 1).message(), "\"count\" takes 0 arguments, got 1");
  EXPECT_EQ(thrownBy(helper, "echo text", 1).message(),
            "argument 1: expected a text, got the integer 1");
  EXPECT_THAT(
      [&] { helper.call<std::string>("count"); },
      FailsWith(NodeError::Kind::kInvalid, HasSubstr("expected a text, got the integer 1")));
}

TEST_F(HelperTest, CrashTellsSignalAndLastLines) {
  RemoteHelper helper(node(), "odd_helper");
  EXPECT_THAT([&] { helper.call("crash"); },
              FailsWith(NodeError::Kind::kCommandFailed,
                        testing::AllOf(HasSubstr("killed by signal 6"), HasSubstr("about to crash"),
                                       HasSubstr("its state is lost"))));
  EXPECT_THAT([&] { helper.call("count"); },
              FailsWith(NodeError::Kind::kLost, HasSubstr("killed by signal 6")));
}

TEST_F(HelperTest, DeadlineOfTheCallEndsTheHelper) {
  RemoteHelper helper(node(), "odd_helper");
  {
    DeadlineScope scope(5s);
    double allowed = helper.call<double>("allowed");
    EXPECT_GT(allowed, 4);
    EXPECT_LE(allowed, 5);
  }
  {
    DeadlineScope scope(300ms);
    EXPECT_THAT([&] { helper.call("run for ever"); },
                FailsWith(NodeError::Kind::kTimeout, HasSubstr("its state is lost")));
  }
  EXPECT_THAT([&] { helper.call("count"); },
              FailsWith(NodeError::Kind::kLost, HasSubstr("did not answer within")));
  EXPECT_THAT([] { return helpersRunning(); }, Eventually(testing::Eq(0u), 10s));
}

// The connection breaks while the function runs, and again before the next call.
TEST_F(HelperTest, LostConnectionRunsNoCallTwice) {
  RemoteHelper helper(node(), "odd_helper");
  auto front = [] { return node().output({"pgrep", "-f", "--", "--role=[f]ront"}); };
  for (int64_t i = 1; i <= 5; ++i) {
    std::string before = front();
    Process killer = node().start({"pkill", "-KILL", "-f", "--", "--role=front"});
    EXPECT_EQ(helper.call<int64_t>("count"), i);
    killer.wait();
    EXPECT_NE(front(), before);
  }
}

TEST_F(HelperTest, HelperEndsWithItsScope) {
  {
    RemoteHelper helper(node(), "odd_helper");
    EXPECT_EQ(helpersRunning(), 1u);
  }
  EXPECT_EQ(helpersRunning(), 0u);
}

TEST_F(HelperTest, OptionsReachTheProgram) {
  RemoteHelper helper(node(), "odd_helper", {.arguments = {"a", "b c"}, .user = "nobody"});
  EXPECT_THAT(helper.call<std::vector<std::string>>("arguments"), ElementsAre("a", "b c"));
  EXPECT_NE(helper.call<int64_t>("uid"), 0);
}

}  // namespace
