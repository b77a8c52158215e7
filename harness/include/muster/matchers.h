// gmock matchers for what nodes answer, whose failure texts name node, command, outcome and the
// last output.
//
//   EXPECT_THAT(node.run({"true"}), Succeeded());
//   EXPECT_THAT(node.run({"hostname"}), StdoutIs("n1\n"));
//   EXPECT_THAT(servers().run({"sync"}), OnEachNode(Succeeded()));
//   EXPECT_THAT(node, Eventually(Runs({"kvctl", "status"}, Prints("ready")), 30s));
//   EXPECT_THAT([&] { return node.file("/none").read(); }, FailsWith(NodeError::Kind::kNotFound));
//
// The subject decides which of them fit:
//
//   Outcome, NodeResult  the outcomes (Succeeded, ExitedWith, Lost and the like)
//   Result               the outcomes, and StdoutIs, StderrIs, StdoutHas, StderrHas, Prints
//   Results              the outcomes, and OnEachNode of what fits a Result
//   Node                 Runs, and Eventually(Runs(…), within)
//   NodeSet              OnEachNode of what fits a Node
//   NodeAnswers          OnEachNode of what fits a value, gmock's matchers and plain values too
//   a callable           FailsWith, and Eventually of what fits its value
//
// They combine with gmock's own in both ways, as in AllOf(Succeeded(), StdoutHas("done")),
// OnEachNode(Not(Succeeded())), Each(StdoutHas("x")) of Results, and Eventually(AnyOf(…), 5s). They
// do not wait: Eventually, from eventually.h, does.
//
// Things to get right:
//   * A matcher for outcomes matches one outcome and no other. Not(Succeeded()) also holds of a
//     command that was lost or never began; ExitedWith(1) is what most tests mean.
//   * The -Is and -Has matchers look at the output alone. Add Succeeded() or use Prints.
//   * Runs, FailsWith and OnEachNode act once for each expectation, and not again for the text of a
//     failure, unless they stand in AllOf or the like, which ask as often as they like.
//   * Runs acts at the moment of matching, on the calling thread, and within the test's deadline.
//   * A node that does not answer throws NodeError from node.run() itself, before any matcher sees
//     it. Runs, OnEachNode and Eventually take such an error as a mismatch and show its text.
//   * Empty Results, of which nothing was tested, match no outcome.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <muster/eventually.h>
#include <muster/node_set.h>
#include <muster/on_each_node.h>

namespace muster {

// Matches a Result, an Outcome, a NodeResult, or Results of which every one does and which are not
// empty. A NodeResult with an error does not match.
class OutcomeMatcher : public testing::BaseOfMusterMatchers {
 public:
  using is_gtest_matcher = void;
  using Predicate = std::function<bool(const Outcome&)>;

  // `description` completes "expected that the command …", and `negation` its opposite. Tests do
  // not need this: the functions below make the matchers.
  OutcomeMatcher(Predicate predicate, std::string description, std::string negation)
      : predicate_(std::move(predicate)),
        description_(std::move(description)),
        negation_(std::move(negation)) {}

  // Results match if every one does, and the explanation names the nodes that do not.
  bool MatchAndExplain(const Outcome& outcome, testing::MatchResultListener* listener) const;
  bool MatchAndExplain(const Result& result, testing::MatchResultListener* listener) const;
  bool MatchAndExplain(const NodeResult& result, testing::MatchResultListener* listener) const;
  bool MatchAndExplain(const Results& results, testing::MatchResultListener* listener) const;
  void DescribeTo(std::ostream* out) const { *out << description_; }
  void DescribeNegationTo(std::ostream* out) const { *out << negation_; }

 private:
  Predicate predicate_;
  std::string description_;
  std::string negation_;
};

// Matches a command that exited with status 0.
OutcomeMatcher Succeeded();

// Matches a command that exited by itself with this status, from 0 to 255.
OutcomeMatcher ExitedWith(int exitStatus);

// Matches a command that this signal ended, unless Muster sent it to end the command.
OutcomeMatcher Signalled(int signal);

// Matches a command that never ran, for this reason, such as ENOENT. 0 means any reason.
OutcomeMatcher NotStarted(int errnoValue);

// Match a command that Muster killed: at its deadline, by its Process, or for writing too much.
OutcomeMatcher HitDeadline();
OutcomeMatcher WasCancelled();
OutcomeMatcher HitOutputLimit();

// Match a command whose end cannot be known, for any reason or for this one.
OutcomeMatcher Lost();
OutcomeMatcher Lost(LostReason reason);

// Matches one stream of a Result. Tests do not need its constructor.
class OutputMatcher : public testing::BaseOfMusterMatchers {
 public:
  using is_gtest_matcher = void;
  using Stream = std::string Result::*;

