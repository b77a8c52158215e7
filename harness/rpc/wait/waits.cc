#include "harness/rpc/wait/waits.h"

#include <algorithm>

#include "harness/rpc/bytes.h"
#include "harness/rpc/node_calls.h"
#include "harness/values/failure_text.h"
#include "schema/support/base/text.h"
#include "schema/wait.capnp.h"

namespace harness::rpc {
namespace {

using Impl = ControllerNode::Impl;
using WireKind = wire::Error::Kind;
using Nanoseconds = std::chrono::nanoseconds;
using muster::Condition;
using muster::HttpOptions;
using muster::HttpResponse;

constexpr std::chrono::seconds kConditionWaitMax{20};

// So that the agent answers before our own time is over.
constexpr std::chrono::milliseconds kConditionMargin{100};

// A node takes this long at most for its answer when a wait is over.
constexpr std::chrono::seconds kConditionAnswerMax{5};

Nanoseconds timeLeftUntil(SteadyTime until) {
  return until - std::chrono::steady_clock::now();
}

void writeCondition(wire::Condition::Builder to, const Condition& condition) {
  to.setAbsent(condition.isAbsent());
  const std::string& subject = condition.subject();
  switch (condition.kind()) {
    case Condition::Kind::kPort: {
      auto port = to.initPort();
      port.setHost(subject);
      port.setNumber(condition.number());
      break;
    }
    case Condition::Kind::kSocket:
      to.setSocket(dataOf(subject));
      break;
    case Condition::Kind::kFile:
      to.setFile(dataOf(subject));
      break;
    case Condition::Kind::kHttp: {
      auto http = to.initHttp();
      http.setUrl(subject);
      http.setStatus(condition.number());
      break;
    }
    case Condition::Kind::kProcess:
      to.setProcess(subject);
      break;
    case Condition::Kind::kMount:
      to.setMount(dataOf(subject));
      break;
  }
}

struct ConditionLook {
  bool holds = false;
  std::string seen;
};

// Waits until `until`, by as many calls as that takes.
kj::Promise<std::string> askUntilHolds(Impl& node, const Condition& condition, SteadyTime until,
                                       SteadyTime limit) {
  SteadyTime answerBy = std::min(limit, until + kConditionAnswerMax);
  auto attempt = [condition, until](EstablishedConnection& connection) {
    auto request = connection.get<wire::Waits>().awaitRequest();
    writeCondition(request.initCondition(), condition);
    request.setWaitNs(std::clamp<Nanoseconds>(timeLeftUntil(until) - kConditionMargin,
                                              Nanoseconds(0), kConditionWaitMax)
                          .count());
    return request.send().then([](auto&& response) {
      requireNoError(response);
      return ConditionLook{response.getHolds(), support::printable(stringOf(response.getSeen()))};
    });
  };
  return node.connection()
      .call<ConditionLook>(answerBy, std::move(attempt))
      .then([&node, condition, until, limit](ConditionLook&& look) -> kj::Promise<std::string> {
        if (look.holds) return kj::mv(look.seen);
        if (timeLeftUntil(until) > kConditionMargin)
          return askUntilHolds(node, condition, until, limit);
        support::fail(WireKind::TIMEOUT, "it is not so in time; last look: ", look.seen.c_str());
      });
}

kj::Promise<HttpResponse> askToGet(Impl& node, const std::string& url, const HttpOptions& options,
                                   SteadyTime until) {
  auto attempt = [url, options, until](EstablishedConnection& connection) {
    auto request = connection.get<wire::Waits>().getRequest();
    request.setUrl(url);
    auto headers = request.initHeaders(static_cast<unsigned>(options.headers.size()));
    for (unsigned i = 0; i < headers.size(); ++i) {
      headers[i].setName(options.headers[i].first);
      headers[i].setValue(dataOf(options.headers[i].second));
    }
    request.setDeadlineNs(std::clamp<Nanoseconds>(timeLeftUntil(until) - kConditionMargin,
                                                  kConditionMargin, kConditionWaitMax)
                              .count());
    return request.send().then([](auto&& response) {
      requireNoError(response);
      HttpResponse answer;
      answer.status = response.getStatus();
      for (auto header : response.getHeaders()) {
        answer.headers.emplace_back(stringOf(header.getName()), stringOf(header.getValue()));
      }
      answer.body = stringOf(response.getBody());
      return answer;
    });
  };
  return node.connection().call<HttpResponse>(until, std::move(attempt));
}

std::string waitText(const Condition& condition) {
  return "wait until " + toString(condition);
}

}  // namespace

std::string Waits::await(const Condition& condition, SteadyTime until, SteadyTime limit) const {
  Impl& node = node_.impl();
  return node.told("wait", waitText(condition), limit,
                   [&]() { return askUntilHolds(node, condition, until, limit); });
}

HttpResponse Waits::get(const std::string& url, const HttpOptions& options,
                        SteadyTime until) const {
  Impl& node = node_.impl();
  return node.told("wait", "get " + inQuotes(url), until,
                   [&]() { return askToGet(node, url, options, until); });
}

std::vector<WaitAnswer> awaitOnAll(const std::vector<ControllerNode*>& nodes,
                                   const Condition& condition, SteadyTime until, SteadyTime limit) {
  return askAll<std::string>(nodes, waitText(condition), limit, [&](Impl& node) {
    return askUntilHolds(node, condition, until, limit);
  });
}

std::vector<HttpAnswer> getOnAll(const std::vector<ControllerNode*>& nodes, const std::string& url,
                                 const HttpOptions& options, SteadyTime until) {
  return askAll<HttpResponse>(nodes, "get " + inQuotes(url), until,
                              [&](Impl& node) { return askToGet(node, url, options, until); });
}

}  // namespace harness::rpc
