// How command lines are read: a table over every command, and the cases of single ones.
#include "harness/cli/arguments.h"

#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/cli/old_spellings.h"
#include "harness/cli/options.h"
#include "harness/cli/selection_words.h"

namespace harness {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Words = std::vector<std::string>;
using Wish = CommandLine::Wish;

// "64: text" of a refusal.
std::string refusal(const Words& words) {
  try {
    parseCommandLine(words);
  } catch (const CommandError& error) {
    return std::to_string(error.status()) + ": " + error.what();
  }
  return "nothing was refused";
}

Words nameOf(const Command& command) {
  std::string name = command.name;
  size_t space = name.find(' ');
  return space == std::string::npos ? Words{name}
                                    : Words{name.substr(0, space), name.substr(space + 1)};
}

// A value that the option can have.
std::string valueFor(const Option& option) {
  if (!option.takesValue()) return "";
  for (std::string value :
       {"10m", "5", "a=b", "a: b", "admin", "tcp", "20%", "8mbit", "5s", "gentle", "freeze", "io",
        "1/2", "declared", "suite", "used", "junit"}) {
    try {
      option.check(value);
      return value;
    } catch (const CommandError&) {
      continue;
    }
  }
  return "";
}

// Groups do nothing themselves, so only the help of a group can be asked for.
std::vector<const Command*> runnable() {
  std::vector<const Command*> all;
  for (const Command* command : commands()) {
    if (actionsOf(*command).empty()) all.push_back(command);
  }
  return all;
}

// Each command with as few words as it takes.
class EveryCommandTest : public testing::TestWithParam<const Command*> {
 protected:
  const Command& command() const { return *GetParam(); }
  Words line(Words more = {}) const {
    Words words = nameOf(command());
    for (size_t i = 0; i < command().wordsLeast; ++i) words.push_back("w");
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
};

TEST_P(EveryCommandTest, RunsWithAsFewWordsAsItTakes) {
  CommandLine parsed = parseCommandLine(line());
  EXPECT_EQ(parsed.wish, Wish::kRunCommand);
  EXPECT_EQ(parsed.command, GetParam());
  EXPECT_EQ(parsed.arguments->words().size(), command().wordsLeast);
  EXPECT_THAT(parsed.notes, IsEmpty());
}

TEST_P(EveryCommandTest, RefusesTooFewAndTooManyWords) {
  if (command().wordsLeast > 0) {
    EXPECT_THAT(refusal(nameOf(command())), HasSubstr("64: an argument is missing; usage: muster " +
                                                      std::string(command().name)));
  }
  Words many(command().wordsMost - command().wordsLeast + 1, "w");
  EXPECT_THAT(refusal(line(many)), HasSubstr("64: one argument too many: \"w\"; usage: "));
}

TEST_P(EveryCommandTest, RefusesAnUnknownOptionWhereverItStands) {
  Words words = line({"--bogus"});
  std::string complaint = "64: there is no option \"--bogus\"; see muster ";
  EXPECT_THAT(refusal(words), HasSubstr(complaint + command().name + " --help"));
  words.pop_back();
  words.insert(words.begin(), "--bogus");
  EXPECT_THAT(refusal(words), HasSubstr(complaint));
  EXPECT_THAT(refusal(line({"-Z"})), HasSubstr("no option \"-Z\""));
}

TEST_P(EveryCommandTest, TakesEachOptionBeforeAndBehindItsName) {
  for (const Option* option : command().options()) {
    std::string value = valueFor(*option);
    Words spelt = {option->spelling()};
    if (option->takesNextWord()) spelt.push_back(value);
    Words before = line();
    before.insert(before.begin(), spelt.begin(), spelt.end());
    EXPECT_TRUE(parseCommandLine(before).arguments->has(*option)) << option->spelling();
    EXPECT_TRUE(parseCommandLine(line(spelt)).arguments->has(*option)) << option->spelling();
    if (option->takesValue()) {
      EXPECT_TRUE(parseCommandLine(line({spelt[0] + "=" + value})).arguments->has(*option));
      bool isImplied = !option->takesNextWord();
      EXPECT_THAT(refusal(line({spelt[0]})),
                  HasSubstr(isImplied ? "nothing was refused" : "the value is missing"));
    } else {
      EXPECT_THAT(refusal(line({spelt[0] + "=x"})), HasSubstr("takes no value"));
    }
  }
}

TEST_P(EveryCommandTest, HelpIsShownWhereverItIsAskedFor) {
  std::vector<Words> lines = {line({"--help"}), line({"-h"}), line({"--bogus", "--help"}),
                              nameOf(command())};
  lines.back().push_back("--help");
  lines.push_back(nameOf(command()));
  lines.back().insert(lines.back().begin(), "--help");
  for (const Option* option : command().options()) {
    lines.push_back(line({option->spelling(), "--help"}));
  }
  for (const Words& words : lines) {
    CommandLine parsed = parseCommandLine(words);
    EXPECT_EQ(parsed.wish, Wish::kShowHelp) << testing::PrintToString(words);
    EXPECT_EQ(parsed.command, GetParam()) << testing::PrintToString(words);
  }
}

TEST_P(EveryCommandTest, NothingBehindTwoDashesIsAnOption) {
  Words words = line({"--", "--help"});
  if (command().rest == Rest::kSeparate) {
    EXPECT_THAT(parseCommandLine(words).arguments->rest(), ElementsAre("--help"));
  } else if (command().wordsLeast < command().wordsMost) {
    EXPECT_EQ(parseCommandLine(words).arguments->words().back(), "--help");
  } else {
    EXPECT_THAT(refusal(words), HasSubstr("one argument too many: \"--help\""));
  }
}

// "pkiToken"
std::string testName(const testing::TestParamInfo<const Command*>& tested) {
  std::string name;
  for (char c : std::string(tested.param->name)) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) name += c;
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Commands, EveryCommandTest, testing::ValuesIn(runnable()), testName);

// Whether an option takes a value is asked before the command is known, if it stands there. With
// these, the next word decides.
TEST(OptionsTest, OneSpellingTakesAValueEverywhereOrNowhere) {
  const std::set<std::string> ambiguous = {"-d", "--count"};
  std::map<std::string, bool> takes;
  auto same = [&](const std::string& spelling, const Option& option) {
    if (ambiguous.count(spelling) != 0) return true;
    return takes.emplace(spelling, option.takesValue()).first->second == option.takesValue();
  };
  for (const Command* command : commands()) {
    for (const Option* option : command->options()) {
      EXPECT_TRUE(same(option->spelling(), *option)) << command->name << option->spelling();
      if (option->text().letter == 0) continue;
      EXPECT_TRUE(same(std::string("-") + option->text().letter, *option)) << command->name;
    }
  }
  for (const OldSpelling& old : oldSpellings()) {
    const Command* command = findCommand(old.command);
    ASSERT_NE(command, nullptr) << old.command;
    if (old.old[0] != '-') continue;
    const Option* option = findOption(*command, old.now);
    ASSERT_NE(option, nullptr) << old.now;
    EXPECT_TRUE(same(old.old, *option)) << old.command << " " << old.old;
  }
}

TEST(OptionsTest, OneLetterMeansOneOption) {
  std::map<char, std::string> letters;
  for (const Command* command : commands()) {
    for (const Option* option : command->options()) {
      // -t and -d of `list` and `run` are those of other frameworks for tests.
      bool isKnownElsewhere = option == &kTestNames || option == &kTestDirectory;
      if (option->text().letter == 0 || isKnownElsewhere) continue;
      EXPECT_EQ(letters.emplace(option->text().letter, option->spelling()).first->second,
                option->spelling());
    }
  }
}

TEST(OptionsTest, CommandDecidesWhetherItsOptionTakesAValue) {
  CommandLine list = parseCommandLine({"list", "-d", "tests_d/kvd", "kvd"});
  EXPECT_THAT((*list.arguments)[kTestDirectory], ElementsAre("tests_d/kvd"));
  EXPECT_THAT(list.arguments->words(), ElementsAre("kvd"));
  CommandLine exec = parseCommandLine({"exec", "-d", "n1", "--", "true"});
  EXPECT_THAT(exec.arguments->words(), ElementsAre("n1"));
  for (const Words& words : {Words{"pki", "serve", "--count", "2"},
                             {"--count", "2", "pki", "serve"},
                             {"--count", "list"},
                             {"-d", "kvd", "list"}}) {
    EXPECT_THAT(parseCommandLine(words).arguments->words(), IsEmpty())
        << testing::PrintToString(words);
  }
}

TEST(OptionsTest, OptionWithAnImpliedValueLeavesTheNextWordAlone) {
  CommandLine plain = parseCommandLine({"list", "--changed", "kvd"});
  EXPECT_EQ((*plain.arguments)[kChanged], "HEAD");
  EXPECT_THAT(plain.arguments->words(), ElementsAre("kvd"));
  CommandLine given = parseCommandLine({"list", "--changed=v1.2", "kvd"});
  EXPECT_EQ((*given.arguments)[kChanged], "v1.2");
}

TEST(OldSpellingsTest, EachMeansThePresentOneAndSaysSo) {
  for (const OldSpelling& old : oldSpellings()) {
    if (old.old[0] != '-') continue;
    const Command& command = *findCommand(old.command);
    const Option* option = findOption(command, old.now);
    ASSERT_NE(option, nullptr) << old.command << " " << old.now;
    Words words = nameOf(command);
    for (size_t i = 0; i < command.wordsLeast; ++i) words.push_back("w");
    words.push_back(old.old);
    if (option->takesValue()) words.push_back(valueFor(*option));
    CommandLine parsed = parseCommandLine(words);
    EXPECT_TRUE(parsed.arguments->has(*option)) << old.command << " " << old.old;
    EXPECT_THAT(parsed.notes, ElementsAre(HasSubstr(std::string("is now spelt ") + old.now)));
  }
}

TEST(OldSpellingsTest, AnActionIsFoundByItsOldName) {
  CommandLine parsed = parseCommandLine({"pki", "withdraw", "0123"});
  EXPECT_STREQ(parsed.command->name, "pki revoke-token");
  EXPECT_THAT(parsed.arguments->words(), ElementsAre("0123"));
  EXPECT_THAT(parsed.notes, ElementsAre(HasSubstr("withdraw is now spelt revoke-token")));
}

TEST(CommandLineTest, OptionsStandAnywhereAndTheLastOneCounts) {
  CommandLine parsed =
      parseCommandLine({"--cluster=a", "exec", "--cluster", "b", "n1", "-it5s", "--", "ls", "-l"});
  const Arguments& arguments = *parsed.arguments;
  EXPECT_EQ(arguments[kCluster], "b");
  EXPECT_THAT(arguments.words(), ElementsAre("n1"));
  EXPECT_THAT(arguments.rest(), ElementsAre("ls", "-l"));
  EXPECT_TRUE(arguments.has(*findOption(*parsed.command, "-i")));
  EXPECT_TRUE(arguments.has(*findOption(*parsed.command, "--timeout")));
}

TEST(CommandLineTest, WhatIsNotGivenHasItsInitialValue) {
  CommandLine parsed = parseCommandLine({"ps"});
  EXPECT_EQ((*parsed.arguments)[kConnectTimeout], std::chrono::seconds(5));
  EXPECT_FALSE((*parsed.arguments)[kJson]);
  EXPECT_THAT((*parsed.arguments)[kLabel], IsEmpty());
  EXPECT_THROW((*parsed.arguments)[kUser], std::logic_error);
}

TEST(CommandLineTest, WithoutACommandThereIsHelpOrTheVersion) {
  EXPECT_EQ(parseCommandLine({}).wish, Wish::kNothing);
  EXPECT_EQ(parseCommandLine({"--json"}).wish, Wish::kNothing);
  EXPECT_EQ(parseCommandLine({"--help"}).wish, Wish::kShowHelp);
  EXPECT_EQ(parseCommandLine({"--help"}).command, nullptr);
  EXPECT_EQ(parseCommandLine({"--version"}).wish, Wish::kShowVersion);
  EXPECT_THAT(refusal({"--bogus", "x"}), HasSubstr("no option \"--bogus\"; see muster --help"));
}

TEST(CommandLineTest, WrongWordsAreNamedWithWhatWouldBeRight) {
  struct Wrong {
    Words words;
    const char* text;
  };
  for (const Wrong& wrong : std::vector<Wrong>{
           {{"exce"}, "there is no command \"exce\"; did you mean \"exec\"?"},
           {{"--help", "exce"}, "there is no command \"exce\""},
           {{"pki"}, "an argument is missing; usage: muster pki [OPTION...] ACTION"},
           {{"pki", "nod", "n1"}, "no \"muster pki nod\"; did you mean \"node\"?"},
           {{"nodes", "--jsn"}, "did you mean \"--json\"?"},
           {{"exec", "n1", "--timeout", "0s"}, "--timeout: \"0s\" is not a positive duration"},
           {{"exec", "n1", "--run-id", "a b"}, "--run-id: \"a b\" "},
           {{"ps", "--label", "x"}, "--label: \"x\" is not of the form NAME=VALUE"},
           {{"kill", "a.1", "--grace", "x"}, "--grace: \"x\" is not a duration, such as 0s"},
           {{"pki", "node", "n1", "--days="}, "--days: \"\" is not a number from 1 to 3650"},
           {{"pki", "node", "n1", "--days=3651"}, "--days: \"3651\" is not a number"},
           {{"pki", "token", "n1", "--valid=8d"}, "is not a duration from 10 s to 7 d"},
           {{"pki", "client", "c", "--role=root"}, "--role: \"root\" is no role"}}) {
    EXPECT_THAT(refusal(wrong.words), HasSubstr(std::string("64: "))) << wrong.text;
    EXPECT_THAT(refusal(wrong.words), HasSubstr(wrong.text));
  }
}

}  // namespace
}  // namespace harness
