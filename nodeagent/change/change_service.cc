#include "nodeagent/change/change_service.h"

#include "nodeagent/change/changes_server.h"

namespace nodeagent {
namespace change {
namespace {

class ChangeService final : public AgentService {
 public:
  ChangeService(ServiceHost& host, Surroundings node) : table_(host, kj::mv(node)) {}

  kj::Array<Offer> offers() override {
    return kj::arr(
        offer<wire::Changes>(
            [this](Session& session) { return kj::heap<ChangesServer>(table_, session.addRef()); }),
        offer<wire::ChangeView>([this](Session&) { return kj::heap<ChangeViewServer>(table_); }));
  }

  bool close(kj::Duration limit) override { return table_.close(limit); }

 private:
  ChangeTable table_;
};

}  // namespace
}  // namespace change

kj::Own<AgentService> makeChange(ServiceHost& host, change::Surroundings node) {
  return kj::heap<change::ChangeService>(host, kj::mv(node));
}

}  // namespace nodeagent
