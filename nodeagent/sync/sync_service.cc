#include "nodeagent/sync/sync_service.h"

#include <map>
#include <string>

#include <kj/debug.h>

#include "nodeagent/sync/mailbox.h"
#include "nodeagent/sync/script_socket.h"
#include "schema/support/base/log.h"
#include "schema/support/base/wire_error.h"
#include "schema/sync.capnp.h"

namespace nodeagent {
namespace sync {
namespace {

using Kind = wire::Error::Kind;

// The mailboxes of the sessions that use them.
class Mailboxes final {
 public:
  explicit Mailboxes(kj::Timer& timer) : timer_(timer) {}
  KJ_DISALLOW_COPY(Mailboxes);

  // Finds the mailbox, or makes it until the session's end. Fails with kind expired once that has
  // begun.
  Mailbox& of(Session& session) {
    auto found = open_.find(session.id());
    if (found != open_.end()) return *found->second.mailbox;
    auto mailbox = kj::refcounted<Mailbox>(timer_);
    auto undo =
        session.addUndo(EndPhase::kTidy, kj::str("events"),
                        [this, id = session.id()]() -> kj::Promise<kj::Maybe<support::Failure>> {
                          auto ended = open_.extract(id);
                          if (!ended.empty()) ended.mapped().mailbox->close();
                          return kj::Maybe<support::Failure>(nullptr);
                        });
    auto& open = open_[session.id()];
    open = {session.addRef(), kj::mv(mailbox), kj::mv(undo)};
    return *open.mailbox;
  }

  // Returns how many commands wait, and writes as many of them as there are places.
  size_t waiterCount() const {
    size_t count = 0;
    for (const auto& [id, open] : open_) count += open.mailbox->waiterCount();
    return count;
  }
  void writeWaiters(capnp::List<wire::WaitingCommand>::Builder waits) const {
    unsigned next = 0;
    for (const auto& [id, open] : open_) {
      for (size_t i = 0; i < open.mailbox->waiterCount() && next < waits.size(); ++i) {
        open.mailbox->writeWaiter(i, waits[next++]);
      }
    }
  }

  kj::Maybe<Mailbox&> find(const support::Id& session) {
    auto found = open_.find(session);
    if (found == open_.end()) return nullptr;
    return *found->second.mailbox;
  }

 private:
  struct Open {
    kj::Own<Session> session;
    kj::Own<Mailbox> mailbox;
    kj::Own<Session::Entry> undo;
  };

  kj::Timer& timer_;
  std::map<support::Id, Open> open_;
};

Reply readAnswer(wire::Answer::Reader answer) {
  switch (answer.which()) {
    case wire::Answer::DONE:
      return {};
    case wire::Answer::FAILED:
      return {Reply::Kind::kFailed, answer.getFailed().cStr(), {}};
    case wire::Answer::EVENT:
      break;
  }
  SyncData data;
  for (auto item : answer.getEvent()) {
    auto value = item.getValue();
    data.emplace_back(item.getName().cStr(),
                      std::string(reinterpret_cast<const char*>(value.begin()), value.size()));
  }
  std::string fault = support::whyNoSyncData(data);
  if (!fault.empty()) support::fail(Kind::INVALID, "answer: ", fault.c_str());
  return {Reply::Kind::kDone, "", std::move(data)};
}

class SyncServer final : public wire::Sync::Server {
 public:
  SyncServer(Mailboxes& mailboxes, Commands& commands, kj::Own<Session> session)
      : mailboxes_(mailboxes), commands_(commands), session_(kj::mv(session)) {}

  kj::Promise<void> pull(PullContext context) override {
    auto params = context.getParams();
    auto answered = support::answer(context, "sync.pull", [this, context, params]() mutable {
      session_->requireAlive();
      return mailboxes_.of(*session_).pull(
          params.getAfter(), params.getWaitNs(),
          [context](unsigned count) mutable { return context.getResults().initRecords(count); });
    });
    context.allowCancellation();
    return answered;
  }

  // All answers are read before any is given.
  kj::Promise<void> answer(AnswerContext context) override {
    return support::answer(context, "sync.answer", [this, context]() mutable {
      session_->requireAlive();
      auto& mailbox = mailboxes_.of(*session_);
      kj::Vector<Reply> replies;
      auto answers = context.getParams().getAnswers();
      for (auto each : answers) replies.add(readAnswer(each));
      for (unsigned i = 0; i < answers.size(); ++i) {
        mailbox.answer(answers[i].getWaiter(), std::move(replies[i]));
      }
    });
  }

  kj::Promise<void> watch(WatchContext context) override {
    return support::answer(context, "sync.watch", [this, context]() mutable {
      session_->requireAlive();
      auto& mailbox = mailboxes_.of(*session_);
      uint64_t number = context.getParams().getNumber();
      KJ_IF_MAYBE (command, commands_.find(session_->id(), number)) {
        command->watch();
        if (command->end() != nullptr) mailbox.noteEnd(*command);
      } else {
        mailbox.noteUnknown(number);
      }
    });
  }

 private:
  Mailboxes& mailboxes_;
  Commands& commands_;
  kj::Own<Session> session_;
};

class SyncViewServer final : public wire::SyncView::Server {
 public:
  explicit SyncViewServer(const Mailboxes& mailboxes) : mailboxes_(mailboxes) {}

  kj::Promise<void> waits(WaitsContext context) override {
    return support::answer(context, "sync.waits", [this, context]() mutable {
      auto count = static_cast<unsigned>(kj::min(mailboxes_.waiterCount(), kListedMax));
      mailboxes_.writeWaiters(context.getResults().initWaits(count));
    });
  }

 private:
  static constexpr size_t kListedMax = 1000;

  const Mailboxes& mailboxes_;
};

class SyncService final : public AgentService {
 public:
  explicit SyncService(ServiceHost& host) : host_(host), mailboxes_(host.timer) {
    host.commands.onEnd([this](Command& command) {
      if (!command.isWatched()) return;
      KJ_IF_MAYBE (mailbox, mailboxes_.find(command.session().id())) mailbox->noteEnd(command);
    });
    if (host.stateDirectory.size() == 0) return;
    auto path = kj::str(host.stateDirectory, "/sync.sock");
    KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() { listen(path); })) {
      support::log(support::Level::kWarn, "commands cannot notify or wait on this node",
                   {{"reason", support::reasonOf(*exception)}});
    }
  }
  ~SyncService() noexcept(false) {
    host_.commands.onEnd([](Command&) {});
  }

  kj::Array<Offer> offers() override {
    return kj::arr(
        offer<wire::Sync>([this](Session& session) {
          return kj::heap<SyncServer>(mailboxes_, host_.commands, session.whole().addRef());
        }),
        offer<wire::SyncView>([this](Session&) { return kj::heap<SyncViewServer>(mailboxes_); }));
  }

 private:
  void listen(kj::StringPtr path) {
    socket_ = kj::heap<ScriptSocket>(
        host_.port, host_.timer, path, host_.commands, [this](Command& command, Request request) {
          return mailboxes_.of(command.session()).serve(command, std::move(request));
        });
    host_.commands.serveAt(path);
  }

  ServiceHost& host_;
  Mailboxes mailboxes_;
  // Comes last, because its connections use the mailboxes.
  kj::Maybe<kj::Own<ScriptSocket>> socket_;
};

}  // namespace
}  // namespace sync

kj::Own<AgentService> makeSync(ServiceHost& host) {
  return kj::heap<sync::SyncService>(host);
}

}  // namespace nodeagent
