#include "nodeagent/forward/forward_service.h"

#include <algorithm>
#include <string>

#include "nodeagent/forward/forward_table.h"
#include "schema/forward.capnp.h"
#include "schema/support/base/crc32c.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent {
namespace forward {
namespace {

using Kind = wire::Error::Kind;

constexpr int64_t kWaitMaxNs = 20'000'000'000;
constexpr uint32_t kChunkBytesMax = 256 << 10;

int64_t waitOf(int64_t waitNs) {
  return std::clamp<int64_t>(waitNs, 0, kWaitMaxNs);
}

// TLS is between agents and controllers; a forwarded stream is whatever its ends make of it.
support::Endpoint endpointOf(kj::StringPtr field, kj::StringPtr text) {
  std::string why;
  auto endpoint = support::Endpoint::fromText(std::string_view(text.begin(), text.size()), &why);
  if (!endpoint) support::fail(Kind::INVALID, field, ": ", why.c_str());
  if (endpoint->transport == support::Transport::kTls) {
    support::fail(Kind::INVALID, field, ": \"", text,
                  "\" begins with tls:, expected tcp: or unix:");
  }
  return *endpoint;
}

// The tables of the sessions that forward something.
class Tables final {
 public:
  explicit Tables(Surroundings& around) : around_(around) {}
  KJ_DISALLOW_COPY(Tables);

  // Finds the table, or makes it until the session's end.
  ForwardTable& of(Session& session) {
    auto found = open_.find(session.id());
    if (found != open_.end()) return *found->second.table;
    auto undo =
        session.addUndo(EndPhase::kStop, kj::str("forwarded connections"),
                        [this, id = session.id()]() -> kj::Promise<kj::Maybe<support::Failure>> {
                          auto ended = open_.extract(id);
                          auto closed = ended.empty() ? kj::Promise<void>(kj::READY_NOW)
                                                      : ended.mapped().table->close();
                          return closed.then([]() { return kj::Maybe<support::Failure>(); });
                        });
    auto& open = open_[session.id()];
    open = {session.addRef(), kj::refcounted<ForwardTable>(around_), kj::mv(undo)};
    return *open.table;
  }

 private:
  struct Open {
    kj::Own<Session> session;
    kj::Own<ForwardTable> table;
    kj::Own<Session::Entry> undo;
  };

  Surroundings& around_;
  std::map<support::Id, Open> open_;
};

class ForwardsServer final : public wire::Forwards::Server {
 public:
  ForwardsServer(Tables& tables, AuditLog& audit, kj::Own<Session> session)
      : tables_(tables), audit_(audit), session_(kj::mv(session)) {}

  kj::Promise<void> connect(ConnectContext context) override {
    return support::answer(context, "forwards.connect", [this, context]() mutable {
      session_->requireOpen();
      auto target = endpointOf("target", context.getParams().getTarget());
      uint64_t number = context.getParams().getStream();
      bool isKnown = table().hasStream(number);
      return recorded(isKnown, "forwards.connect", "target", target).then([this, number, target]() {
        return table().connect(number, target);
      });
    });
  }

  kj::Promise<void> listen(ListenContext context) override {
    return support::answer(context, "forwards.listen", [this, context]() mutable {
      session_->requireOpen();
      auto place = endpointOf("place", context.getParams().getPlace());
      uint64_t number = context.getParams().getListener();
      bool isKnown = table().hasListener(number);
      return recorded(isKnown, "forwards.listen", "place", place)
          .then([this, number, place, context]() mutable {
            context.getResults().setBound(table().listen(number, place).text().c_str());
          });
    });
  }

  kj::Promise<void> accept(AcceptContext context) override {
    auto answered = support::answer(context, "forwards.accept", [this, context]() mutable {
      auto params = context.getParams();
      return table()
          .accept(params.getListener(), params.getAfter(), waitOf(params.getWaitNs()))
          .then([context](kj::Array<uint64_t>&& numbers) mutable {
            auto streams = context.getResults().initStreams(static_cast<unsigned>(numbers.size()));
            for (unsigned i = 0; i < numbers.size(); ++i) streams.set(i, numbers[i]);
          });
    });
    context.allowCancellation();
    return answered;
  }

