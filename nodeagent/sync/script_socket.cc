#include "nodeagent/sync/script_socket.h"

#include <sys/socket.h>

#include <string>

#include <kj/debug.h>

#include "schema/support/base/log.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::sync {
namespace {

using Kind = wire::Error::Kind;

support::Endpoint endpointOf(kj::StringPtr path) {
  std::string why;
  auto endpoint = support::Endpoint::fromText("unix:" + std::string(path.cStr()), &why);
  if (!endpoint) support::fail(Kind::INVALID, why.c_str());
  return *endpoint;
}

Reply replyOf(const kj::Exception& exception) {
  support::Failure failure = support::toFailure(exception, "sync");
  auto kind = Reply::Kind::kRefused;
  if (failure.kind == Kind::OVERLOADED) kind = Reply::Kind::kOverloaded;
  if (failure.kind == Kind::EXPIRED) kind = Reply::Kind::kFailed;
  return {kind, failure.text.cStr(), {}};
}

}  // namespace

ScriptSocket::ScriptSocket(kj::UnixEventPort& port, kj::Timer& timer, kj::StringPtr path,
                           Commands& commands, Serve serve, const SocketLimits& limits)
    : port_(port),
      timer_(timer),
      commands_(commands),
      serve_(kj::mv(serve)),
      limits_(limits),
      listener_(support::Listener::open(endpointOf(path), port, timer)),
      tasks_(*this) {
  listener_->openToAll();
  tasks_.add(acceptAll());
}

ScriptSocket::~ScriptSocket() noexcept(false) = default;

kj::Promise<void> ScriptSocket::acceptAll() {
  return listener_->accept().then([this](support::AcceptedSocket&& accepted) {
    welcome(kj::mv(accepted));
    return acceptAll();
  });
}

void ScriptSocket::welcome(support::AcceptedSocket&& accepted) {
  uid_t user = accepted.uid;
  bool isFull = connections_ >= limits_.connectionsMax;
  if (isFull || ofUser_[user] >= limits_.connectionsOfUserMax) {
    // What the socket takes at once is enough for the text.
    std::string refusal = encode(Reply{Reply::Kind::kOverloaded,
                                       "the node has as many commands that wait or notify as it "
                                       "may",
                                       {}});
    ssize_t written = ::send(accepted.socket, refusal.data(), refusal.size(), MSG_NOSIGNAL);
    support::logLimited("sync", support::Level::kWarn, "connection of a command refused",
                        {{"uid", user},
                         {"reason", isFull ? "too many connections" : "too many of this user"},
                         {"told", written > 0}});
    return;
  }
  ++connections_;
  ++ofUser_[user];
  auto leave = kj::defer([this, user]() {
    --connections_;
    if (--ofUser_[user] == 0) ofUser_.erase(user);
  });
  auto stream = kj::heap<support::SocketStream>(port_, kj::mv(accepted.socket));
  auto conversation = converse(*stream);
  tasks_.add(conversation.attach(kj::mv(stream), kj::mv(leave)));
}

template <typename T>
kj::Promise<T> ScriptSocket::inTime(kj::Promise<T> transfer) {
  auto late = timer_.afterDelay(limits_.transferMax).then([]() -> kj::Promise<T> {
    return support::failure(Kind::TIMEOUT,
                            "the request did not come, or the reply was not taken, "
                            "in time");
  });
  return transfer.exclusiveJoin(kj::mv(late));
}

// A process that ends, or sends more than its request, drops its request.
kj::Promise<void> ScriptSocket::converse(support::SocketStream& stream) {
  return inTime(readFrom(stream))
      .then([this, &stream](Request&& request) {
        auto rest = kj::heap<kj::byte>();
        auto gone = stream.tryRead(rest.get(), 1, 1)
                        .then([](size_t) -> kj::Promise<Reply> {
                          return KJ_EXCEPTION(DISCONNECTED, "the process has gone");
                        })
                        .attach(kj::mv(rest));
        return serveCommand(std::move(request)).exclusiveJoin(kj::mv(gone));
      })
      .catch_([](kj::Exception&& exception) -> kj::Promise<Reply> {
        if (exception.getType() == kj::Exception::Type::DISCONNECTED) return kj::mv(exception);
        return replyOf(exception);
      })
      .then([this, &stream](Reply&& reply) { return inTime(send(stream, reply)); });
}

kj::Promise<Request> ScriptSocket::readFrom(support::SocketStream& stream) {
  auto begin = kj::heapArray<char>(kLengthBytes);
  auto* head = begin.begin();
  return stream.tryRead(head, kLengthBytes, kLengthBytes)
      .then([&stream, begin = kj::mv(begin)](size_t count) -> kj::Promise<Request> {
        if (count < kLengthBytes) return KJ_EXCEPTION(DISCONNECTED, "no request came");
        size_t length = lengthOf({begin.begin(), begin.size()});
        auto body = kj::heapArray<char>(length);
        auto* bytes = body.begin();
        return stream.tryRead(bytes, length, length)
            .then([body = kj::mv(body)](size_t got) -> Request {
              if (got < body.size()) {
                kj::throwFatalException(KJ_EXCEPTION(DISCONNECTED, "the request was cut off"));
              }
              return readRequest({body.begin(), body.size()});
            });
      });
}

kj::Promise<Reply> ScriptSocket::serveCommand(Request request) {
  KJ_IF_MAYBE (command, commands_.findByKey(request.key)) {
    auto held = kj::addRef(*command);
    auto served = serve_(*held, std::move(request));
    return served.attach(kj::mv(held));
  }
  support::fail(Kind::NOT_FOUND,
                "NODEAGENT_JOB names no command that runs here: its command has ended with all its "
                "processes, or this process has the environment of another one");
}

kj::Promise<void> ScriptSocket::send(support::SocketStream& stream, const Reply& reply) {
  std::string text = encode(reply);
  auto bytes = kj::heapArray<char>(text.data(), text.size());
  auto written = stream.write(bytes.begin(), bytes.size());
  return written.attach(kj::mv(bytes));
}

// A process may go at any time, which is no news.
void ScriptSocket::taskFailed(kj::Exception&& exception) {
  bool isGone = exception.getType() == kj::Exception::Type::DISCONNECTED;
  support::logLimited("sync", isGone ? support::Level::kDebug : support::Level::kWarn,
                      "a connection of a command ended early",
                      {{"reason", support::reasonOf(exception)}});
}

}  // namespace nodeagent::sync
