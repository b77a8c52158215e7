// One option of a command line, with its spelling, its help, and the type of its value.
//
// An option is a constant. A command lists it among its options (command.h) and reads its value by
// it, so that neither its name nor its type is written twice:
//
//   constexpr TextOption kUser({.name = "user", .letter = 'u', .value = "NAME", .help = "…"});
//   …
//   std::string user = arguments[kUser];
//
// Options that several commands have are in options.h. Whole command lines are parsed by
// arguments.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace harness {

// The kinds of words and values, for completion in a shell.
enum class WordKind {
  kNone,
  kCommands,
  kNodes,
  // Sets of nodes, and behind them a word that nobody here knows.
  kNodesFirst,
  // Sets of nodes, and behind them the kind of a condition.
  kWaits,
  kClusterFiles,
  // Names of clusters, and their files.
  kClusters,
  kComponents,
  kJobs,
  kRuns,
  // Ids of runs that have ended or go on here, and of tests in them.
  kStoredRuns,
  kStoredTests,
  kFaults,
  // The kind of a fault, and behind it sets of nodes.
  kFaultNodes,
  kChanges,
  // A set of nodes, and behind it the kind of a change.
  kChangeWords,
  // Components, and behind a slash their suites and tests.
  kTests,
  // Paths, on nodes or on this machine.
  kCopies,
  kDirectories,
  kFiles,
  kShells,
  // What --nemesis takes: generators and files; and the kinds of faults that plans have.
  kNemesisPlans,
  kNemesisGenerators,
  kNemesisKinds,
  // Directories of records: ids below ./muster-runs, "latest", and paths.
  kRunDirectories,
  kReportFormats,
};

struct OptionText {
  // Without the dashes.
  const char* name;
  // Zero: the option has no short spelling.
  char letter = 0;
  // The name of the value in the help. Null: the option takes none.
  const char* value = nullptr;
  const char* help = "";
  // The value of an option that is not given.
  const char* initial = "";
  // The value of an option that is given without one. Another one then stands in the same word, as
  // in --changed=REVISION. Null: the option is never given without a value.
  const char* implied = nullptr;
  // Says what is wrong with a value, for an error text behind the value; empty: nothing. Null:
  // every value is right.
  std::string (*problem)(const std::string& value) = nullptr;
  WordKind completes = WordKind::kNone;
};

class Option {
 public:
  const OptionText& text() const { return text_; }
  bool takesValue() const { return text_.value != nullptr; }
  // Tells whether the next word is its value if its own word has none.
  bool takesNextWord() const { return takesValue() && text_.implied == nullptr; }
  // "--cluster"
  std::string spelling() const { return std::string("--") + text_.name; }

  // Throws CommandError with kExitUsage unless the option can have this value.
  virtual void check(const std::string& value) const;

 protected:
  constexpr explicit Option(const OptionText& text) : text_(text) {}
  constexpr ~Option() = default;

  // The last value that was given, else the initial one.
  std::string last(const std::vector<std::string>& given) const;
  [[noreturn]] void refuse(const std::string& value, const std::string& problem) const;

 private:
  OptionText text_;
};

// Given or not.
class Flag final : public Option {
 public:
  using Value = bool;
  constexpr explicit Flag(const OptionText& text) : Option(text) {}
  Value read(const std::vector<std::string>& given) const { return !given.empty(); }
};

class TextOption final : public Option {
 public:
  using Value = std::string;
  constexpr explicit TextOption(const OptionText& text) : Option(text) {}
  Value read(const std::vector<std::string>& given) const { return last(given); }
};

// May be given several times. Has no initial value.
class ListOption final : public Option {
 public:
  using Value = std::vector<std::string>;
  constexpr explicit ListOption(const OptionText& text) : Option(text) {}
  Value read(const std::vector<std::string>& given) const { return given; }
};

// A time such as "500ms", "30s" or "5m".
class DurationOption final : public Option {
 public:
  using Value = std::chrono::nanoseconds;

  struct Range {
    std::chrono::nanoseconds least{1};
    std::chrono::nanoseconds most = std::chrono::nanoseconds::max();
  };
  constexpr explicit DurationOption(const OptionText& text) : Option(text) {}
  constexpr DurationOption(const OptionText& text, const Range& range)
      : Option(text), range_(range) {}
  void check(const std::string& value) const override;
  Value read(const std::vector<std::string>& given) const { return parse(last(given)); }

 private:
  Value parse(const std::string& value) const;
  Range range_;
};

// A whole number from `least` to `most`. Zero without an initial value.
class CountOption final : public Option {
 public:
  using Value = int64_t;

  struct Range {
    int64_t least;
    int64_t most;
  };
  constexpr CountOption(const OptionText& text, const Range& range) : Option(text), range_(range) {}
  void check(const std::string& value) const override;
  Value read(const std::vector<std::string>& given) const;

 private:
  Value parse(const std::string& value) const;
  Range range_;
};

using OptionList = std::vector<const Option*>;

}  // namespace harness
