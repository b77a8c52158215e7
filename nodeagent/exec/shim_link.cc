#include "nodeagent/exec/shim_link.h"

#include <sys/socket.h>

#include <string>

#include <kj/debug.h>

#include "schema/support/base/endpoint.h"
#include "schema/support/base/log.h"
#include "schema/support/base/socket.h"
#include "schema/support/rpc/socket_stream.h"

namespace nodeagent::exec {
namespace {

constexpr auto kPauseFirst = 5 * kj::MILLISECONDS;
constexpr auto kPauseLast = 1 * kj::SECONDS;
constexpr unsigned kStartsMax = 3;

void logLinkTask(kj::Exception&& exception) {
  support::log(support::Level::kError, "a task of a detached job failed",
               {{"exception", exception.getDescription()}});
}

kj::Maybe<kj::AutoCloseFd> tryConnect(const DetachedFiles& files) {
  std::string why;
  auto endpoint = support::Endpoint::fromText("unix:" + std::string(files.socket().cStr()), &why);
  if (!endpoint) return nullptr;
  auto fd = support::openSocket(*endpoint);
  // The connect of a unix socket waits for nothing but the disk, so a refusal is known at once.
  if (connect(fd, endpoint->socketAddress(), endpoint->addressBytes) != 0) return nullptr;
  return kj::mv(fd);
}

}  // namespace

// Says what one look at the job's directory found. Each member is looked for if those before it do
// not decide.
struct ShimLink::Look {
  kj::Maybe<kj::AutoCloseFd> socket;
  bool exists = false;
  bool isLocked = false;
  bool isClaimed = false;

  static Look at(const DetachedFiles& files) {
    Look look;
    look.socket = tryConnect(files);
    if (look.socket == nullptr) look.exists = files.exists();
    if (look.exists) look.isLocked = files.lock() == nullptr;
    if (look.exists && !look.isLocked) look.isClaimed = files.isClaimed();
    return look;
  }
};

ShimLink::ShimLink(const DetachedContext& context, const DetachedFiles& files, Listener& listener)
    : context_(context),
      files_(files),
      listener_(listener),
      pause_(kPauseFirst),
      starter_(context) {}

ShimLink::~ShimLink() noexcept(false) = default;

void ShimLink::begin(kj::Promise<void> recorded) {
  driver_ = recorded
                .then([this]() { return bringUp(); },
                      [this](kj::Exception&& reason) -> kj::Promise<void> {
                        fail(kj::mv(reason));
                        return kj::READY_NOW;
                      })
                .eagerlyEvaluate(logLinkTask);
}

void ShimLink::fail(kj::Exception reason) {
  failure_ = kj::mv(reason);
  answerWaiters();
  listener_.notRecorded();
}

kj::Maybe<capnp::Capability::Client> ShimLink::shim() {
  KJ_IF_MAYBE (rpc, rpc_) return (*rpc)->bootstrap();
  return nullptr;
}

// Goes on until the shim is connected to or known to have ended. Each round looks at the job's
// directory. A look that cannot be made, since too many before it have not returned, is made later.
kj::Promise<void> ShimLink::bringUp() {
  return context_.disk.run([files = DetachedFiles(files_.path())]() { return Look::at(files); })
      .then([this](Look&& look) { return actOn(kj::mv(look)); },
            [this](kj::Exception&& exception) -> kj::Promise<void> {
              logLinkTask(kj::mv(exception));
              return context_.timer.afterDelay(kPauseLast).then([this]() { return bringUp(); });
            });
}

// Decides by what was found:
// 1. A socket that accepts means that the shim is there.
// 2. A directory that is gone means that the job was forgotten.
// 3. A lock that is held means that a shim lives. It is on its way or does not answer, so the
// keeper waits and tries again.
// 4. A claim without a lock means that the shim which began the job was killed. The job is never
// begun again.
// 5. With neither, the job was never begun, and a shim is started. Several keepers or attempts do
// no harm, because only one shim can claim. After a few attempts the job counts as one that cannot
// be started.
kj::Promise<void> ShimLink::actOn(Look look) {
  KJ_IF_MAYBE (fd, look.socket) {
    pause_ = kPauseFirst;
    return connected(kj::heap<support::SocketStream>(context_.port, kj::mv(*fd)));
  }
  auto again = [this]() { return bringUp(); };
  if (!look.exists || look.isClaimed) return ended();
  if (look.isLocked) {
    auto pause = pause_;
    pause_ = kj::min(pause_ * 2, kPauseLast);
    return context_.timer.afterDelay(pause).then(kj::mv(again));
  }
  if (starts_ == kStartsMax) return ended();
  ++starts_;
  return starter_.start(files_.path()).then(kj::mv(again));
}

kj::Promise<void> ShimLink::connected(kj::Own<kj::AsyncIoStream> stream) {
  auto rpc = kj::heap<support::RpcConnection>(kj::mv(stream), context_.timer);
  auto& connection = *rpc;
  rpc_ = kj::mv(rpc);
  answerWaiters();
  // The bootstrap capability is asked for at once, because the connection reads only after that.
  // The listener's promise never ends this one, since only the connection's own end counts.
  auto watching = listener_.shimReached(connection.bootstrap())
                      .catch_([](kj::Exception&&) {})
                      .then([]() -> kj::Promise<void> { return kj::NEVER_DONE; });
  return connection.onDisconnect().exclusiveJoin(kj::mv(watching)).then([this]() {
    connectionOver();
    return pauseAfterLoss().then([this]() { return bringUp(); });
  });
}

kj::Promise<void> ShimLink::pauseAfterLoss() {
  return context_.timer.afterDelay(kPauseFirst);
}

void ShimLink::connectionOver() {
  KJ_IF_MAYBE (rpc, rpc_) {
    (*rpc)->shutdown();
    // The connection is destroyed in a later turn, because its calls are still failing in this one.
    auto gone = kj::mv(*rpc);
    rpc_ = nullptr;
    closing_ = kj::evalLater([gone = kj::mv(gone)]() mutable {
                 gone = nullptr;
               }).eagerlyEvaluate(logLinkTask);
  }
}

// The listener prepares its answers before the waiting calls get them, and only then may it forget
// the job.
kj::Promise<void> ShimLink::ended() {
  return listener_.shimEnded().then([this]() {
    isOver_ = true;
    answerWaiters();
    listener_.linkOver();
  });
}

void ShimLink::answerWaiters() {
  for (auto& waiter : waiters_) waiter->fulfill();
  waiters_.clear();
}

// Resolves to true once there is a connection, and to false if there will be none.
kj::Promise<bool> ShimLink::reached() {
  if (rpc_ != nullptr) return true;
  if (isOver_) return false;
  KJ_IF_MAYBE (failure, failure_) return kj::cp(*failure);
  auto pair = kj::newPromiseAndFulfiller<void>();
  waiters_.add(kj::mv(pair.fulfiller));
  return pair.promise.then([this]() { return reached(); });
}

}  // namespace nodeagent::exec
