#include <signal.h>
#include <string.h>

#include <memory>
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

namespace {

// Applies a matcher to one text of a result.
class StreamMatcher {
 public:
  using is_gtest_matcher = void;

  StreamMatcher(const char* name, std::string Result::*text,
                testing::Matcher<const std::string&> inner)
      : name_(name), text_(text), inner_(std::move(inner)) {}

  bool MatchAndExplain(const Result& result, testing::MatchResultListener* listener) const {
    *listener << "whose " << name_ << " is " << harness::quoted(result.*text_, 2000) << " ";
    return inner_.MatchAndExplain(result.*text_, listener);
  }
  void DescribeTo(std::ostream* out) const {
    *out << name_ << " ";
    inner_.DescribeTo(out);
  }
  void DescribeNegationTo(std::ostream* out) const {
    *out << name_ << " ";
    inner_.DescribeNegationTo(out);
  }

 private:
  const char* name_;
  std::string Result::*text_;
  testing::Matcher<const std::string&> inner_;
};

// Runs a command where it is matched. gtest asks a matcher that did not match a second time, for
// the explanation. The command is not run again for that: the
// text of the first time is kept, and given away once.
class RunsMatcher {
 public:
  using is_gtest_matcher = void;

  RunsMatcher(Argv argv, testing::Matcher<const Result&> inner, RunOptions options)
      : argv_(std::move(argv)), inner_(std::move(inner)), options_(std::move(options)) {}

  bool MatchAndExplain(const Node& node, testing::MatchResultListener* listener) const {
    if (listener->IsInterested() && !failed_->empty()) {
      *listener << std::exchange(*failed_, "");
      return false;
    }
    testing::StringMatchResultListener explanation;
    bool matched = look(node, explanation);
    if (!matched && !listener->IsInterested()) *failed_ = explanation.str();
    *listener << explanation.str();
    return matched;
  }
  void DescribeTo(std::ostream* out) const {
    *out << "runs " << harness::argvText(argv_) << ", which ";
    inner_.DescribeTo(out);
  }
  void DescribeNegationTo(std::ostream* out) const {
    *out << "runs " << harness::argvText(argv_) << ", which ";
    inner_.DescribeNegationTo(out);
  }

 private:
  bool look(const Node& node, testing::StringMatchResultListener& explanation) const {
    try {
      Result result = node.run(argv_, options_, {});
      bool matched = inner_.MatchAndExplain(result, &explanation);
      std::string inner = explanation.str();
      explanation.Clear();
      explanation << "\n" << describe(result) << (inner.empty() ? "" : "\n  ") << inner;
      return matched;
    } catch (const NodeError& error) {
      explanation << "\n" << error.what();
      return false;
    }
  }

  Argv argv_;
  testing::Matcher<const Result&> inner_;
  RunOptions options_;

  // Shared by the copies that gtest makes of this matcher.
  std::shared_ptr<std::string> failed_ = std::make_shared<std::string>();
};

}  // namespace

testing::Matcher<const Result&> StdoutIs(const testing::Matcher<const std::string&>& text) {
  return StreamMatcher("stdout", &Result::out, text);
}

testing::Matcher<const Result&> StderrIs(const testing::Matcher<const std::string&>& text) {
  return StreamMatcher("stderr", &Result::err, text);
}

testing::Matcher<const Result&> StdoutHas(const std::string& part) {
  return StdoutIs(testing::HasSubstr(part));
}

testing::Matcher<const Result&> StderrHas(const std::string& part) {
  return StderrIs(testing::HasSubstr(part));
}

testing::Matcher<const Result&> Prints(const std::string& part) {
  return testing::AllOf(Succeeded(), StdoutHas(part));
}

testing::Matcher<const Node&> Runs(Argv argv, const testing::Matcher<const Result&>& result,
                                   RunOptions options) {
  return RunsMatcher(std::move(argv), result, std::move(options));
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
    *listener << "which throws NodeError of kind \"" << toString(error.kind())
              << "\": " << error.what();
    return error.kind() == kind_ && text_.Matches(error.what());
  }
  *listener << "which does not throw";
  return false;
}

}  // namespace muster
