// `muster nemesis shrink` with programs of the shell in place of tests: which plans fail is known
// exactly, and no node is needed.
#include <signal.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests_d/muster/command/command.h"
#include "tests_d/muster/support/wait.h"

namespace command {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class ShrinkTest : public OwnClusterTest {
 protected:
  void SetUp() override {
    OwnClusterTest::SetUp();
    if (IsSkipped()) return;
    plan_ = directory_ + "/plan.json";
    std::string nodes = file("  server[1-3]: {role: server}\n  client1: {role: client}\n");
    ASSERT_THAT(muster({"nemesis", "draw", "rough", "--cluster=" + nodes, "--seed=3",
                        "--duration=2m", "-o", plan_}),
                exits(0));
    ASSERT_THAT(kindsIn(plan_), AllOf(Contains("lossy"), Contains("partition")));
  }

  // Runs `script`, which finds the plan in $MUSTER_NEMESIS.
  Ended shrink(const std::string& script, const std::vector<std::string>& options = {}) const {
    return muster(argumentsFor(script, options));
  }

  std::vector<std::string> argumentsFor(const std::string& script,
                                        const std::vector<std::string>& options) const {
    std::vector<std::string> all = {"nemesis", "shrink", plan_};
    all.insert(all.end(), options.begin(), options.end());
    all.insert(all.end(), {"--", "/bin/sh", "-c", script});
    return all;
  }

  static std::vector<std::string> stepsIn(const std::string& path) {
    std::ifstream file(path);
    std::vector<std::string> steps;
    for (std::string line; std::getline(file, line);) {
      if (line.find("\"at_ms\":") != std::string::npos) steps.push_back(line);
    }
    return steps;
  }

  // Returns the text or number behind the name, without quotes.
  static std::string valueIn(const std::string& step, const std::string& name) {
    size_t begin = step.find("\"" + name + "\":") + name.size() + 3;
    std::string value = step.substr(begin, step.find_first_of(",}", begin) - begin);
    std::erase(value, '"');
    return value;
  }

  static std::vector<std::string> kindsIn(const std::string& path) {
    std::vector<std::string> kinds;
    for (const std::string& step : stepsIn(path)) kinds.push_back(valueIn(step, "kind"));
    return kinds;
  }

  std::vector<std::string> filesHere() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
      names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  std::string plan_;
};

TEST_F(ShrinkTest, StepsThatMatterAreLeftAndGetShort) {
  Ended ended = shrink(
      "grep -q lossy \"$MUSTER_NEMESIS\" && grep -q partition \"$MUSTER_NEMESIS\" && exit 1; "
      "exit 0");
  EXPECT_THAT(ended, AllOf(exits(0), prints("smallest after "), prints(plan_ + ".min")));
  auto steps = stepsIn(plan_ + ".min");
  EXPECT_THAT(kindsIn(plan_ + ".min"), testing::UnorderedElementsAre("lossy", "partition"));
  for (const std::string& step : steps) {
    EXPECT_LT(std::stoi(valueIn(step, "duration_ms")), 1000) << step;
  }
  EXPECT_LE(std::stoi(valueIn(steps.front(), "at_ms")), 1000);
  EXPECT_THAT(muster({"nemesis", "show", plan_ + ".min"}), exits(0));
  EXPECT_THAT(filesHere(), ElementsAre(cluster_ + ".yaml", "plan.json", "plan.json.min"));
}

TEST_F(ShrinkTest, PlanThatDoesNotFailIsNotStored) {
  EXPECT_THAT(shrink("exit 0"), AllOf(exits(1), complains("does not fail under the plan itself")));
  EXPECT_THAT(shrink("exit 2"), exits(1));
  EXPECT_THAT(filesHere(), ElementsAre(cluster_ + ".yaml", "plan.json"));
}

// What it says about itself then, it was told to say.
TEST_F(ShrinkTest, ProgramThatTakesTooLongDoesNotFail) {
  EXPECT_THAT(shrink("trap 'kill $!; exit 1' TERM; sleep 1000 & wait", {"--program-time-limit=1s"}),
              AllOf(exits(1), complains("does not fail")));
}

TEST_F(ShrinkTest, SmallestPlanSoFarIsStoredWhenRunsAreOver) {
  EXPECT_THAT(shrink("exit 1", {"--runs=3", "-o", directory_ + "/small"}),
              AllOf(exits(75), prints("smallest so far after 3 runs")));
  EXPECT_LT(stepsIn(directory_ + "/small").size(), stepsIn(plan_).size());
}

TEST_F(ShrinkTest, ProgramMayHaveNoPlanOfItsOwn) {
  for (const char* word : {"--nemesis", "--nemesis=gentle"}) {
    EXPECT_THAT(muster({"nemesis", "shrink", plan_, "--", "/bin/true", word, "gentle"}),
                AllOf(exits(64), complains("of the program would replace the plans")));
  }
}

// The signal goes to `muster` alone, as by kill(1).
TEST_F(ShrinkTest, SignalEndsTheProgramAndLeavesNothing) {
  std::string begun = directory_ + "/begun";
  std::string told = "echo > " + directory_ + "/told; kill $!; exit 0";
  std::string script = "trap '" + told + "' INT; sleep 1000 & echo $$ > " + begun + ".new; mv " +
                       begun + ".new " + begun + "; wait";
  pid_t shrinking = startProgram("muster", argumentsFor(script, {}));
  ASSERT_TRUE(muster_tests::becomesTrue([&] { return std::filesystem::exists(begun); },
                                        std::chrono::seconds(20)));
  pid_t program = 0;
  std::ifstream(begun) >> program;
  ASSERT_GT(program, 0);
  ::kill(shrinking, SIGINT);
  int status = 0;
  ::waitpid(shrinking, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT) << status;
  EXPECT_EQ(::kill(program, 0), -1);
  EXPECT_THAT(filesHere(), ElementsAre("begun", cluster_ + ".yaml", "plan.json", "told"));
}

}  // namespace
}  // namespace command
