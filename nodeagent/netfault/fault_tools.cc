#include "nodeagent/netfault/fault_tools.h"

#include "schema/support/base/log.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::netfault {

EffectPlace placeOf(const FaultRecord& record) {
  return {record.id, kj::str(record.place)};
}

FaultTools::FaultTools(LocalHost host)
    : journal_(FaultJournal::below(host.stateDirectory)), effects_(kj::mv(host)) {}

kj::String FaultTools::begin(const FaultSpec& spec, FaultRecord record, int64_t holdNs) const {
  effects_.requirePossible(spec);
  // The record is written first: a keeper that is killed here leaves nothing behind.
  journal_.write(record);
  KJ_ON_SCOPE_FAILURE({
    KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() { end(placeOf(record)); })) {
      support::log(support::Level::kWarn, "a fault that failed was not removed",
                   {{"fault", spec.id.text()}, {"reason", support::reasonOf(*exception)}});
    }
  });
  effects_.begin(spec, holdNs, [&](kj::String place) {
    record.place = kj::mv(place);
    journal_.write(record);
  });
  return kj::mv(record.place);
}

Shown FaultTools::look(const EffectPlace& place) const {
  Shown shown;
  auto failed = kj::runCatchingExceptions([&]() { shown = effects_.read(place); });
  KJ_IF_MAYBE (exception, failed) {
    shown.isThere = shown.isWorking = true;
    shown.witness = kj::str("nobody can tell: ", support::reasonOf(*exception));
  }
  return shown;
}

Shown FaultTools::end(const EffectPlace& place) const {
  Shown last = effects_.remove(place);
  journal_.drop(place.id);
  return last;
}

bool FaultTools::goesOn(const FaultRecord& record, kj::StringPtr bootId,
                        int64_t nowBoottimeNs) const {
  if (record.bootId != bootId || record.untilBoottimeNs <= nowBoottimeNs) return false;
  Shown shown = effects_.read(placeOf(record));
  return shown.isThere && shown.isWorking;
}

void FaultTools::endLeftOver(const FaultRecord& record, kj::StringPtr bootId) const {
  bool mayBeThere = record.bootId == bootId || Effects::outlivesBoot(placeOf(record));
  if (mayBeThere) {
    end(placeOf(record));
  } else {
    journal_.drop(record.id);
  }
  support::log(
      support::Level::kInfo,
      mayBeThere ? "ended a fault of a killed keeper" : "forgot a fault that a boot has ended",
      {{"fault", record.id.text()}, {"title", record.title}});
}

kj::Vector<FoundFault> FaultTools::recoverAll(kj::StringPtr bootId, int64_t nowBoottimeNs) const {
  kj::Vector<FoundFault> found;
  for (auto& record : journal_.read()) {
    bool lasts = false;
    auto failed = kj::runCatchingExceptions([&]() {
      lasts = goesOn(record, bootId, nowBoottimeNs);
      if (!lasts) endLeftOver(record, bootId);
    });
    if (lasts) found.add(FoundFault{kj::mv(record), kj::String()});
    KJ_IF_MAYBE (exception, failed) {
      auto why = kj::str(support::reasonOf(*exception));
      support::log(support::Level::kWarn, "a killed keeper's fault was not ended; going on",
                   {{"fault", record.id.text()}, {"reason", why}});
      found.add(FoundFault{kj::mv(record), kj::mv(why)});
    }
  }
  return found;
}

}  // namespace nodeagent::netfault
