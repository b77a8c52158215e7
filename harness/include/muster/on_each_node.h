// The matcher of what holds on every node of a set.
//
//   EXPECT_THAT(servers().run({"sync"}), OnEachNode(Succeeded()));
//   EXPECT_THAT(servers().file("/etc/kvd.conf").read(), OnEachNode("peers=3\n"));
//   EXPECT_THAT(servers(), OnEachNode(Runs({"pgrep", "kvd"}, Not(Succeeded()))));
//
// A failure shows the nodes that differ, and how:
//
//   on server2: node server2 (10.77.0.12): run ["sync"]: exited with status 1 after 5.0 ms
//
// What must hold of one node is said by another matcher, of matchers.h
// or of gmock. gmock's Each and Contains take sets as well, and say only which place differs.
//
// The subject decides what `inner` is matched against: the Result of each node, what each node
// answered to another call, or the node itself. A node without an answer is shown by its error:
//
//   on server3: node server3: read "/etc/kvd.conf": unreachable: since 4.2 s
//
// Things to get right:
//   * An empty set does not match: nothing was tested. gmock's IsEmpty says that it should be
//   empty.
//   * A node that answered with an error does not match, whatever is asked of its result. Neither
//     does it with OnEachNode(Not(…)).
//   * The members of a NodeSet are looked at one after the other. Run on the set first where that
//     takes long: EXPECT_THAT(set.run({…}), OnEachNode(…)).
#pragma once

#include <string>
#include <type_traits>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <muster/eventually.h>
#include <muster/node_set.h>

namespace muster {
namespace internal {

// Adds a line for a node that does not match, with what was seen of it, and returns whether it
// matches.
bool reportNode(const std::string& node, const Observation& seen,
                testing::MatchResultListener* listener);

// Names the type that is matched of each node, which the inner matcher must fit. There are no other
// sets: matching one Result needs no OnEachNode, and a vector of them has gmock's Each.
template <typename Set>
struct MemberOfSet {
  static_assert(sizeof(Set) == 0, "OnEachNode matches Results, NodeAnswers or a NodeSet");
};
template <>
struct MemberOfSet<Results> {
  using Type = Result;
};
template <>
struct MemberOfSet<NodeSet> {
  using Type = Node;
};
template <typename Value>
struct MemberOfSet<NodeAnswers<Value>> {
  using Type = Value;
};

// Matches sets of one type for OnEachNode.
template <typename Subject>
class OnEachNodeImpl : public testing::MatcherInterface<Subject> {
 public:
  using Set = std::remove_cvref_t<Subject>;
  using Member = typename MemberOfSet<Set>::Type;

  template <typename Inner>
  explicit OnEachNodeImpl(const Inner& inner)
      : inner_(testing::SafeMatcherCast<const Member&>(inner)) {}

  // Looks at all members, also behind one that does not match: the failure names all of them.
  bool MatchAndExplain(Subject set, testing::MatchResultListener* listener) const override {
    return explanation_.match(&set, listener, [&](testing::MatchResultListener* explanation) {
      if (set.empty()) *explanation << "there is no node in it, so nothing was tested";
      bool all = !set.empty();
      for (const auto& one : set) all = matches(one, explanation) && all;
      return all;
    });
  }

  // The words behind "Expected: ".
  void DescribeTo(std::ostream* out) const override {
    *out << "on each node: ";
    inner_.DescribeTo(out);
  }
  void DescribeNegationTo(std::ostream* out) const override {
    *out << "not on each node: ";
    inner_.DescribeTo(out);
  }

 private:
  // A node that answered with an error has no result that could match: the error is what was seen.
  // The same holds of the other answers, below.
  bool matches(const NodeResult& one, testing::MatchResultListener* listener) const {
    if (!one.result) return reportNode(one.node, {false, one.error->what(), ""}, listener);
    return reportNode(one.node, observe<Member>(*one.result, inner_), listener);
  }

  // Looks at the value of any other call.
  bool matches(const NodeAnswer<Member>& one, testing::MatchResultListener* listener) const {
    if (!one.value) return reportNode(one.node, {false, one.error->what(), ""}, listener);
    return reportNode(one.node, observe<Member>(*one.value, inner_), listener);
  }

  // Looks at a node itself, as Runs does.
  bool matches(const Node& node, testing::MatchResultListener* listener) const {
    return reportNode(node.name(), observe<Member>(node, inner_), listener);
  }
  testing::Matcher<const Member&> inner_;
  FirstExplanation explanation_;
};

// What OnEachNode returns. It becomes a matcher of whatever type gmock asks for, as gmock's own do,
// and so combines with all of them.
template <typename Inner>
class OnEachNodeMatcher : public testing::BaseOfMusterMatchers {
 public:
  explicit OnEachNodeMatcher(Inner inner) : inner_(std::move(inner)) {}

  template <typename Subject>
  operator testing::Matcher<Subject>() const {  // Not explicit: gmock converts.
    return testing::Matcher<Subject>(new OnEachNodeImpl<Subject>(inner_));
  }

 private:
  Inner inner_;
};

}  // namespace internal

// Matches Results, NodeAnswers, or a NodeSet, each of whose members `inner` matches. `inner` may be
// one of Muster's matchers or any of gmock's.
//
//   EXPECT_THAT(servers().run({"kvctl", "status"}), OnEachNode(Not(StdoutHas("stale"))));
//
// The failure names the nodes that do not match, and only those, with what was seen of each. A
// matcher of its own for every node is Results::operator[], as in results["server1"].
template <typename Inner>
internal::OnEachNodeMatcher<Inner> OnEachNode(Inner inner) {
  return internal::OnEachNodeMatcher<Inner>(std::move(inner));
}

}  // namespace muster
