#include "harness/rpc/node_scopes.h"

#include <algorithm>

#include <kj/debug.h>

#include "harness/rpc/bytes.h"
#include "harness/rpc/connection.h"
#include "harness/rpc/earlier_sessions.h"

namespace harness {
namespace {

// The protocol minor that brought scopes.
constexpr uint16_t kMinorOfScopes = 4;

}  // namespace

kj::Own<EstablishedConnection> EstablishedConnection::inScope(wire::Grants::Reader scopeGrants) {
  auto scoped = kj::refcounted<EstablishedConnection>(kj::Own<support::RpcConnection>());
  scoped->session = session;
  scoped->grants = grants.ofScope(scopeGrants);
  scoped->generation = generation;
  scoped->number = number;
  scoped->chunkBytesMax = chunkBytesMax;
  return scoped;
}

struct NodeScopes::Open {
  support::Id id;

  // Those of the connection that it was opened over last. 0: none.
  uint64_t generation = 0;
  uint64_t connection = 0;
  kj::Maybe<kj::Own<EstablishedConnection>> entered;
  kj::Maybe<kj::ForkedPromise<void>> opening;
};

NodeScopes::NodeScopes(Loop& loop, std::string node) : loop_(loop), node_(std::move(node)) {}

NodeScopes::~NodeScopes() = default;

kj::Promise<kj::Own<EstablishedConnection>> NodeScopes::enter(EstablishedConnection& live,
                                                              ScopeHandle scope) {
  if (scope == nullptr || live.grants.agentMinor() < kMinorOfScopes) return kj::addRef(live);
  if (scope->ended) {
    support::fail(wire::Error::Kind::CONFLICT, scope->name.c_str(),
                  " has ended, and with it what it began");
  }
  Open& open = open_[scope->number];
  if (open.generation != live.generation) {
    // A session that is gone took its scopes with it.
    open = Open();
    open.id = loop_.randomId();
    open.generation = live.generation;
  }
  if (open.connection != live.number) {
    open.connection = live.number;
    open.opening = this->open(live, scope, open.id).fork();
  }
  return KJ_ASSERT_NONNULL(open.opening).addBranch().then([this, &live, scope]() {
    auto found = open_.find(scope->number);
    if (found == open_.end()) return enter(live, scope);
    return kj::Promise<kj::Own<EstablishedConnection>>(
        kj::addRef(*KJ_ASSERT_NONNULL(found->second.entered)));
  });
}

// Ends the scopes before this one first, whose changes this one shall not find. A failure is
// forgotten with the next call, which tries again.
kj::Promise<void> NodeScopes::open(EstablishedConnection& live, ScopeHandle scope, support::Id id) {
  return endNoted(live)
      .then([this, &live, scope, id](std::vector<Leftover>&& left) {
        leftovers_.insert(leftovers_.end(), left.begin(), left.end());
        auto request = live.session.openScopeRequest();
        request.setScopeId(id.data());
        auto labels = request.initLabels(static_cast<unsigned>(scope->labels.size()));
        for (unsigned i = 0; i < labels.size(); ++i) {
          labels[i].setName(scope->labels[i].first);
          labels[i].setValue(scope->labels[i].second);
        }
        return request.send();
      })
      .then([this, &live, scope](auto&& response) {
        requireNoError(response);
        auto found = open_.find(scope->number);
        if (found != open_.end()) found->second.entered = live.inScope(response.getGrants());
      })
      .catch_([this, scope](kj::Exception&& exception) {
        auto found = open_.find(scope->number);
        if (found != open_.end()) found->second.connection = 0;
        kj::throwFatalException(kj::mv(exception));
      })
      .attach(kj::addRef(live));
}

bool NodeScopes::leave(const Scope& scope, uint64_t generation) {
  auto found = open_.find(scope.number);
  if (found != open_.end()) {
    if (found->second.generation == generation) {
      noted_.push_back({found->second.id, generation, scope.name});
    }
    open_.erase(found);
  }
  return !noted_.empty() || !leftovers_.empty();
}

kj::Promise<std::vector<Leftover>> NodeScopes::endNoted(EstablishedConnection& live) {
  std::erase_if(noted_, [&](const Noted& noted) { return noted.generation != live.generation; });
  if (noted_.empty()) return std::exchange(leftovers_, {});
  Noted noted = noted_.back();
  auto request = live.session.closeScopeRequest();
  request.setScopeId(noted.id.data());
  return request.send().then([this, &live, noted](auto&& response) {
    for (Leftover& left : readLeftovers(node_, response)) {
      left.what = noted.name + ": " + left.what;
      leftovers_.push_back(std::move(left));
    }
    std::erase_if(noted_, [&](const Noted& other) { return other.id == noted.id; });
    return endNoted(live);
  });
}

void NodeScopes::forgetConnection() {
  for (auto& [number, open] : open_) open.entered = nullptr;
}

}  // namespace harness
