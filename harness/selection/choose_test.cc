#include "harness/selection/choose.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <ostream>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/run/record_writer.h"
#include "harness/selection/error.h"
#include "harness/selection/listed_testing.h"

namespace harness::selection {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;
using Kind = Selector::Kind;
using Tests = std::vector<ListedTest>;

class ChooseTest : public testing::Test {
 protected:
  ChooseTest() {
    char pattern[] = "/tmp/muster-choose-XXXXXX";
    directory_ = ::mkdtemp(pattern);
    tests_[1].requirements = {"REQ-7"};
    tests_[1].owner = "storage";
    tests_[3].isDisruptive = true;
  }
  ~ChooseTest() override { std::filesystem::remove_all(directory_); }

  std::string file(const std::string& name, const std::string& content) const {
    std::ofstream(directory_ + "/" + name) << content;
    return directory_ + "/" + name;
  }

  std::vector<std::string> chosen(const Selectors& selectors) const {
    return idsOf(choose(tests_, selectors).tests);
  }
  std::vector<std::string> chosen(Kind kind, const std::string& text) const {
    return chosen({.selectors = {{kind, text, "it"}}});
  }

  // "kind of error: text".
  std::string refusal(const Selectors& selectors) const {
    try {
      choose(tests_, selectors);
    } catch (const SelectionError& error) {
      return std::to_string(static_cast<int>(error.kind())) + ": " + error.what();
    }
    return "nothing was refused";
  }
  std::string refusal(Kind kind, const std::string& text) const {
    return refusal({.selectors = {{kind, text, "it"}}});
  }

  // Writes the record of a run with these outcomes of tests, by full names.
  std::string runOf(const std::vector<std::pair<std::string, std::string>>& outcomes) const {
    std::string run = directory_ + "/run-1";
    std::filesystem::create_directories(run + "/records");
    run::RecordWriter writer(run + "/records/kvd_tests-1.jsonl",
                             {{"role", "program"}, {"component", "kvd"}});
    for (const auto& [name, outcome] : outcomes) {
      size_t dot = name.find('.');
      std::string item = writer.begin(
          "test", "",
          {{"suite", name.substr(0, dot)}, {"name", name.substr(dot + 1)}, {"component", "kvd"}});
      writer.end(item, {{"outcome", outcome}, {"seconds", 1.0}});
    }
    writer.close("");
    return run;
  }

