// Slices of logs between marks, on real nodes.
#include <muster/muster.h>

#include "component.h"

namespace {

using namespace muster;
using namespace logs_tests;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class SliceTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 3}}}; }

 protected:
  // Each test has a directory of its own, whose logs end with it.
  SliceTest() {
    servers().run({"mkdir", "-p", directory_}).checked();
    servers().run({"sh", "-c", "echo before > " + log_}).checked();
  }
  ~SliceTest() override { (void)servers().run({"rm", "-rf", directory_}); }

  void rotate() {
    servers().run({"sh", "-c", "mv " + log_ + " " + log_ + ".1; : > " + log_}).checked();
  }

  std::string directory_ =
      std::string("/tmp/slice-") + testing::UnitTest::GetInstance()->current_test_info()->name();
  std::string log_ = directory_ + "/kvd.log";
  LogSet logs_{servers(), directory_ + "/*.log"};
};

TEST_F(SliceTest, WhatRotationHasRemovedIsSaidAndNothingIsChargedTwice) {
  std::vector<LogMark> beginA = logs_.mark();
  servers().run({"sh", "-c", "echo A1 >> " + log_}).checked();
  rotate();
  servers().run({"sh", "-c", "echo A2 >> " + log_}).checked();
  std::vector<LogMark> end = logs_.mark();
  servers().run({"sh", "-c", "echo B1 >> " + log_}).checked();
  rotate();
  servers().run({"sh", "-c", "echo B2 >> " + log_}).checked();
  NodeAnswers<LogSlice> a = logs_.between(beginA, end);
  NodeAnswers<LogSlice> b = logs_.since(end);
  for (Node& node : servers()) {
    // The second rotation has replaced the file that the first one made.
    EXPECT_THAT(textsOf(a[node.name()]), ElementsAre("A2"));
    EXPECT_THAT(a[node.name()].notes, SizeIs(1));
    EXPECT_THAT(textsOf(b[node.name()]), ElementsAre("B1", "B2"));
    EXPECT_THAT(b[node.name()].notes, IsEmpty());
  }
}

// The last line of A is written right before the mark that ends it, the first of B right behind,
// and the log is rotated in between.
TEST_F(SliceTest, LineBelongsToTheTestInWhichItWasWrittenOnEveryNode) {
  std::vector<LogMark> begin = logs_.mark();
  servers().run({"sh", "-c", "echo A1 >> " + log_}).checked();
  rotate();
  servers().run({"sh", "-c", "echo A2 >> " + log_}).checked();
  std::vector<LogMark> middle = logs_.mark();
  servers().run({"sh", "-c", "echo B1 >> " + log_}).checked();
  servers().run({"sh", "-c", "mv " + log_ + " " + log_ + ".2; : > " + log_}).checked();
  servers().run({"sh", "-c", "echo B2 >> " + log_}).checked();
  NodeAnswers<LogSlice> a = logs_.between(begin, middle).checked();
  NodeAnswers<LogSlice> b = logs_.since(middle).checked();
  for (Node& node : servers()) {
    EXPECT_THAT(textsOf(a[node.name()]), ElementsAre("A1", "A2"));
    EXPECT_THAT(textsOf(b[node.name()]), ElementsAre("B1", "B2"));
    EXPECT_TRUE(a[node.name()].isWhole() && b[node.name()].isWhole());
  }
}

// A program writes without pause while marks cut its log in slices and it is rotated.
TEST_F(SliceTest, SlicesOfABusyLogJoinToTheWhole) {
  Node& node = servers()[0];
  Log log(node, directory_ + "/*.log");
  LogMark mark = log.mark();
  Process writer =
      node.start({"sh", "-c", "for i in $(seq 2000); do echo $i >> " + log_ + "; done; echo end"});
  std::vector<std::string> all;
  for (int i = 0; i < 12; ++i) {
    if (i == 5) node.run({"mv", log_, log_ + ".1"}).checked();
    if (i == 11) writer.wait(30s).checked();
    LogMark next = log.mark();
    LogSlice slice = log.between(mark, next);
    EXPECT_TRUE(slice.isWhole()) << testing::PrintToString(slice);
    for (const std::string& text : textsOf(slice)) all.push_back(text);
    mark = next;
  }
  ASSERT_THAT(all, SizeIs(2000));
  for (int i = 0; i < 2000; ++i) ASSERT_EQ(all[i], std::to_string(i + 1));
}

TEST_F(SliceTest, MarksSurviveKilledFrontAndKeeper) {
  Node& node = servers()[0];
  Log log(node, log_);
  LogMark begin = log.mark();
  append(node, log_, "one");
  killFront(node);
  append(node, log_, "two");
  killKeeper(node);
  append(node, log_, "three");
  EXPECT_THAT(textsOf(log.since(begin)), ElementsAre("one", "two", "three"));
}

// The engine says where the output goes, and a container that is made anew has another file.
TEST_F(SliceTest, OutputOfAContainerIsReadWhereItsEngineSays) {
  Node& node = servers()[0];
  node.file("/usr/local/sbin/podman")
      .write(
          "#!/bin/sh\n[ \"$5\" = kvd ] || { echo no such container; exit 125; }\n"
          "echo k8s-file; cat /run/kvd-log-path; echo kvd\n",
          {.mode = 0755, .undo = UndoAt::kTestEnd});
  node.file("/run/kvd-log-path").write(directory_ + "/ctr.log\n", {.undo = UndoAt::kTestEnd});
  Log log(node, LogSource::container("kvd"));
  append(node, directory_ + "/ctr.log", "2026 stdout F before");
  LogMark mark = log.mark();
  append(node, directory_ + "/ctr.log", "2026 stdout F ready");
  EXPECT_EQ(log.waitFor("F ready$", mark, 10s).text, "2026 stdout F ready");
  node.file("/run/kvd-log-path").write(directory_ + "/new.log\n");
  append(node, directory_ + "/new.log", "2026 stdout F again");
  EXPECT_THAT(textsOf(log.since(mark)), testing::Contains("2026 stdout F again"));
  EXPECT_THAT([&] { Log(node, LogSource::container("none")).mark(); },
              FailsWith(NodeError::Kind::kNotFound, testing::HasSubstr("no such container")));
  EXPECT_THAT([&] { Log(node, LogSource::container("a b")).mark(); },
              FailsWith(NodeError::Kind::kInvalid));
}

TEST_F(SliceTest, BadRequestsAreRefusedByTheNode) {
  Node& node = servers()[0];
  LogMark mark = Log(node, log_).mark();
  EXPECT_THAT([&] { Log(node, log_).since(mark, {"a("}); },
              FailsWith(NodeError::Kind::kInvalid, testing::HasSubstr("missing )")));
  EXPECT_THAT([&] { Log(node, log_).since(mark, {"x*"}); },
              FailsWith(NodeError::Kind::kInvalid, testing::HasSubstr("empty string")));
  EXPECT_THAT([&] { Log(node, "kvd.log").mark(); }, FailsWith(NodeError::Kind::kInvalid));
  EXPECT_THAT([&] { Log(servers()[1], log_).since(mark); },
              FailsWith(NodeError::Kind::kInvalid, testing::HasSubstr("is of node")));
  EXPECT_THAT([&] { Log(node, LogSource::unit("kvd.service")).mark(); },
              FailsWith(NodeError::Kind::kUnsupported, testing::HasSubstr("journal")));
}

}  // namespace
