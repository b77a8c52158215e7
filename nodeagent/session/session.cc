#include "nodeagent/session/session.h"

#include <map>

#include <kj/debug.h>

#include "nodeagent/session/node_use.h"
#include "schema/support/base/log.h"

namespace nodeagent {
namespace {

using Kind = wire::Error::Kind;

constexpr kj::Duration kLeaseLookInterval = 1 * kj::SECONDS;

kj::StringPtr reasonText(EndReason reason) {
  switch (reason) {
    case EndReason::kClosed:
      return "closed";
    case EndReason::kExpired:
      return "lease ran out";
    case EndReason::kKeeperStops:
      return "keeper stops";
  }
  return "unknown";
}

void requireLabels(kj::ArrayPtr<const Label> labels) {
  if (labels.size() > SessionTable::kLabelsMax) {
    support::fail(Kind::INVALID, "labels: ", labels.size(), " given, at most ",
                  SessionTable::kLabelsMax);
  }
  for (const Label& label : labels) {
    bool plain = label.name.size() >= 1 && label.name.size() <= 64;
    for (char c : label.name) {
      plain = plain && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
                        c == '-');
    }
    if (!plain)
      support::fail(Kind::INVALID, "labels: \"", label.name,
                    "\" is not of the form [a-z0-9._-]{1,64}");
    bool clean = label.value.size() <= 256;
    for (char c : label.value) clean = clean && static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
    if (!clean) {
      support::fail(Kind::INVALID, "labels: the value of \"", label.name,
                    "\" has control characters or over 256 bytes");
    }
  }
}

// Says in one text what an ended session left. Null: nothing.
kj::Maybe<support::Failure> failureOf(kj::ArrayPtr<const Leftover> leftovers) {
  if (leftovers.size() == 0) return nullptr;
  auto texts = KJ_MAP(leftover, leftovers) {
    return kj::str(leftover.what, ": ", leftover.reason.text);
  };
  return support::Failure{leftovers[0].reason.kind, leftovers[0].reason.errorNumber,
                          kj::strArray(texts, "; ")};
}

// Returns all labels, where `added` replace those of the same name.
kj::Array<Label> joined(kj::ArrayPtr<const Label> labels, kj::Array<Label> added) {
  kj::Vector<Label> all;
  for (const Label& label : labels) {
    bool replaced = false;
    for (const Label& other : added) replaced = replaced || other.name == label.name;
    if (!replaced) all.add(Label{kj::str(label.name), kj::str(label.value)});
  }
  for (Label& label : added) all.add(kj::mv(label));
  return all.releaseAsArray();
}

}  // namespace

class Session::EntryImpl final : public Session::Entry {
 public:
  EntryImpl(Session& owner, EndPhase when, kj::String&& name, End&& function)
      : session(&owner),
        order(owner.nextOrder_++),
        phase(when),
        what(kj::mv(name)),
        end(kj::mv(function)) {
    owner.entries_.emplace(order, this);
  }
  ~EntryImpl() noexcept(false) { leave(); }

  void leave() {
    if (session != nullptr) session->entries_.erase(order);
    session = nullptr;
  }

  Session* session;  // Null once the entry has been called or the session is gone.
  const uint64_t order;
  const EndPhase phase;
  kj::String what;
  End end;
};

Session::Session(Options options, const Clock& clock, kj::Timer& timer)
    : options_(kj::mv(options)),
      clock_(clock),
      timer_(timer),
      beganRealtimeNs_(clock.realtimeNs()),
      renewedBoottimeNs_(clock.boottimeNs()) {}

void Session::renew() {
  renewedBoottimeNs_ = clock_.boottimeNs();
}

int64_t Session::leaseEndsBoottimeNs() const {
  KJ_IF_MAYBE (adopter, adopter_) return (*adopter)->leaseEndsBoottimeNs();
  return renewedBoottimeNs_ + options_.leaseNs;
}

Session& Session::whole() {
  KJ_IF_MAYBE (owner, adopter_) {
    if (isScope_) return **owner;
  }
  return *this;
}

bool Session::endsWith(const Session& other) const {
  KJ_IF_MAYBE (adopter, adopter_) return adopter->get() == &other || (*adopter)->endsWith(other);
  return false;
}

Session::~Session() noexcept(false) {
  for (auto& [order, entry] : entries_) entry->session = nullptr;
}

kj::Own<Session::Entry> Session::addUndo(EndPhase phase, kj::String what, End end) {
  requireAlive();
  return kj::heap<EntryImpl>(*this, phase, kj::mv(what), kj::mv(end));
}