  std::string directory_;
  Tests tests_ = {labelled(listed("kvd", "KvTest.Heals"), {"slow"}), listed("kvd", "KvTest.Writes"),
                  labelled(listed("kvd", "All/RaftTest.Elects/0"), {"slow", "net"}),
                  listed("kvd", "RaftTest.Loses"), listed("net", "LinkTest.Heals")};
};

TEST_F(ChooseTest, WithoutSelectorsAllAreChosenAndTheDisruptiveAreLast) {
  EXPECT_THAT(chosen({}),
              ElementsAre("kvd/KvTest.Heals", "kvd/KvTest.Writes", "kvd/All/RaftTest.Elects/0",
                          "kvd/RaftTest.Loses", "net/LinkTest.Heals"));
  std::swap(tests_[0].isDisruptive, tests_[3].isDisruptive);
  EXPECT_EQ(chosen({})[3], "kvd/KvTest.Heals");
}

TEST_F(ChooseTest, WordsAreComponentsNamesPlacesAndPatterns) {
  EXPECT_THAT(chosen(Kind::kWord, "kvd"), SizeIs(4));
  EXPECT_THAT(chosen(Kind::kWord, "KvTest"), SizeIs(2));
  EXPECT_THAT(chosen(Kind::kWord, "kvd/KvTest.Heals"), ElementsAre("kvd/KvTest.Heals"));
  EXPECT_THAT(chosen(Kind::kWord, "LinkTest.Heals"), ElementsAre("net/LinkTest.Heals"));
  EXPECT_THAT(chosen(Kind::kWord, "RaftTest.Elects"), ElementsAre("kvd/All/RaftTest.Elects/0"));
  EXPECT_THAT(chosen(Kind::kWord, "RaftTest"), SizeIs(2)) << "with its instances";
  EXPECT_THAT(chosen(Kind::kWord, "tests_d/net"), ElementsAre("net/LinkTest.Heals"));
  EXPECT_THAT(chosen(Kind::kWord, "tests_d/"), SizeIs(5));
  EXPECT_THAT(chosen(Kind::kWord, "test_LinkTest.cc"), ElementsAre("net/LinkTest.Heals"));
  EXPECT_THAT(chosen(Kind::kWord, "*.Heals"), SizeIs(2));
  EXPECT_THAT(chosen(Kind::kWord, "kvd/*Heals"), SizeIs(1));
  EXPECT_THAT(chosen(Kind::kWord, "KvTest.*:LinkTest.*-*.Heals"), ElementsAre("kvd/KvTest.Writes"));
  EXPECT_THAT(chosen(Kind::kWord, "-*.Heals"), SizeIs(3));
}

TEST_F(ChooseTest, OptionsOfOtherFrameworksTakeNamesAndDirectories) {
  EXPECT_THAT(chosen(Kind::kTest, "Heals KvTest.Writes"), SizeIs(3));
  EXPECT_THAT(chosen(Kind::kTest, "Elects"), ElementsAre("kvd/All/RaftTest.Elects/0"));
  EXPECT_THAT(chosen(Kind::kTest, "H*ls"), SizeIs(2)) << "a pattern of names";
  EXPECT_THAT(chosen(Kind::kTest, "Raft* LinkTest.?eals"), SizeIs(3));
  EXPECT_THAT(chosen(Kind::kTest, "net/*"), SizeIs(1));
  EXPECT_THAT(chosen(Kind::kDirectory, "net"), ElementsAre("net/LinkTest.Heals"));
  EXPECT_THAT(chosen(Kind::kDirectory, "tests_d/net/"), ElementsAre("net/LinkTest.Heals"));
  EXPECT_THAT(chosen(Kind::kDirectory, "/src/tests_d"), SizeIs(5));
}

TEST_F(ChooseTest, LabelsOwnersRequirementsAndExpressionsSelect) {
  EXPECT_THAT(chosen(Kind::kLabel, "slow"), SizeIs(2));
  EXPECT_THAT(chosen(Kind::kOwner, "storage"), ElementsAre("kvd/KvTest.Writes"));
  EXPECT_THAT(chosen(Kind::kRequirement, "REQ-7"), ElementsAre("kvd/KvTest.Writes"));
  EXPECT_THAT(chosen(Kind::kExpression, "label(slow) & !label(net)"),
              ElementsAre("kvd/KvTest.Heals"));
}

TEST_F(ChooseTest, OneKindIsUnitedAndKindsIntersect) {
  EXPECT_THAT(chosen({.selectors = {{Kind::kWord, "KvTest", "it"},
                                    {Kind::kWord, "net", "it"},
                                    {Kind::kLabel, "slow", "it"},
                                    {Kind::kLabel, "net", "it"}}}),
              ElementsAre("kvd/KvTest.Heals"));
  EXPECT_EQ(refusal({.selectors = {{Kind::kWord, "net", "it"}, {Kind::kLabel, "slow", "it"}}}),
            "1: no test is selected by all of the words (1 tests), --label (2 tests)");
}

TEST_F(ChooseTest, ComponentAndSomeOfItsTestsAreUnitedAndThatIsSaid) {
  auto notes = [&](const std::string& word) {
    return choose(tests_, {.selectors = {{Kind::kWord, word, "it"}, {Kind::kWord, "kvd", "it"}}})
        .notes;
  };
  EXPECT_THAT(notes("*.Heals"),
              ElementsAre("words are united: all tests of \"kvd\" are selected, not only those "
                          "that \"*.Heals\" means; for these alone, write -t '*.Heals'"));
  EXPECT_THAT(notes("KvTest.Heals"), SizeIs(1));
  EXPECT_THAT(notes("net"), IsEmpty());
  EXPECT_THAT(notes("net/*"), IsEmpty());
  EXPECT_THAT(chosen({.selectors = {{Kind::kWord, "kvd", "it"}, {Kind::kTest, "*Heals", "it"}}}),
              ElementsAre("kvd/KvTest.Heals"));
}

// A selector that selects nothing, and what is said of it.
struct Nothing {
  Kind kind;
  std::string text;
  std::string problem;
};
void PrintTo(const Nothing& nothing, std::ostream* out) {
  *out << nothing.text;
}

class NothingTest : public ChooseTest, public testing::WithParamInterface<Nothing> {};

TEST_P(NothingTest, SelectorOfNothingIsNamedWithTheNearest) {
  EXPECT_THAT(refusal(GetParam().kind, GetParam().text),
              AllOf(testing::StartsWith("0: it: "), HasSubstr(GetParam().problem)));
}

INSTANTIATE_TEST_SUITE_P(
    Texts, NothingTest,
    testing::Values(
        Nothing{Kind::kWord, "kvb", "directory \"kvb\"; did you mean \"kvd\"?"},
        Nothing{Kind::kWord, "KvTest.Heels", "did you mean \"KvTest.Heals\"?"},
        Nothing{Kind::kWord, "kvd/KvTest.Heels", "did you mean \"kvd/KvTest.Heals\"?"},
        Nothing{Kind::kWord, "test_d/net", "did you mean \"tests_d/net\"?"},
        Nothing{Kind::kWord, "tests_d/ne", "did you mean \"tests_d/net\"?"},
        Nothing{Kind::kWord, "KvTest.*:Lnk*",
                "\"Lnk*\" of the pattern \"KvTest.*:Lnk*\" fits no test"},
        Nothing{Kind::kWord, "*:-*Slow*", "\"*Slow*\" of the pattern"},
        Nothing{Kind::kWord, "*:-*", "the pattern leaves out every test"},
        Nothing{Kind::kTest, "Heals Heels", "there is no test \"Heels\"; did you mean \"Heals\"?"},
        Nothing{Kind::kTest, "Heel*", "there is no test \"Heel*\""},
        Nothing{Kind::kTest, " ", "the name of a test is missing"},
        Nothing{Kind::kDirectory, "kvdd", "in a directory \"kvdd\"; did you mean \"kvd\"?"},
        Nothing{Kind::kLabel, "slwo", "no test has the label \"slwo\"; did you mean \"slow\"?"},
        Nothing{Kind::kOwner, "", "no test has the owner \"\""},
        Nothing{Kind::kRequirement, "REQ-8", "did you mean \"REQ-7\"?"},
        Nothing{Kind::kExpression, "label(slow) & disabled", "no test is selected by"},
        Nothing{Kind::kExpression, "label(slwo)", "did you mean \"slow\"?\n  label(slwo)\n  ^"},
        Nothing{Kind::kExpression, "outcome(failed)", "there is none in ./muster-runs"}));

TEST_F(ChooseTest, ListFileSelectsInItsOrder) {
  std::string list = file("nightly.list",
                          "# first what breaks most\n\nnet/LinkTest.Heals   # with a comment\n"
                          "  -L net\nKvTest\n--requirement REQ-7\n-E 'disruptive'\n");
  EXPECT_THAT(chosen({.listFiles = {list}}),
              ElementsAre("net/LinkTest.Heals", "kvd/All/RaftTest.Elects/0", "kvd/KvTest.Heals",
                          "kvd/KvTest.Writes", "kvd/RaftTest.Loses"));
  EXPECT_THAT(chosen({.selectors = {{Kind::kWord, "kvd", "it"}}, .listFiles = {list}}), SizeIs(4));
  tests_[4].after = {"kvd/KvTest"};
  EXPECT_THAT(chosen({.listFiles = {list}})[0], "kvd/KvTest.Heals") << "what must be before is";
}

TEST_F(ChooseTest, LineOfAListFileThatSelectsNothingIsNamed) {
  std::string list = file("nightly.list", "KvTest.Heals\n\nKvTest.Heels\n");
  EXPECT_THAT(refusal({.listFiles = {list}}),
              AllOf(HasSubstr("0: " + list + ":3: "), HasSubstr("\"KvTest.Heals\"?")));
  EXPECT_THAT(refusal({.listFiles = {directory_ + "/absent"}}), HasSubstr("2: --list-file: "));
}

TEST_F(ChooseTest, TestsThatWereNotGreenAreChosenAgain) {
  std::string run = runOf(
      {{"KvTest.Heals", "passed"}, {"KvTest.Writes", "timed out"}, {"KvTest.Gone", "failed"}});
  Choice choice = choose(tests_, {.failedOf = run});
  EXPECT_THAT(idsOf(choice.tests), ElementsAre("kvd/KvTest.Writes"));
  EXPECT_THAT(choice.notes,
              ElementsAre("--failed: kvd/KvTest.Gone of run run-1 is no longer there"));
  EXPECT_THAT(
      chosen({.selectors = {{Kind::kExpression, "outcome(timed out)", "it"}}, .lastRun = run}),
      ElementsAre("kvd/KvTest.Writes"));
}

TEST_F(ChooseTest, RunThatWasGreenOrIsNotThereIsAnError) {
  EXPECT_THAT(refusal({.failedOf = runOf({{"KvTest.Heals", "passed"}})}),
              "1: --failed: every test of run run-1 is green");
  EXPECT_THAT(refusal({.failedOf = directory_ + "/none"}), HasSubstr("2: "));
}

TEST_F(ChooseTest, EachTestIsInExactlyOneShard) {
  Tests many;
  for (int i = 0; i < 1000; ++i) many.push_back(listed("kvd", "A.T" + std::to_string(i)));
  for (int count : {1, 2, 5, 7}) {
    std::vector<int> shards(many.size(), 0);
    for (int number = 1; number <= count; ++number) {
      Choice choice = choose(many, {.shard = Shard{number, count}});
      EXPECT_EQ(choice.tests.size() + choice.inOtherShards, many.size());
      // Fair within a third.
      EXPECT_GT(choice.tests.size() * static_cast<size_t>(count) * 3, many.size() * 2);
      for (const ListedTest& test : choice.tests) ++shards[std::stoul(test.name.substr(1))];
    }
    EXPECT_THAT(shards, testing::Each(1)) << count;
  }
  // It is the same on each machine and with each release: results of shards are compared.
  EXPECT_TRUE(isInShard("kvd/KvTest.Heals", {4, 5}));
}

TEST_F(ChooseTest, ShardIsReadFromItsText) {
  EXPECT_EQ(shardFrom("2/5")->number, 2);
  EXPECT_EQ(shardFrom("2/5")->count, 5);
  for (const char* wrong : {"", "2", "0/5", "6/5", "2/", "/5", "-1/5", "2/5x", "2 /5"}) {
    EXPECT_FALSE(shardFrom(wrong)) << wrong;
  }
}

TEST_F(ChooseTest, LongestComeFirstAndUnknownBeforeThem) {
  Selectors longest = {.order = Order::kLongest,
                       .seconds = {{"kvd/KvTest.Heals", 2},
                                   {"kvd/KvTest.Writes", 3},
                                   {"kvd/All/RaftTest.Elects/0", 1},
                                   {"kvd/RaftTest.Loses", 4},
                                   {"net/LinkTest.Heals", 9}}};
  EXPECT_THAT(chosen(longest),
              ElementsAre("kvd/KvTest.Writes", "kvd/KvTest.Heals", "kvd/RaftTest.Loses",
                          "kvd/All/RaftTest.Elects/0", "net/LinkTest.Heals"))
      << "a component and a suite stay together, and their sums count";
  longest.seconds["net/LinkTest.Heals"] = 11;
  EXPECT_THAT(chosen(longest)[0], "net/LinkTest.Heals");
  longest.seconds.erase("kvd/All/RaftTest.Elects/0");
  EXPECT_THAT(chosen(longest)[0], "kvd/All/RaftTest.Elects/0");
  longest.selectors = {{Kind::kWord, "KvTest", "it"}, {Kind::kWord, "net", "it"}};
  EXPECT_THAT(chosen(longest)[0], "net/LinkTest.Heals") << "what is not selected does not count";
}

TEST_F(ChooseTest, SeedDecidesTheShuffledOrderWhateverTheListsOrder) {
  std::vector<std::string> once = chosen({.order = Order::kShuffled, .seed = 5});
  EXPECT_THAT(once, SizeIs(5));
  std::reverse(tests_.begin(), tests_.end());
  EXPECT_EQ(chosen({.order = Order::kShuffled, .seed = 5}), once);
  EXPECT_NE(chosen({.order = Order::kShuffled, .seed = 6}), once);
}

TEST_F(ChooseTest, ShufflingKeepsComponentsAndSuitesTogetherAndMovesAllOfThem) {
  tests_.clear();
  for (int i = 0; i < 80; ++i) {
    std::string component = i % 2 == 0 ? "kvd" : "net";
    tests_.push_back(listed(component, "S" + std::to_string(i % 8) + "Test.T" + std::to_string(i)));
  }
  std::set<std::string> firstSuites;
  std::set<std::string> firstTests;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    Choice choice = choose(tests_, {.order = Order::kShuffled, .seed = seed});
    int changes = 0;
    for (size_t i = 1; i < choice.tests.size(); ++i) {
      changes += choice.tests[i].suite == choice.tests[i - 1].suite ? 0 : 1;
    }
    EXPECT_EQ(changes, 7) << "seed " << seed;
    EXPECT_EQ(choice.tests[0].component, choice.tests[39].component) << "seed " << seed;
    firstSuites.insert(choice.tests[0].suite);
    firstTests.insert(choice.tests[0].id());
  }
  EXPECT_THAT(firstSuites, SizeIs(8));
  EXPECT_THAT(firstTests.size(), testing::Gt(8U));
}