  // `name` is borrowed: a literal. With `outcome`, the command must end so as well.
  OutputMatcher(const char* name, Stream stream, testing::Matcher<const std::string&> text,
                std::optional<OutcomeMatcher> outcome = std::nullopt)
      : name_(name), stream_(stream), text_(std::move(text)), outcome_(std::move(outcome)) {}

  bool MatchAndExplain(const Result& result, testing::MatchResultListener* listener) const;
  void DescribeTo(std::ostream* out) const;
  void DescribeNegationTo(std::ostream* out) const;

 private:
  const char* name_;
  Stream stream_;
  testing::Matcher<const std::string&> text_;
  std::optional<OutcomeMatcher> outcome_;
};

// Match the output of a Result, whatever its outcome. A plain string means equality for -Is, and a
// part of the output for -Has. The final newline belongs to the output.
OutputMatcher StdoutIs(const testing::Matcher<const std::string&>& text);
OutputMatcher StderrIs(const testing::Matcher<const std::string&>& text);
OutputMatcher StdoutHas(const std::string& part);
OutputMatcher StderrHas(const std::string& part);

// Matches a command that exited with status 0 and has `part` in its standard output.
OutputMatcher Prints(const std::string& part);

// What Runs returns.
class RunsMatcher : public testing::BaseOfMusterMatchers {
 public:
  using is_gtest_matcher = void;

  RunsMatcher(Argv argv, testing::Matcher<const Result&> inner, RunOptions options)
      : argv_(std::move(argv)), inner_(std::move(inner)), options_(std::move(options)) {}

  bool MatchAndExplain(const Node& node, testing::MatchResultListener* listener) const;
  void DescribeTo(std::ostream* out) const;
  void DescribeNegationTo(std::ostream* out) const;

 private:
  // Runs the command once and explains what came back.
  bool look(const Node& node, testing::MatchResultListener* explanation) const;

  Argv argv_;
  testing::Matcher<const Result&> inner_;
  RunOptions options_;
  internal::FirstExplanation explanation_;
};

// Runs a command on the Node it is matched against, within DeadlineScope::current(), and matches
// the result. A NodeError is a mismatch with its text, so Eventually goes on polling a node that is
// not there yet.
//
//   EXPECT_THAT(node, Runs({"id", "-un"}, StdoutIs("nobody\n"), {.user = "nobody"}));
//
// Outside of Eventually, matching node.run() says the same with less.
RunsMatcher Runs(Argv argv, const testing::Matcher<const Result&>& result = Succeeded(),
                 RunOptions options = {});

// What FailsWith returns.
class FailsWithMatcher : public testing::BaseOfMusterMatchers {
 public:
  using is_gtest_matcher = void;

  FailsWithMatcher(NodeError::Kind kind, testing::Matcher<const std::string&> text)
      : kind_(kind), text_(std::move(text)) {}

  // Calls `callable`, which takes no arguments. One that returns nothing serves as well.
  template <typename Callable>
  bool MatchAndExplain(const Callable& callable, testing::MatchResultListener* listener) const {
    return explanation_.match(&callable, listener, [&](testing::MatchResultListener* explanation) {
      return explain([&callable] { static_cast<void>(callable()); }, explanation);
    });
  }
  void DescribeTo(std::ostream* out) const;
  void DescribeNegationTo(std::ostream* out) const;

 private:
  bool explain(const std::function<void()>& call, testing::MatchResultListener* listener) const;

  NodeError::Kind kind_;
  testing::Matcher<const std::string&> text_;
  internal::FirstExplanation explanation_;
};

// Matches a callable that throws NodeError of this kind. `text` is matched against
// NodeError::what(). The callable's value is ignored, and exceptions of other types pass through.
FailsWithMatcher FailsWith(NodeError::Kind kind,
                           testing::Matcher<const std::string&> text = testing::_);

}  // namespace muster
