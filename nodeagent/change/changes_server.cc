#include "nodeagent/change/changes_server.h"

#include "schema/support/base/wire_error.h"

namespace nodeagent::change {
namespace {

constexpr kj::StringPtr kDetail = "detail."_kj;

support::Id idOf(capnp::Data::Reader from) {
  if (!support::Id::fits(from)) support::fail(wire::Error::Kind::INVALID, "id: is not 16 bytes");
  return support::Id::from(from);
}

void writeReport(wire::ChangeStatus::Builder to, const ChangeReport& report) {
  to.setId(report.record.id.data());
  to.setKind(report.record.kind);
  to.setText(report.record.text);
  to.setOwner(report.record.owner);
  to.setSinceRealtimeNs(report.record.sinceRealtimeNs);
  to.setState(report.state);
  to.setReason(report.reason);
  kj::Vector<const Values::Value*> known;
  for (auto& value : report.record.values.all()) {
    if (value.name.startsWith(kDetail)) known.add(&value);
  }
  auto details = to.initDetails(static_cast<uint32_t>(known.size()));
  for (uint32_t i = 0; i < details.size(); ++i) {
    details[i].setName(known[i]->name.slice(kDetail.size()));
    details[i].setValue(known[i]->text);
  }
}

}  // namespace

kj::Promise<void> ChangeViewServer::list(ListContext context) {
  return support::answer(context, "changes.list", [this, context]() mutable {
    return table_.list().then([context](kj::Vector<ChangeReport>&& reports) mutable {
      auto changes = context.getResults().initChanges(static_cast<uint32_t>(reports.size()));
      for (uint32_t i = 0; i < changes.size(); ++i) writeReport(changes[i], reports[i]);
    });
  });
}

kj::Promise<void> ChangesServer::make(MakeContext context) {
  return support::answer(context, "changes.make", [this, context]() mutable {
    session_->requireOpen();
    auto spec = context.getParams().getSpec();
    support::Id id = idOf(spec.getId());
    const ChangeKind& kind = table_.kinds().of(spec.getKind().which());
    return table_.make(*session_, id, kind, kind.read(spec.getKind()))
        .then([context](ChangeReport&& report) mutable {
          writeReport(context.getResults().initStatus(), report);
        });
  });
}

kj::Promise<void> ChangesServer::undo(UndoContext context) {
  return support::answer(context, "changes.undo", [this, context]() mutable {
    return table_.undo(*session_, idOf(context.getParams().getId()))
        .then([context](bool isFound) mutable { context.getResults().setFound(isFound); });
  });
}

}  // namespace nodeagent::change