TEST_F(ChooseTest, TestsThatDoNotRunBeforeAnotherAreNamedWithTheReason) {
  tests_[1].after = {"KvTest.Heals", "RaftTest", "net/LinkTest"};
  tests_[3].isDisabled = true;
  auto absentBefore = [&](const Selectors& selectors) {
    std::vector<std::string> absent;
    for (const auto& [id, all] : choose(tests_, selectors).absentBefore) {
      for (const AbsentBefore& each : all) absent.push_back(id + ": " + each.id + " " + each.why);
    }
    return absent;
  };
  EXPECT_THAT(absentBefore({.selectors = {{Kind::kWord, "kvd", "it"}}}),
              ElementsAre("kvd/KvTest.Writes: kvd/RaftTest.Loses disabled",
                          "kvd/KvTest.Writes: net/LinkTest.Heals not selected"));
  std::vector<std::string> inShards;
  for (int number = 1; number <= 3; ++number) {
    for (std::string& each : absentBefore({.shard = Shard{number, 3}})) inShards.push_back(each);
  }
  EXPECT_THAT(inShards, testing::Contains(testing::EndsWith("in another shard")));
}

TEST_F(ChooseTest, DisabledTestsAreSelectedApart) {
  tests_[0].isDisabled = true;
  Choice choice = choose(tests_, {.selectors = {{Kind::kWord, "KvTest", "it"}}});
  EXPECT_THAT(idsOf(choice.tests), ElementsAre("kvd/KvTest.Writes"));
  EXPECT_THAT(idsOf(choice.disabled), ElementsAre("kvd/KvTest.Heals"));
}

TEST_F(ChooseTest, TwoTestsOfOneIdAreAnError) {
  tests_.push_back(tests_[0]);
  tests_.back().program = "/other/kvd_tests";
  EXPECT_THAT(refusal({}), AllOf(HasSubstr("3: two tests have the id kvd/KvTest.Heals"),
                                 HasSubstr("/build/bin/kvd_tests"), HasSubstr("/other/kvd_tests")));
  tests_.clear();
  EXPECT_EQ(refusal({}), "1: there are no tests to choose from");
}

}  // namespace
}  // namespace harness::selection
