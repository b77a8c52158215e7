#include "nodeagent/change/change_journal.h"

#include <stdlib.h>

#include <algorithm>

#include <kj/encoding.h>

namespace nodeagent::change {
namespace {

constexpr size_t kFixedFields = 7;

kj::Array<kj::String> linesOf(const ChangeRecord& record) {
  kj::Vector<kj::String> lines;
  lines.add(kj::str(record.id.text().c_str()));
  for (kj::StringPtr text :
       {record.kind.asPtr(), record.owner.asPtr(), record.bootId.asPtr(), record.text.asPtr()}) {
    lines.add(toField(text));
  }
  lines.add(kj::str(record.order));
  lines.add(kj::str(record.sinceRealtimeNs));
  for (auto& value : record.values.all()) {
    lines.add(kj::str(toField(value.name), " ", toField(value.text)));
  }
  return lines.releaseAsArray();
}

kj::Maybe<ChangeRecord> recordOf(kj::ArrayPtr<const kj::String> lines) {
  if (lines.size() < kFixedFields) return nullptr;
  auto id = kj::decodeHex(lines[0]);
  if (!support::Id::fits(id)) return nullptr;
  ChangeRecord record;
  record.id = support::Id::from(id);
  record.kind = fromField(lines[1]);
  record.owner = fromField(lines[2]);
  record.bootId = fromField(lines[3]);
  record.text = fromField(lines[4]);
  record.order = strtoull(lines[5].cStr(), nullptr, 10);
  record.sinceRealtimeNs = strtoll(lines[6].cStr(), nullptr, 10);
  for (auto& line : lines.slice(kFixedFields, lines.size())) {
    KJ_IF_MAYBE (space, line.findFirst(' ')) {
      record.values.add(fromField(kj::heapString(line.begin(), *space)),
                        fromField(line.slice(*space + 1)));
    }
  }
  return kj::mv(record);
}

}  // namespace

void ChangeJournal::write(const ChangeRecord& record, Outlives outlives) {
  std::lock_guard<std::mutex> lock(mutex_);
  disk_.write(record.id.text().c_str(), linesOf(record), outlives);
  records_.insert_or_assign(record.id, record.clone());
}

kj::Maybe<ChangeRecord> ChangeJournal::find(const support::Id& id) const {
  std::lock_guard<std::mutex> lock(mutex_);
  auto found = records_.find(id);
  if (found == records_.end()) return nullptr;
  return found->second.clone();
}

void ChangeJournal::drop(const support::Id& id) {
  std::lock_guard<std::mutex> lock(mutex_);
  disk_.drop(id.text().c_str());
  records_.erase(id);
}

void ChangeJournal::load() {
  std::lock_guard<std::mutex> lock(mutex_);
  for (auto& name : disk_.names()) {
    kj::Maybe<ChangeRecord> parsed;
    auto lines = disk_.read(name);
    KJ_IF_MAYBE (each, lines) parsed = recordOf(*each);
    KJ_IF_MAYBE (record, parsed) {
      records_.insert_or_assign(record->id, kj::mv(*record));
    } else {
      disk_.dropDamaged(name, "a change");
    }
  }
}

kj::Vector<ChangeRecord> ChangeJournal::all() const {
  std::lock_guard<std::mutex> lock(mutex_);
  kj::Vector<ChangeRecord> records;
  for (auto& [id, record] : records_) records.add(record.clone());
  std::sort(records.begin(), records.end(),
            [](const ChangeRecord& a, const ChangeRecord& b) { return a.order > b.order; });
  return records;
}

}  // namespace nodeagent::change
