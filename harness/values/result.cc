// The plain values of the public API: results, states, deadlines.
#include <algorithm>
#include <ostream>

#include <muster/deadline.h>
#include <muster/node.h>
#include <muster/result.h>
#include <muster/service.h>

#include "harness/values/failure_text.h"

namespace muster {

std::string Result::line() const {
  size_t end = out.find_last_not_of('\n');
  return end == std::string::npos ? "" : out.substr(0, end + 1);
}

std::vector<std::string> Result::lines() const {
  std::vector<std::string> lines;
  size_t begin = 0;
  while (begin < out.size()) {
    size_t end = std::min(out.find('\n', begin), out.size());
    lines.push_back(out.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

void PrintTo(const Result& result, std::ostream* out) {
  *out << describe(result);
}

std::string toString(const NodeState& state) {
  auto ago = std::chrono::steady_clock::now() - state.since;
  std::string since = " since " + harness::durationText(ago);
  std::string reason = state.lastError.empty() ? "" : ": " + state.lastError;
  switch (state.kind) {
    case NodeState::Kind::kConnecting:
      return "connecting" + since + reason;
    case NodeState::Kind::kConnected:
      return "connected" + since +
             (state.reconnects ? ", after " + std::to_string(state.reconnects) + " reconnects"
                               : "");
    case NodeState::Kind::kReconnecting:
      return "reconnecting" + since + reason;
    case NodeState::Kind::kRefused:
      return "refused" + reason;
    case NodeState::Kind::kClosed:
      break;
  }
  return "closed";
}

std::string toString(ServiceStatus::State state) {
  switch (state) {
    case ServiceStatus::State::kRunning:
      return "running";
    case ServiceStatus::State::kStarting:
      return "starting";
    case ServiceStatus::State::kStopping:
      return "stopping";
    case ServiceStatus::State::kStopped:
      return "stopped";
    case ServiceStatus::State::kFailed:
      return "failed";
    case ServiceStatus::State::kUnspecified:
      break;
  }
  return "in an unknown state";
}

void PrintTo(const ServiceStatus& status, std::ostream* out) {
  *out << toString(status.state);
  if (!status.substate.empty()) *out << " (" << status.substate << ")";
  if (status.mainPid) *out << ", main pid " << status.mainPid;
  for (const std::string& line : status.log) *out << "\n  log: " << line;
}

namespace {

constexpr std::chrono::minutes kWithoutScope{10};

// The innermost scope of each thread. It is a variable of the thread because matchers, which gtest
// calls without any context of ours, must keep to it.
thread_local SteadyTime scopeEnds = SteadyTime::max();

}  // namespace

DeadlineScope::DeadlineScope(std::chrono::nanoseconds within) : outer_(scopeEnds) {
  scopeEnds = std::min(scopeEnds, std::chrono::steady_clock::now() + within);
}

DeadlineScope::~DeadlineScope() {
  scopeEnds = outer_;
}

SteadyTime DeadlineScope::current() {
  if (scopeEnds == SteadyTime::max()) return std::chrono::steady_clock::now() + kWithoutScope;
  return scopeEnds;
}

std::chrono::nanoseconds DeadlineScope::remaining() {
  return std::max(std::chrono::nanoseconds(0),
                  std::chrono::nanoseconds(current() - std::chrono::steady_clock::now()));
}

}  // namespace muster
