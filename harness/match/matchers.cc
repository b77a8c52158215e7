#include <signal.h>
#include <string.h>

#include <utility>

#include <muster/matchers.h>

#include "harness/values/failure_text.h"

namespace muster {
namespace {

using Kind = Outcome::Kind;

OutcomeMatcher ofKind(Kind kind, const std::string& description, const std::string& negation) {
  return {[kind](const Outcome& outcome) { return outcome.kind() == kind; }, description, negation};
}

}  // namespace

bool OutcomeMatcher::MatchAndExplain(const Outcome& outcome, testing::MatchResultListener*) const {
  return predicate_(outcome);
}

bool OutcomeMatcher::MatchAndExplain(const Result& result, testing::MatchResultListener*) const {
  return predicate_(result.outcome);
}

bool OutcomeMatcher::MatchAndExplain(const NodeResult& result,
                                     testing::MatchResultListener*) const {
  return result.result && predicate_(result.result->outcome);
}

bool OutcomeMatcher::MatchAndExplain(const Results& results,
                                     testing::MatchResultListener* listener) const {
  if (results.empty()) {
    *listener << "there is no node in it, so nothing was tested";
    return false;
  }
  std::string wrong;
  for (const NodeResult& one : results) {
    if (!MatchAndExplain(one, listener)) wrong += (wrong.empty() ? "" : ", ") + one.node;
  }
  if (!wrong.empty()) *listener << "not so on " << wrong;
  return wrong.empty();
}

OutcomeMatcher Succeeded() {
  return {[](const Outcome& outcome) { return outcome.succeeded(); }, "exits with status 0",
          "does not exit with status 0"};
}

OutcomeMatcher ExitedWith(int exitStatus) {
  std::string status = std::to_string(exitStatus);
  return {[exitStatus](const Outcome& outcome) {
            return outcome.kind() == Kind::kExited && outcome.exitStatus() == exitStatus;
          },
          "exits with status " + status, "does not exit with status " + status};
}

OutcomeMatcher Signalled(int signal) {
  std::string name = "signal " + std::to_string(signal);
  if (const char* text = sigdescr_np(signal)) name += " (" + std::string(text) + ")";
  return {[signal](const Outcome& outcome) {
            return outcome.kind() == Kind::kSignalled && outcome.signal() == signal;
          },
          "is killed by " + name, "is not killed by " + name};
}

OutcomeMatcher NotStarted(int errnoValue) {
  std::string reason = errnoValue ? ": " + std::string(strerrordesc_np(errnoValue)) : "";
  return {[errnoValue](const Outcome& outcome) {
            return outcome.kind() == Kind::kNotStarted &&
                   (errnoValue == 0 || outcome.errnoValue() == errnoValue);
          },
          "cannot be started" + reason, "is not kept from starting" + reason};
}

OutcomeMatcher HitDeadline() {
  return ofKind(Kind::kDeadline, "is killed at its deadline", "is not killed at its deadline");
}

OutcomeMatcher WasCancelled() {
  return ofKind(Kind::kCancelled, "is cancelled", "is not cancelled");
}

OutcomeMatcher HitOutputLimit() {
  return ofKind(Kind::kOutputLimit, "is killed at its output limit",
                "is not killed at its output limit");
}

OutcomeMatcher Lost() {
  return ofKind(Kind::kLost, "is lost", "is not lost");
}

OutcomeMatcher Lost(LostReason reason) {
  return {[reason](const Outcome& outcome) {
            return outcome.kind() == Kind::kLost && outcome.lostReason() == reason;
          },
          "is lost: " + toString(reason), "is not lost: " + toString(reason)};
}

bool OutputMatcher::MatchAndExplain(const Result& result,
                                    testing::MatchResultListener* listener) const {
  *listener << "whose " << name_ << " is " << harness::inQuotes(result.*stream_, 2000) << " ";
  bool ended = !outcome_ || outcome_->MatchAndExplain(result, listener);
  return text_.MatchAndExplain(result.*stream_, listener) && ended;
}

void OutputMatcher::DescribeTo(std::ostream* out) const {
  if (outcome_) {
    outcome_->DescribeTo(out);
    *out << " and ";
  }
  *out << name_ << " ";
  text_.DescribeTo(out);
}

void OutputMatcher::DescribeNegationTo(std::ostream* out) const {
  if (outcome_) {
    outcome_->DescribeNegationTo(out);
    *out << " or ";
  }
  *out << name_ << " ";
  text_.DescribeNegationTo(out);
}

OutputMatcher StdoutIs(const testing::Matcher<const std::string&>& text) {
  return {"stdout", &Result::out, text};
}

OutputMatcher StderrIs(const testing::Matcher<const std::string&>& text) {
  return {"stderr", &Result::err, text};
}

OutputMatcher StdoutHas(const std::string& part) {
  return StdoutIs(testing::HasSubstr(part));
}

OutputMatcher StderrHas(const std::string& part) {
  return StderrIs(testing::HasSubstr(part));
}

OutputMatcher Prints(const std::string& part) {
  return {"stdout", &Result::out, testing::HasSubstr(part), Succeeded()};
}

// Runs the command where it is matched, and not again for the explanation of a mismatch.
bool RunsMatcher::MatchAndExplain(const Node& node, testing::MatchResultListener* listener) const {
  return explanation_.match(&node, listener, [&](testing::MatchResultListener* explanation) {
    return look(node, explanation);
  });
}

void RunsMatcher::DescribeTo(std::ostream* out) const {
  *out << "runs " << harness::argvText(argv_) << ", which ";
  inner_.DescribeTo(out);
}

void RunsMatcher::DescribeNegationTo(std::ostream* out) const {
  *out << "runs " << harness::argvText(argv_) << ", which ";
  inner_.DescribeNegationTo(out);
}

bool RunsMatcher::look(const Node& node, testing::MatchResultListener* explanation) const {
  try {
    Result result = node.run(argv_, options_, {});
    testing::StringMatchResultListener inner;
    bool matched = inner_.MatchAndExplain(result, &inner);
    *explanation << "\n" << describe(result);
    if (!inner.str().empty()) *explanation << "\n  " << inner.str();
    return matched;
  } catch (const NodeError& error) {
    if (error.kind() == NodeError::Kind::kCancelled) throw;
    *explanation << "\n" << error.what();
    return false;
  }
}

RunsMatcher Runs(Argv argv, const testing::Matcher<const Result&>& result, RunOptions options) {
  return {std::move(argv), result, std::move(options)};
}

bool internal::reportNode(const std::string& node, const Observation& seen,
                          testing::MatchResultListener* listener) {
  if (seen.matched) return true;
  *listener << "\n  on " << node << ": " << seen.seen << (seen.explanation.empty() ? "" : ", ")
            << seen.explanation;
  return false;
}

FailsWithMatcher FailsWith(NodeError::Kind kind, testing::Matcher<const std::string&> text) {
  return FailsWithMatcher(kind, std::move(text));
}

void FailsWithMatcher::DescribeTo(std::ostream* out) const {
  *out << "fails with NodeError of kind \"" << toString(kind_) << "\" and a text that ";
  text_.DescribeTo(out);
}

void FailsWithMatcher::DescribeNegationTo(std::ostream* out) const {
  *out << "does not fail with NodeError of kind \"" << toString(kind_) << "\"";
}

bool FailsWithMatcher::explain(const std::function<void()>& call,
                               testing::MatchResultListener* listener) const {
  try {
    call();
  } catch (const NodeError& error) {
    if (error.kind() == NodeError::Kind::kCancelled) throw;
    *listener << "which throws NodeError of kind \"" << toString(error.kind())
              << "\": " << error.what();
    return error.kind() == kind_ && text_.Matches(error.what());
  }
  *listener << "which does not throw";
  return false;
}

}  // namespace muster