void Session::requireOpen() {
  requireAlive();
  Session& user = whole();
  if (user.usesNode_ || user.use_ == nullptr) return;
  user.use_->enter(user);
  user.usesNode_ = true;
}

void Session::requireAlive() const {
  KJ_IF_MAYBE (reason, reason_) {
    support::fail(Kind::EXPIRED, "session ", options_.id.text().c_str(),
                  " has ended: ", reasonText(*reason));
  }
}

kj::Promise<void> Session::end(EndReason reason) {
  KJ_IF_MAYBE (ended, ended_) {
    return ended->addBranch();
  }
  reason_ = reason;
  // The walk begins in a later turn of the loop, when ended_ is set: a function that it calls may
  // call end() again.
  auto walk = kj::evalLater([this]() {
                return stopAll();
              }).then([this]() {
                  return undoNewest();
                }).then([this]() {
    if (usesNode_) use_->leave(*this);
  });
  return ended_.emplace(walk.fork()).addBranch();
}

bool Session::hasExpired() const {
  KJ_IF_MAYBE (reason, reason_) return *reason == EndReason::kExpired;
  return false;
}

kj::Promise<void> Session::stopAll() {
  kj::Vector<EntryImpl*> running;
  for (auto& [order, entry] : entries_) {
    if (entry->phase == EndPhase::kStop) running.add(entry);
  }
  // `call` takes the function out before it runs it, so an entry that is destroyed meanwhile does
  // no harm. But an entry that another entry's function has just destroyed must not be touched, so
  // each is looked up again.
  kj::Vector<kj::Promise<void>> calls;
  while (!running.empty()) {
    EntryImpl* entry = running.back();
    running.removeLast();
    for (auto& [order, present] : entries_) {
      if (present == entry) {
        calls.add(call(*entry));
        break;
      }
    }
  }
  return kj::joinPromises(calls.releaseAsArray());
}

kj::Promise<void> Session::undoNewest() {
  // The newest entry is looked up anew each time, because an undo may destroy others, and may not
  // be overtaken by an older one.
  if (entries_.empty()) return kj::READY_NOW;
  return call(*entries_.rbegin()->second).then([this]() { return undoNewest(); });
}

kj::Promise<void> Session::call(EntryImpl& entry) {
  struct Call {
    kj::String what;
    End end;
  };
  // Function and text move here, and the entry leaves the list first: the function may destroy the
  // entry.
  auto state = kj::heap<Call>(Call{kj::mv(entry.what), kj::mv(entry.end)});
  auto& running = *state;
  entry.leave();
  using Outcome = kj::Maybe<support::Failure>;
  auto limit = timer_.afterDelay(kEndLimit).then([]() -> Outcome {
    return support::Failure{Kind::TIMEOUT, 0,
                            kj::str("not done after ", kEndLimit / kj::SECONDS, " s")};
  });
  return kj::evalNow([&running]() { return running.end(); })
      .exclusiveJoin(kj::mv(limit))
      .catch_([](kj::Exception&& exception) -> Outcome {
        return support::toFailure(exception, "session.end");
      })
      .then([this, &running](Outcome outcome) {
        KJ_IF_MAYBE (failure, outcome) {
          support::log(
              support::Level::kWarn, "not undone at the session's end; going on with the rest",
              {{"session", options_.id.text()}, {"what", running.what}, {"reason", failure->text}});
          leftovers_.add(Leftover{kj::mv(running.what), kj::mv(*failure)});
        }
      })
      .attach(kj::mv(state));
}

SessionTable::SessionTable(const Clock& clock, kj::Timer& timer, support::Id epoch)
    : clock_(clock), timer_(timer), epoch_(epoch), ending_(*this) {}

