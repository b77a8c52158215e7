// Holds everything that one controller owns on this node, and is the only path by which it is
// undone.
//
// A session outlives connections. It ends when its controller closes it, when its lease runs out on
// the boot clock, or when the keeper stops; then `Session::end` stops running things and undoes
// changes. It does not know what its entries are: services register them.
#pragma once

#include <stdint.h>

#include <deque>
#include <map>

#include <kj/async.h>
#include <kj/function.h>
#include <kj/refcount.h>
#include <kj/string.h>
#include <kj/timer.h>
#include <kj/vector.h>

#include "nodeagent/os/clock.h"
#include "nodeagent/session/label.h"
#include "nodeagent/session/session_end.h"
#include "nodeagent/session/variables.h"
#include "schema/agent.capnp.h"
#include "schema/support/base/id.h"

namespace nodeagent {

class NodeUse;

class Session final : public kj::Refcounted {
 public:
  // Undoes one thing and returns null, or why it could not. A promise that is rejected becomes a
  // Leftover too. Called at most once, and given kEndLimit to settle, after which it is cancelled
  // and reported.
  using End = kj::Function<kj::Promise<kj::Maybe<support::Failure>>()>;
  static constexpr kj::Duration kEndLimit = 30 * kj::SECONDS;

  struct Options {
    support::Id id;
    kj::String identity;
    wire::Role role = wire::Role::UNSPECIFIED;
    kj::Array<Label> labels;
    int64_t leaseNs = 0;
  };

  // `clock` and `timer` outlive the session.
  Session(Options options, const Clock& clock, kj::Timer& timer);
  ~Session() noexcept(false);

  const support::Id& id() const { return options_.id; }
  kj::StringPtr identity() const { return options_.identity; }
  wire::Role role() const { return options_.role; }
  kj::ArrayPtr<const Label> labels() const { return options_.labels; }
  int64_t leaseNs() const { return options_.leaseNs; }
  int64_t beganRealtimeNs() const { return beganRealtimeNs_; }

  // Returns when the lease ends: its own, or that of the session that has adopted it.
  int64_t leaseEndsBoottimeNs() const;

  // Starts the lease anew, because the controller was heard of.
  void renew();

  // Means, while it lives, that the controller has a connection.
  class Contact {
   public:
    explicit Contact(Session& session) : session_(session.addRef()) { ++session_->contacts_; }
    ~Contact() noexcept(false) { --session_->contacts_; }
    KJ_DISALLOW_COPY(Contact);

   private:
    kj::Own<Session> session_;
  };
  bool hasContact() const { return contacts_ > 0; }

  // Keeps an entry in the undo list; destroying it takes the entry out, because there is nothing
  // left to undo. It may outlive the session.
  class Entry {
   public:
    virtual ~Entry() noexcept(false) = default;
  };

  // Registers `end` in the undo list, to be called at the session's end. Call it before the change
  // itself. `what` names the entry to people, such as "job 7 (dd)". Fails with kind expired once
  // the end has begun.
  kj::Own<Entry> addUndo(EndPhase phase, kj::String what, End end);

  // Ends the session, once: the first call decides the reason. Resolves when the undo list has been
  // walked.
  kj::Promise<void> end(EndReason reason);

  bool ending() const { return reason_ != nullptr; }
  bool hasExpired() const;
  kj::Maybe<EndReason> reason() const { return reason_; }
  // The list is complete once end() has resolved.
  kj::ArrayPtr<const Leftover> leftovers() const { return leftovers_; }

  // Fails with kind expired if the session is ending, and with kind reserved if it may not use the
  // node now (node_use.h). Once it has succeeded, the session uses the node until its end. It
  // belongs at the beginning of every method that changes something.
  void requireOpen();
  // Does the same for a method that changes nothing of the node: only the session's end refuses it.
  void requireAlive() const;
  // Tells whether the whole session has begun to change the node.
  bool usesNode() { return whole().usesNode_; }

  // Tells whether this is a scope: a part of another session that can be ended alone.
  bool isScope() const { return isScope_; }
  // Returns the session whose scope this is, while the scope is open; this one if it is none.
  Session& whole();

  // Tells whether this session ends with that one: it is a scope of it, or was adopted by it.
  bool endsWith(const Session& other) const;

  // Returns the variables of the commands of the whole session, whichever scope has set them.
  Variables& variables() { return *whole().variables_; }

  kj::Own<Session> addRef() { return kj::addRef(*this); }

 private:
  class EntryImpl;
  friend class SessionTable;

  kj::Promise<void> stopAll();
  kj::Promise<void> undoNewest();
  kj::Promise<void> call(EntryImpl& entry);

  Options options_;
  const Clock& clock_;
  kj::Timer& timer_;
  const int64_t beganRealtimeNs_;
  int64_t renewedBoottimeNs_;
  size_t contacts_ = 0;
  kj::Own<Variables> variables_ = kj::refcounted<Variables>();