  kj::Promise<void> read(ReadContext context) override {
    auto answered = support::answer(context, "forwards.read", [this, context]() mutable {
      auto params = context.getParams();
      size_t bytesMax = std::clamp<uint32_t>(params.getBytesMax(), 1, kChunkBytesMax);
      return table()
          .stream(params.getStream())
          .read(params.getFrom(), bytesMax, waitOf(params.getWaitNs()))
          .then([context](ByteStream::Part&& part) mutable {
            auto bytes = kj::arrayPtr(part.bytes.data(), part.bytes.size()).asBytes();
            auto results = context.getResults(capnp::MessageSize{16 + bytes.size() / 8, 0});
            auto chunk = results.initChunk();
            chunk.setOffset(part.offset);
            chunk.setData(bytes);
            chunk.setCrc32c(support::crc32c(bytes));
            results.setEnded(part.isEnd);
          });
    });
    context.allowCancellation();
    return answered;
  }

  kj::Promise<void> write(WriteContext context) override {
    auto answered = support::answer(context, "forwards.write", [this, context]() mutable {
      auto params = context.getParams();
      auto chunk = params.getChunk();
      auto data = chunk.getData();
      if (support::crc32c(data) != chunk.getCrc32c()) {
        support::fail(Kind::CORRUPT, "chunk: the check sum differs");
      }
      return table()
          .stream(params.getStream())
          .write(chunk.getOffset(), std::string(data.asChars().begin(), data.size()),
                 params.getEnd() ? AfterChunk::kEnd : AfterChunk::kMore, waitOf(params.getWaitNs()))
          .then([context](uint64_t acceptedTo) mutable {
            context.getResults().setAcceptedTo(acceptedTo);
          });
    });
    context.allowCancellation();
    return answered;
  }

  kj::Promise<void> close(CloseContext context) override {
    return support::answer(context, "forwards.close", [this, context]() mutable {
      for (uint64_t number : context.getParams().getStreams()) table().closeStream(number);
    });
  }

  kj::Promise<void> closeListener(CloseListenerContext context) override {
    return support::answer(context, "forwards.closeListener", [this, context]() mutable {
      table().closeListener(context.getParams().getListener());
    });
  }

 private:
  ForwardTable& table() {
    session_->requireOpen();
    return tables_.of(*session_);
  }

  // A call that is sent again is no new effect.
  kj::Promise<void> recorded(bool isKnown, std::string_view operation, std::string_view field,
                             const support::Endpoint& endpoint) {
    if (isKnown) return kj::READY_NOW;
    KJ_IF_MAYBE (wait, audit_.record(*session_, operation, {{field, endpoint.text()}})) {
      return kj::mv(*wait);
    }
    return kj::READY_NOW;
  }

  Tables& tables_;
  AuditLog& audit_;
  kj::Own<Session> session_;
};

class ForwardService final : public AgentService {
 public:
  explicit ForwardService(ServiceHost& host)
      : host_(host),
        journal_(host.stateDirectory.size() == 0 ? kj::String()
                                                 : kj::str(host.stateDirectory, "/forwards")),
        around_{host.port, host.timer, journal_},
        tables_(around_) {
    journal_.recover();
  }

  kj::Array<Offer> offers() override {
    return kj::arr(offer<wire::Forwards>([this](Session& session) {
      return kj::heap<ForwardsServer>(tables_, host_.audit, session.addRef());
    }));
  }

 private:
  ServiceHost& host_;
  const SocketJournal journal_;
  Surroundings around_;
  Tables tables_;
};

}  // namespace
}  // namespace forward

kj::Own<AgentService> makeForward(ServiceHost& host) {
  return kj::heap<forward::ForwardService>(host);
}

}  // namespace nodeagent