SessionTable::Attached SessionTable::attach(Session::Options options, wire::Attach attach) {
  auto found = sessions_.find(options.id);
  if (found != sessions_.end()) {
    Session& session = *found->second;
    // The id alone is no proof, since it may be known to others.
    if (session.identity() != options.identity) {
      support::fail(Kind::DENIED, "session ", options.id.text().c_str(),
                    " belongs to another identity");
    }
    if (session.isScope()) {
      support::fail(Kind::CONFLICT, "session ", options.id.text().c_str(),
                    " is a scope of another one");
    }
    session.renew();
    // Its controller is back.
    session.adopter_ = nullptr;
    return {session.addRef(), true};
  }
  bool mayBegin = endedIds_.count(options.id) == 0 && attach != wire::Attach::ATTACH_ONLY;
  if (!mayBegin) {
    support::fail(
        Kind::EXPIRED, "session ", options.id.text().c_str(),
        " is not known here: it was closed, its lease ran out, or the keeper was restarted");
  }
  if (options.leaseNs == 0) options.leaseNs = kLeaseDefaultNs;
  if (options.leaseNs < kLeaseMinNs || options.leaseNs > kLeaseMaxNs) {
    support::fail(Kind::INVALID, "leaseNs: ", options.leaseNs, " is not between 1 s and 24 h");
  }
  requireLabels(options.labels);
  if (count() >= kSessionsMax) {
    support::fail(Kind::OVERLOADED, "the node has ", kSessionsMax, " sessions, which is its limit");
  }
  auto session = kj::refcounted<Session>(kj::mv(options), clock_, timer_);
  session->use_ = use_;
  auto& stored = sessions_.emplace(session->id(), kj::mv(session)).first->second;
  return {stored->addRef(), false};
}

kj::Vector<kj::Own<Session>> SessionTable::earlierThan(const Session& session) {
  std::multimap<int64_t, Session*> byBegin;
  for (auto& [id, other] : sessions_) {
    bool isEarlier = other.get() != &session && other->identity() == session.identity() &&
                     !other->hasContact() && other->adopter_ == nullptr;
    if (isEarlier) byBegin.emplace(other->beganRealtimeNs(), other.get());
  }
  kj::Vector<kj::Own<Session>> earlier;
  for (auto each = byBegin.rbegin(); each != byBegin.rend(); ++each) {
    earlier.add(each->second->addRef());
  }
  return earlier;
}

kj::Maybe<kj::Own<Session>> SessionTable::findEarlier(const Session& session,
                                                      const support::Id& id) {
  Session* known = nullptr;
  auto found = sessions_.find(id);
  if (found != sessions_.end()) known = found->second.get();
  auto ending = endingSessions_.find(id);
  if (ending != endingSessions_.end()) known = ending->second;
  if (known == nullptr) return nullptr;
  Session& other = *known;
  if (other.identity() != session.identity()) {
    support::fail(Kind::DENIED, "session ", id.text().c_str(), " belongs to another identity");
  }
  if (other.hasContact()) {
    support::fail(Kind::CONFLICT, "session ", id.text().c_str(), " has a connection: it is in use");
  }
  if (other.isScope()) {
    support::fail(Kind::CONFLICT, "session ", id.text().c_str(), " is a scope of another one");
  }
  return other.addRef();
}

void SessionTable::visitEntries(const Session& session,
                                kj::FunctionParam<void(EndPhase phase, kj::StringPtr what)> visit) {
  for (auto& [id, other] : sessions_) {
    if (other.get() != &session && !other->endsWith(session)) continue;
    for (auto& [order, entry] : other->entries_) visit(entry->phase, entry->what);
  }
}

void SessionTable::adopt(Session& session, Session& earlier) {
  makeDependent(earlier, session,
                kj::str("session ", earlier.id().text(), ", which it has adopted"));
  support::log(support::Level::kInfo, "session adopted",
               {{"session", earlier.id().text()}, {"by", session.id().text()}});
}

// Makes `session` end with `on`. The entry is older than all changes that `on` makes from now on,
// and so is undone after them: an earlier state of a file is restored last. The id is looked up at
// the end, because the session may end by itself, and one that ends waits for nobody who waits for
// it.
void SessionTable::makeDependent(Session& session, Session& on, kj::String what) {
  support::Id id = session.id();
  auto end = [this, id]() -> kj::Promise<kj::Maybe<support::Failure>> {
    auto found = sessions_.find(id);
    if (found == sessions_.end() || found->second->hasContact()) {
      return kj::Maybe<support::Failure>(nullptr);
    }
    auto ending = found->second->addRef();
    return this->end(*ending, EndReason::kClosed)
        .then([&ending = *ending]() { return failureOf(ending.leftovers()); })
        .attach(kj::mv(ending));
  };
  session.adoption_ = on.addUndo(EndPhase::kTidy, kj::mv(what), kj::mv(end));
  session.adopter_ = on.addRef();
}