  // The session that has adopted this one or whose scope this is, and the entry in its undo list
  // that ends this one.
  kj::Maybe<kj::Own<Session>> adopter_;
  kj::Own<Entry> adoption_;
  bool isScope_ = false;
  // Null: nobody asks who uses the node.
  NodeUse* use_ = nullptr;
  bool usesNode_ = false;
  // The open scopes of this session, and the last that ended, with what they left, the newest last.
  size_t scopes_ = 0;
  std::deque<kj::Own<Session>> endedScopes_;
  uint64_t nextOrder_ = 1;
  // In order of registration. The entries belong to their services.
  std::map<uint64_t, EntryImpl*> entries_;
  kj::Maybe<EndReason> reason_;
  kj::Vector<Leftover> leftovers_;
  kj::Maybe<kj::ForkedPromise<void>> ended_;
};

// Holds all sessions of this keeper.
class SessionTable final : private kj::TaskSet::ErrorHandler {
 public:
  static constexpr int64_t kLeaseDefaultNs = 60'000'000'000;
  static constexpr int64_t kLeaseMinNs = 1'000'000'000;
  static constexpr int64_t kLeaseMaxNs = 24 * 3600 * 1'000'000'000LL;
  static constexpr size_t kSessionsMax = 256;
  static constexpr size_t kEndedIdsMax = 10'000;
  static constexpr size_t kLabelsMax = 32;
  static constexpr size_t kScopesMax = 32;
  static constexpr size_t kEndedScopesMax = 8;

  // `epoch` is new with every start of the keeper. `clock` and `timer` outlive this.
  SessionTable(const Clock& clock, kj::Timer& timer, support::Id epoch = support::Id::random());

  // Notes which of the sessions that begin from now on use the node. `use` outlives the last end of
  // one of them.
  void noteUse(NodeUse& use) { use_ = &use; }

  struct Attached {
    kj::Own<Session> session;
    bool existed = false;
  };

  // Begins the session or finds it, and renews its lease. `options.leaseNs` 0 means the default;
  // lease and labels count only for a new session. Failures: expired (the id is not known and
  // `attach` forbids making it, or the session has ended), denied (it is another identity's),
  // overloaded, invalid (lease or labels out of range).
  Attached attach(Session::Options options, wire::Attach attach);

  // Returns the sessions of the same identity that have no contact and that no other session has
  // adopted, the newest first.
  kj::Vector<kj::Own<Session>> earlierThan(const Session& session);

  // Finds such a session by its id, also one whose end has begun and is not over. Null: it is not
  // known. Failures: conflict (it has a contact), denied (it is another identity's).
  kj::Maybe<kj::Own<Session>> findEarlier(const Session& session, const support::Id& id);

  // Calls `visit` for each entry in the undo lists of the session and of those that it has adopted.
  void visitEntries(const Session& session,
                    kj::FunctionParam<void(EndPhase phase, kj::StringPtr what)> visit);

  // Makes `earlier` last as long as `session` and end with it, unless it has a contact by then.
  void adopt(Session& session, Session& earlier);

  // Begins a scope of `session`, or finds it. It has the session's identity, role, lease and
  // labels; `labels` replace those of the same name. Failures: expired (the session or the scope
  // has ended), conflict (the id is another session's), overloaded, invalid.
  kj::Own<Session> openScope(Session& session, const support::Id& id, kj::Array<Label> labels);

  // Finds a scope of `session`, also one that is ending or among the last that ended.
  kj::Maybe<kj::Own<Session>> findScope(Session& session, const support::Id& id);

  // Ends sessions whose lease has run out, until cancelled. It looks at the boot clock at least
  // once a second, since timers of the event loop do not count suspended time.
  kj::Promise<void> watchLeases();

  // Ends all sessions together, for a stop of the keeper.
  kj::Promise<void> endAll();

  const support::Id& keeperEpoch() const { return epoch_; }
  // Returns the number of sessions, without their scopes.
  size_t count() const { return sessions_.size() - scopes_; }

  // Ends one session and resolves when that is done, or joins an end that has begun. Its id answers
  // expired from now on. Dropping the promise does not stop the end.
  kj::Promise<void> end(Session& session, EndReason reason);

 private:
  void makeDependent(Session& session, Session& on, kj::String what);
  void endApart(Session& session, EndReason reason);
  void noteEndedScope(Session& scope);
  void rememberEnded(const support::Id& id);
  void taskFailed(kj::Exception&& exception) override;

  const Clock& clock_;
  kj::Timer& timer_;
  support::Id epoch_;
  NodeUse* use_ = nullptr;
  std::map<support::Id, kj::Own<Session>> sessions_;
  // The scopes among them.
  size_t scopes_ = 0;
  // Finds the sessions whose end has begun and is not over.
  std::map<support::Id, Session*> endingSessions_;
  // Maps to the order in which they ended, to drop the oldest.
  std::map<support::Id, uint64_t> endedIds_;
  std::map<uint64_t, support::Id> endedOrder_;
  uint64_t nextEndedOrder_ = 1;
  kj::TaskSet ending_;
};

}  // namespace nodeagent
