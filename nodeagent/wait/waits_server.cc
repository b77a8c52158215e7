#include "nodeagent/wait/waits_server.h"

#include <algorithm>

#include <kj/debug.h>

#include "nodeagent/wait/http.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::wait {
namespace {

using Kind = wire::Error::Kind;

constexpr int64_t kWaitMaxNs = 20'000'000'000;
constexpr auto kLookPause = 20 * kj::MILLISECONDS;
constexpr auto kLookPauseMax = 1 * kj::SECONDS;
// Looks that take long take this share of the time at most.
constexpr int kPausesPerLook = 4;
// One look may wait this long for a peer.
constexpr int64_t kLookMaxNs = 2'000'000'000;
constexpr int64_t kLookMinNs = 200'000'000;

kj::Vector<HttpHeader> readHeaders(capnp::List<wire::Waits::Header>::Reader from) {
  kj::Vector<HttpHeader> headers;
  for (auto header : from) {
    auto value = header.getValue().asChars();
    headers.add(HttpHeader{kj::str(header.getName()), kj::heapString(value)});
  }
  requireSendable(headers);
  return headers;
}

}  // namespace

kj::Promise<Seen> WaitsServer::lookUntil(kj::Own<const Condition> condition, kj::TimePoint end,
                                         kj::Maybe<AuditLog::Line> line) {
  auto begun = looking_.timer.now();
  int64_t leftNs = begun < end ? (end - begun) / kj::NANOSECONDS : 0;
  int64_t limitNs = std::clamp(leftNs, kLookMinNs, kLookMaxNs);
  auto task = [condition = kj::atomicAddRef(*condition), limitNs, line = kj::mv(line)]() mutable {
    KJ_IF_MAYBE (write, line) (*write)();
    return look(*condition, limitNs);
  };
  auto looked = looking_.worker.run(kj::mv(task));
  return looked.then(
      [this, condition = kj::mv(condition), begun, end](Seen&& seen) mutable -> kj::Promise<Seen> {
        auto now = looking_.timer.now();
        if (seen.holds || now >= end) return kj::mv(seen);
        auto pause = std::clamp((now - begun) * kPausesPerLook, kLookPause, kLookPauseMax);
        // The last look begins when the time is over, so that what came before is seen.
        pause = std::min(pause, end - now);
        return looking_.timer.afterDelay(pause).then(
            [this, condition = kj::mv(condition), end]() mutable {
              return lookUntil(kj::mv(condition), end);
            });
      });
}

AuditLog::Line WaitsServer::lineOf(std::string_view operation, const Url& url) {
  return looking_.audit.line(*session_, operation, {{"host", url.host}, {"port", url.port}});
}

kj::Promise<void> WaitsServer::await(AwaitContext context) {
  auto answered = support::answer(context, "waits.await", [this, context]() mutable {
    session_->requireAlive();
    auto params = context.getParams();
    int64_t waitNs = params.getWaitNs();
    if (waitNs < 0 || waitNs > kWaitMaxNs) {
      support::fail(Kind::INVALID, "waitNs: ", waitNs, " is not between 0 and 20 s");
    }
    auto condition = readCondition(params.getCondition());
    if (looking_.waits >= Looking::kWaitsMax) {
      support::fail(Kind::OVERLOADED, "the node has ", Looking::kWaitsMax,
                    " waits under way already");
    }
    ++looking_.waits;
    auto end = looking_.timer.now() + waitNs * kj::NANOSECONDS;
    kj::Maybe<AuditLog::Line> line;
    if (condition->which == wire::Condition::HTTP) line = lineOf("waits.await", condition->url);
    return lookUntil(kj::mv(condition), end, kj::mv(line))
        .then([context](Seen&& seen) mutable {
          auto results = context.getResults();
          results.setHolds(seen.holds);
          results.setSeen(seen.text);
        })
        .attach(kj::defer([&looking = looking_]() { --looking.waits; }));
  });
  context.allowCancellation();
  return answered;
}

kj::Promise<void> WaitsServer::get(GetContext context) {
  return support::answer(context, "waits.get", [this, context]() mutable {
    session_->requireAlive();
    auto params = context.getParams();
    int64_t deadlineNs = params.getDeadlineNs();
    if (deadlineNs <= 0 || deadlineNs > kWaitMaxNs) {
      support::fail(Kind::INVALID, "deadlineNs: ", deadlineNs, " is not between 1 ns and 20 s");
    }
    auto url = readUrl(params.getUrl());
    auto headers = readHeaders(params.getHeaders());
    auto line = lineOf("waits.get", url);
    auto task = [url = kj::mv(url), headers = kj::mv(headers), deadlineNs]() {
      return sendGet(url, headers, Deadline(deadlineNs));
    };
    return looking_.worker.run(audited(kj::mv(line), kj::mv(task)))
        .then([context](HttpAnswer&& answer) mutable {
          auto results = context.getResults();
          results.setStatus(answer.status);
          auto list = results.initHeaders(static_cast<unsigned>(answer.headers.size()));
          for (unsigned i = 0; i < list.size(); ++i) {
            list[i].setName(answer.headers[i].name);
            list[i].setValue(answer.headers[i].value.asBytes());
          }
          results.setBody(kj::arrayPtr(reinterpret_cast<const kj::byte*>(answer.body.data()),
                                       answer.body.size()));
        });
  });
}

}  // namespace nodeagent::wait