kj::Own<Session> SessionTable::openScope(Session& session, const support::Id& id,
                                         kj::Array<Label> labels) {
  session.requireAlive();
  auto found = sessions_.find(id);
  if (found != sessions_.end()) {
    Session& known = *found->second;
    if (!known.isScope() || !known.endsWith(session)) {
      support::fail(Kind::CONFLICT, "scope ", id.text().c_str(), ": the id is taken");
    }
    return known.addRef();
  }
  if (endedIds_.count(id) > 0) {
    support::fail(Kind::EXPIRED, "scope ", id.text().c_str(), " has ended");
  }
  if (session.scopes_ >= kScopesMax) {
    support::fail(Kind::OVERLOADED, "the session has ", kScopesMax, " scopes, which is its limit");
  }
  Session::Options options;
  options.id = id;
  options.identity = kj::str(session.identity());
  options.role = session.role();
  options.labels = joined(session.labels(), kj::mv(labels));
  options.leaseNs = session.leaseNs();
  requireLabels(options.labels);
  auto scope = kj::refcounted<Session>(kj::mv(options), clock_, timer_);
  makeDependent(*scope, session, kj::str("scope ", id.text()));
  scope->isScope_ = true;
  ++session.scopes_;
  ++scopes_;
  return sessions_.emplace(id, kj::mv(scope)).first->second->addRef();
}

kj::Maybe<kj::Own<Session>> SessionTable::findScope(Session& session, const support::Id& id) {
  auto found = sessions_.find(id);
  if (found != sessions_.end() && found->second->isScope() && found->second->endsWith(session)) {
    return found->second->addRef();
  }
  for (auto& ended : session.endedScopes_) {
    if (ended->id() == id) return ended->addRef();
  }
  return nullptr;
}

kj::Promise<void> SessionTable::watchLeases() {
  int64_t now = clock_.boottimeNs();
  kj::Duration wait = kLeaseLookInterval;
  kj::Vector<kj::Own<Session>> expired;
  for (auto& [id, session] : sessions_) {
    int64_t left = session->leaseEndsBoottimeNs() - now;
    if (left <= 0) {
      expired.add(session->addRef());
    } else {
      wait = kj::min(wait, left * kj::NANOSECONDS);
    }
  }
  // Sessions are ended after the loop, because each end removes one from the map.
  for (auto& session : expired) endApart(*session, EndReason::kExpired);
  return timer_.afterDelay(wait).then([this]() { return watchLeases(); });
}

kj::Promise<void> SessionTable::endAll() {
  kj::Vector<kj::Own<Session>> all;
  for (auto& [id, session] : sessions_) all.add(session->addRef());
  for (auto& session : all) endApart(*session, EndReason::kKeeperStops);
  return ending_.onEmpty();
}

// Ends a session that nobody waits for. The end goes on during this promise's life, also without
// this table, so the session must live as long.
void SessionTable::endApart(Session& session, EndReason reason) {
  end(session, reason).attach(session.addRef()).detach([](kj::Exception&&) {});
}

kj::Promise<void> SessionTable::end(Session& session, EndReason reason) {
  bool begins = !session.ending();
  auto ended = session.end(reason);
  if (begins) {
    support::log(session.isScope() ? support::Level::kDebug : support::Level::kInfo, "session ends",
                 {{"session", session.id().text()}, {"reason", reasonText(reason)}});
    auto reference = session.addRef();
    // The id answers expired from now on, while the end still runs.
    sessions_.erase(session.id());
    if (session.isScope()) noteEndedScope(session);
    session.adopter_ = nullptr;
    session.adoption_ = nullptr;
    rememberEnded(reference->id());
    endingSessions_.emplace(reference->id(), reference.get());
    auto isOver = kj::defer([this, id = reference->id()]() { endingSessions_.erase(id); });
    ending_.add(reference->end(reason).attach(kj::mv(isOver), kj::mv(reference)));
  }
  return ended;
}

void SessionTable::noteEndedScope(Session& scope) {
  Session& owner = *KJ_ASSERT_NONNULL(scope.adopter_);
  --scopes_;
  --owner.scopes_;
  owner.endedScopes_.push_back(scope.addRef());
  if (owner.endedScopes_.size() > kEndedScopesMax) owner.endedScopes_.pop_front();
}

void SessionTable::rememberEnded(const support::Id& id) {
  endedIds_.emplace(id, nextEndedOrder_);
  endedOrder_.emplace(nextEndedOrder_++, id);
  if (endedOrder_.size() > kEndedIdsMax) {
    endedIds_.erase(endedOrder_.begin()->second);
    endedOrder_.erase(endedOrder_.begin());
  }
}

void SessionTable::taskFailed(kj::Exception&& exception) {
  support::log(support::Level::kError, "a session's end broke off",
               {{"text", exception.getDescription()}});
}

}  // namespace nodeagent
