// The options and words by which tests are chosen (docs/reference/selection.md), for all commands
// that run or list tests. What they select is said by harness/selection/choose.h.
//
//   .options = [] { return withSelection({&kCluster, &kJson}); },
//   …
//   selection::Choice choice = chooseTests(arguments);
#pragma once

#include <string>
#include <vector>

#include "harness/cli/option.h"
#include "harness/cli/options.h"
#include "harness/runner/test_programs.h"
#include "harness/selection/choose.h"

namespace harness {

class Arguments;

inline constexpr TextOption kBinDirectory({
    .name = "bin-dir",
    .value = "DIRECTORY",
    .help = "where the test programs are; by default beside `muster`",
    .completes = WordKind::kDirectories,
});

inline constexpr ListOption kTestNames({
    .name = "test",
    .letter = 't',
    .value = "NAMES",
    .help = "tests of these names, divided by blanks: TEST, SUITE.TEST, SUITE or a pattern of "
            "such; may be given several times",
});

inline constexpr ListOption kTestDirectory({
    .name = "directory",
    .letter = 'd',
    .value = "DIRECTORY",
    .help = "tests whose sources are in this directory, also one of tests_d; may be given several "
            "times",
    .completes = WordKind::kDirectories,
});

inline constexpr ListOption kTestLabel({
    .name = "label",
    .letter = 'L',
    .value = "LABEL",
    .help = "tests with this label; may be given several times",
});

inline constexpr ListOption kTestOwner({
    .name = "owner",
    .value = "OWNER",
    .help = "tests of this owner; may be given several times",
});

inline constexpr ListOption kRequirement({
    .name = "requirement",
    .value = "ID",
    .help = "tests that check this requirement; may be given several times",
});

inline constexpr ListOption kExpression({
    .name = "expression",
    .letter = 'E',
    .value = "EXPRESSION",
    .help = "tests that it fits, such as 'label(slow) & needs(server >= 3)'; may be given several "
            "times",
});

inline constexpr ListOption kListFile({
    .name = "list-file",
    .value = "FILE",
    .help = "tests that this file names, one selector a line; may be given several times",
    .completes = WordKind::kFiles,
});

inline constexpr TextOption kFailed({
    .name = "failed",
    .value = "RUN",
    .help = "tests that were not green in a run, by default the last one",
    .implied = "latest",
});

inline constexpr TextOption kChanged({
    .name = "changed",
    .value = "REVISION",
    .help = "tests whose sources have changed since a revision of git, by default HEAD",
    .implied = "HEAD",
});

// Says what is wrong with a shard such as "2/5"; empty: nothing.
std::string shardProblem(const std::string& value);

inline constexpr TextOption kShard({
    .name = "shard",
    .value = "N/COUNT",
    .help = "only the Nth of COUNT parts of the tests, each of which is in exactly one; by default "
            "that of $GTEST_SHARD_INDEX and $GTEST_TOTAL_SHARDS",
    .problem = shardProblem,
});

// Says what is wrong with the name of an order; empty: nothing.
std::string orderProblem(const std::string& value);

inline constexpr TextOption kOrder({
    .name = "order",
    .value = "declared|longest|shuffled",
    .help = "the order of the tests: as declared or listed, by their times in earlier runs, or by "
            "a seed",
    .problem = orderProblem,
});

inline constexpr CountOption kShuffleSeed(
    {
        .name = "shuffle-seed",
        .value = "NUMBER",
        .help = "the seed of --order shuffled, which it implies; by default a new one",
    },
    {.least = 1, .most = INT64_MAX});

// Returns the options of a command with those above behind them.
OptionList withSelection(OptionList own);

// Returns the programs of --bin-dir. Throws CommandError with kExitNoInput if there are none.
std::vector<TestProgram> testProgramsOf(const Arguments& arguments);

// Returns what the words and the options of a command line ask for. Throws CommandError.
selection::Selectors selectorsOf(const Arguments& arguments);

// Lists the tests of all programs of --bin-dir, and chooses from them. Tells on standard error what
// people should know of it. Throws CommandError with
//   kExitUsage           a selector is wrong or selects nothing
//   kExitNothingRan      each selects something, and together nothing
//   kExitNoInput         there are no programs, or a file or a run cannot be read
//   kExitInfrastructure  a program cannot list its tests, or its tests say something wrong
selection::Choice chooseTests(const Arguments& arguments);

}  // namespace harness
