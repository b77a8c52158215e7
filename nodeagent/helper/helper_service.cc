#include "nodeagent/helper/helper_service.h"

#include <kj/encoding.h>

#include "nodeagent/helper/helper_store.h"
#include "schema/helper.capnp.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent {
namespace helper {
namespace {

constexpr kj::StringPtr kOtherDirectory = "/var/cache/nodeagent/helpers"_kj;

kj::Array<kj::String> directoriesOf(const ServiceHost& host) {
  kj::Vector<kj::String> directories;
  if (host.stateDirectory.size() > 0) directories.add(kj::str(host.stateDirectory, "/helpers"));
  directories.add(kj::str(kOtherDirectory));
  return directories.releaseAsArray();
}

class HelpersServer final : public wire::Helpers::Server {
 public:
  HelpersServer(const HelperStore& store, Worker& worker, AuditLog& audit, kj::Own<Session> session)
      : store_(kj::atomicAddRef(store)),
        worker_(worker),
        audit_(audit),
        session_(kj::mv(session)) {}

  kj::Promise<void> locate(LocateContext context) override {
    return support::answer(context, "helpers.locate", [this, context]() mutable {
      session_->requireOpen();
      auto params = context.getParams();
      auto sha256 = kj::heapArray<kj::byte>(params.getSha256());
      uint64_t size = params.getSize();
      auto line = audit_.line(*session_, "helpers.locate",
                              {{"sha256", kj::encodeHex(sha256)}, {"size", size}});
      return worker_
          .run(audited(kj::mv(line), [store = kj::atomicAddRef(*store_), sha256 = kj::mv(sha256),
                                      size]() { return store->locate(sha256, size); }))
          .then([context](HelperStore::Located&& located) mutable {
            auto results = context.getResults();
            results.setPath(located.path.asBytes());
            results.setPresent(located.isPresent);
          });
    });
  }

 private:
  kj::Own<const HelperStore> store_;
  Worker& worker_;
  AuditLog& audit_;
  kj::Own<Session> session_;
};

class HelperService final : public AgentService {
 public:
  // One thread, so that two calls do not make space for each other at the same time.
  explicit HelperService(ServiceHost& host)
      : host_(host),
        worker_(host.platform.makeWorker(1)),
        store_(kj::atomicRefcounted<HelperStore>(directoriesOf(host))) {}

  kj::Array<Offer> offers() override {
    return kj::arr(offer<wire::Helpers>([this](Session& session) {
      return kj::heap<HelpersServer>(*store_, *worker_, host_.audit, session.addRef());
    }));
  }

  bool close(kj::Duration limit) override { return worker_->close(limit); }

 private:
  ServiceHost& host_;
  kj::Own<Worker> worker_;
  kj::Own<const HelperStore> store_;
};

}  // namespace
}  // namespace helper

kj::Own<AgentService> makeHelper(ServiceHost& host) {
  return kj::heap<helper::HelperService>(host);
}

}  // namespace nodeagent
