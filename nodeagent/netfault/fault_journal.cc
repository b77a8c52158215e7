#include "nodeagent/netfault/fault_journal.h"

#include <stdlib.h>

#include <kj/encoding.h>
#include <kj/vector.h>

namespace nodeagent::netfault {
namespace {

constexpr size_t kFixedFields = 8;

kj::Array<kj::String> linesOf(const FaultRecord& record) {
  kj::Vector<kj::String> lines;
  lines.add(kj::str(record.id.text().c_str()));
  for (kj::StringPtr text :
       {record.title.asPtr(), record.owner.asPtr(), record.bootId.asPtr(), record.text.asPtr()}) {
    lines.add(toField(text));
  }
  lines.add(kj::str(record.sinceRealtimeNs));
  lines.add(kj::str(record.untilBoottimeNs));
  lines.add(toField(record.place));
  for (auto& peer : record.peers) lines.add(toField(peer));
  return lines.releaseAsArray();
}

kj::Maybe<FaultRecord> recordOf(kj::ArrayPtr<const kj::String> lines) {
  if (lines.size() < kFixedFields) return nullptr;
  auto id = kj::decodeHex(lines[0]);
  if (!support::Id::fits(id)) return nullptr;
  FaultRecord record;
  record.id = support::Id::from(id);
  record.title = fromField(lines[1]);
  record.owner = fromField(lines[2]);
  record.bootId = fromField(lines[3]);
  record.text = fromField(lines[4]);
  record.sinceRealtimeNs = strtoll(lines[5].cStr(), nullptr, 10);
  record.untilBoottimeNs = strtoll(lines[6].cStr(), nullptr, 10);
  record.place = fromField(lines[7]);
  record.peers = KJ_MAP(peer, lines.slice(kFixedFields, lines.size())) {
    return fromField(peer);
  };
  return kj::mv(record);
}

}  // namespace

kj::Array<kj::String> copyOf(kj::ArrayPtr<const kj::String> texts) {
  return KJ_MAP(text, texts) {
    return kj::str(text);
  };
}

FaultRecord FaultRecord::clone() const {
  return {id,
          kj::str(title),
          kj::str(owner),
          kj::str(bootId),
          kj::str(text),
          copyOf(peers),
          kj::str(place),
          sinceRealtimeNs,
          untilBoottimeNs};
}

kj::String FaultJournal::below(kj::StringPtr stateDirectory) {
  return stateDirectory.size() == 0 ? kj::String() : kj::str(stateDirectory, "/faults");
}

// The rules do not outlive the power, so nothing has to reach the disk before they are made.
void FaultJournal::write(const FaultRecord& record) const {
  records_.write(record.id.text().c_str(), linesOf(record), RecordDirectory::Outlives::kAgent);
}

void FaultJournal::drop(const support::Id& id) const {
  records_.drop(id.text().c_str());
}

kj::Array<FaultRecord> FaultJournal::read() const {
  kj::Vector<FaultRecord> records;
  for (auto& name : records_.names()) {
    kj::Maybe<FaultRecord> parsed;
    auto lines = records_.read(name);
    KJ_IF_MAYBE (each, lines) parsed = recordOf(*each);
    KJ_IF_MAYBE (record, parsed) {
      records.add(kj::mv(*record));
    } else {
      records_.dropDamaged(name, "a fault");
    }
  }
  return records.releaseAsArray();
}

}  // namespace nodeagent::netfault
