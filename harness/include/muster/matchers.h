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
//   a callable           FailsWith, and Eventually of what fits its value
//
// They combine with gmock's own, as in AllOf(Succeeded(), StdoutHas("done")). They do not wait:
// Eventually, from eventually.h, does.
//
// Things to get right:
//   * A matcher for outcomes matches one outcome and no other. Not(Succeeded()) also holds of a
//     command that was lost or never began; ExitedWith(1) is what most tests mean.
//   * The -Is and -Has matchers look at the output alone. Add Succeeded() or use Prints.
//   * Runs acts at the moment of matching, on the calling thread, and within the test's deadline.
//   * A node that does not answer throws NodeError from node.run() itself, before any matcher sees
//     it. Runs, OnEachNode and Eventually take such an error as a mismatch and show its text.
//   * OnEachNode matches an empty set, and the outcomes match empty Results: nothing was tested
//   then.
//     Say ASSERT_FALSE(set.empty()) first where the set may be empty.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <muster/eventually.h>
#include <muster/node_set.h>

namespace muster {

// Matches a Result, an Outcome, a NodeResult, or Results of which every one does. A NodeResult with
// an error does not match.
class OutcomeMatcher {
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

// Match the output of a Result, whatever its outcome. A plain string means equality for -Is, and a
// part of the output for -Has. The final newline belongs to the output.
testing::Matcher<const Result&> StdoutIs(const testing::Matcher<const std::string&>& text);
testing::Matcher<const Result&> StderrIs(const testing::Matcher<const std::string&>& text);
testing::Matcher<const Result&> StdoutHas(const std::string& part);
testing::Matcher<const Result&> StderrHas(const std::string& part);

// Matches a command that exited with status 0 and has `part` in its standard output.
testing::Matcher<const Result&> Prints(const std::string& part);

// Runs a command on the Node it is matched against, within DeadlineScope::current(), and matches
// the result. A NodeError is a mismatch with its text, so Eventually goes on polling a node that is
// not there yet.
//
//   EXPECT_THAT(node, Runs({"id", "-un"}, StdoutIs("nobody\n"), {.user = "nobody"}));
//
// Outside of Eventually, matching node.run() says the same with less.
testing::Matcher<const Node&> Runs(Argv argv,
                                   const testing::Matcher<const Result&>& result = Succeeded(),
                                   RunOptions options = {});

// What FailsWith returns.
class FailsWithMatcher {
 public:
  using is_gtest_matcher = void;

  FailsWithMatcher(NodeError::Kind kind, testing::Matcher<const std::string&> text)
      : kind_(kind), text_(std::move(text)) {}

  // Calls `callable`, which takes no arguments. One that returns nothing serves as well.
  template <typename Callable>
  bool MatchAndExplain(const Callable& callable, testing::MatchResultListener* listener) const {
    return explain([&callable] { static_cast<void>(callable()); }, listener);
  }
  void DescribeTo(std::ostream* out) const;
  void DescribeNegationTo(std::ostream* out) const;

 private:
  bool explain(const std::function<void()>& call, testing::MatchResultListener* listener) const;

  NodeError::Kind kind_;
  testing::Matcher<const std::string&> text_;
};

// Matches a callable that throws NodeError of this kind. `text` is matched against
// NodeError::what(). The callable's value is ignored, and exceptions of other types pass through.
// On failure gtest calls it a second time, for the explanation.
FailsWithMatcher FailsWith(NodeError::Kind kind,
                           testing::Matcher<const std::string&> text = testing::_);

namespace internal {

// What OnEachNode returns.
template <typename Inner>
class OnEachNodeMatcher {
 public:
  using is_gtest_matcher = void;

  explicit OnEachNodeMatcher(Inner inner) : inner_(std::move(inner)) {}

  bool MatchAndExplain(const Results& results, testing::MatchResultListener* listener) const {
    bool all = true;
    for (const NodeResult& one : results) {
      all = one.result ? report(one.node, observe(*one.result, inner_), listener) && all
                       : report(one.node, {false, one.error->what(), ""}, listener);
    }
    return all;
  }
  bool MatchAndExplain(const NodeSet& nodes, testing::MatchResultListener* listener) const {
    bool all = true;
    for (Node& node : nodes)
      all = report(node.name(), observe(static_cast<const Node&>(node), inner_), listener) && all;
    return all;
  }
  void DescribeTo(std::ostream* out) const {
    *out << "on each node: ";
    inner_.DescribeTo(out);
  }
  void DescribeNegationTo(std::ostream* out) const {
    *out << "not on each node: ";
    inner_.DescribeTo(out);
  }

 private:
  static bool report(const std::string& node, const Observation& seen,
                     testing::MatchResultListener* listener) {
    if (!seen.matched) {
      *listener << "\n  on " << node << ": " << seen.seen << (seen.explanation.empty() ? "" : ", ")
                << seen.explanation;
    }
    return seen.matched;
  }

  Inner inner_;
};

}  // namespace internal

// Matches Results, or a NodeSet, each of whose members `inner` matches. A node that answered with
// an error does not match. The failure names the nodes that do not match, and only those. The
// members of a NodeSet are looked at one after the other; run on the set first where that takes
// long.
template <typename Inner>
internal::OnEachNodeMatcher<Inner> OnEachNode(Inner inner) {
  return internal::OnEachNodeMatcher<Inner>(std::move(inner));
}

}  // namespace muster
