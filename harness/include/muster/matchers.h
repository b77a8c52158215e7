// gmock matchers for what nodes answer. Failure texts name node, command, outcome and the last
// output.
//
//   EXPECT_THAT(node.run({"true"}), Succeeded());
//   EXPECT_THAT(node.run({"hostname"}), StdoutIs("n1\n"));
//   EXPECT_THAT(servers().run({"sync"}), OnEachNode(Succeeded()));
//   EXPECT_THAT(node, Eventually(Runs({"kvctl", "status"}, Prints("ready")), 30s));
#pragma once

#include <functional>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <muster/eventually.h>
#include <muster/node_set.h>

namespace muster {

// Matches a Result, an Outcome, a NodeResult, or Results of which every one does.
class OutcomeMatcher {
 public:
  using is_gtest_matcher = void;
  using Predicate = std::function<bool(const Outcome&)>;

  // `description` completes "expected that the command …", `negation` its opposite.
  OutcomeMatcher(Predicate predicate, std::string description, std::string negation)
      : predicate_(std::move(predicate)),
        description_(std::move(description)),
        negation_(std::move(negation)) {}

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

OutcomeMatcher Succeeded();  // Exited with status 0.
OutcomeMatcher ExitedWith(int exitStatus);
OutcomeMatcher Signalled(int signal);       // By a signal that Muster did not send.
OutcomeMatcher NotStarted(int errnoValue);  // Such as ENOENT; 0: for whatever reason.
OutcomeMatcher HitDeadline();
OutcomeMatcher WasCancelled();
OutcomeMatcher HitOutputLimit();
OutcomeMatcher Lost();  // For whatever reason.
OutcomeMatcher Lost(LostReason reason);

// Match the output of a Result, whatever its outcome. A plain string means equality for -Is, a part
// of it for -Has.
testing::Matcher<const Result&> StdoutIs(const testing::Matcher<const std::string&>& text);
testing::Matcher<const Result&> StderrIs(const testing::Matcher<const std::string&>& text);
testing::Matcher<const Result&> StdoutHas(const std::string& part);
testing::Matcher<const Result&> StderrHas(const std::string& part);

// Exited with status 0 and has `part` in its standard output.
testing::Matcher<const Result&> Prints(const std::string& part);

// Runs a command on the Node it is matched against, within DeadlineScope::current(), and matches
// the result. A NodeError is a mismatch with its text, so Eventually goes on polling a node that is
// not there yet.
testing::Matcher<const Node&> Runs(Argv argv,
                                   const testing::Matcher<const Result&>& result = Succeeded(),
                                   RunOptions options = {});

// Matches a callable that throws NodeError of this kind.
class FailsWithMatcher {
 public:
  using is_gtest_matcher = void;

  FailsWithMatcher(NodeError::Kind kind, testing::Matcher<const std::string&> text)
      : kind_(kind), text_(std::move(text)) {}

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

// `text` is matched against NodeError::what().
FailsWithMatcher FailsWith(NodeError::Kind kind,
                           testing::Matcher<const std::string&> text = testing::_);

namespace internal {

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

// Matches Results, or a NodeSet, each of whose members `inner` matches. Names those that it does
// not.
template <typename Inner>
internal::OnEachNodeMatcher<Inner> OnEachNode(Inner inner) {
  return internal::OnEachNodeMatcher<Inner>(std::move(inner));
}

}  // namespace muster
