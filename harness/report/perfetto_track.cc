#include "harness/report/perfetto_track.h"

#include <algorithm>

#include "harness/report/proto_writer.h"
#include "schema/support/base/text.h"

namespace harness::report {
namespace {

constexpr size_t kNameBytesMax = 200;
constexpr size_t kValueBytesMax = 2000;

// Field numbers of the messages of protos/perfetto/trace.
namespace trace {
constexpr uint32_t kPacket = 1;
}
namespace packet {
constexpr uint32_t kClockSnapshot = 6;
constexpr uint32_t kTimestamp = 8;
constexpr uint32_t kSequenceId = 10;
constexpr uint32_t kTrackEvent = 11;
constexpr uint32_t kTimestampClockId = 58;
constexpr uint32_t kTrackDescriptor = 60;
}  // namespace packet
namespace descriptor {
constexpr uint32_t kUuid = 1;
constexpr uint32_t kName = 2;
constexpr uint32_t kParentUuid = 5;
constexpr uint32_t kChildOrdering = 11;
constexpr uint64_t kExplicit = 3;
constexpr uint32_t kSiblingOrderRank = 12;
}  // namespace descriptor
namespace event {
constexpr uint32_t kDebugAnnotations = 4;
constexpr uint32_t kType = 9;
constexpr uint32_t kTrackUuid = 11;
constexpr uint32_t kCategories = 22;
constexpr uint32_t kName = 23;
constexpr uint64_t kSliceBegin = 1;
constexpr uint64_t kSliceEnd = 2;
constexpr uint64_t kInstant = 3;
}  // namespace event
namespace annotation {
constexpr uint32_t kStringValue = 6;
constexpr uint32_t kName = 10;
}  // namespace annotation
namespace snapshot {
constexpr uint32_t kClocks = 1;
constexpr uint32_t kClockId = 1;
constexpr uint32_t kTimestamp = 2;
}  // namespace snapshot

std::string shown(const std::string& text, size_t bytesMax) {
  return support::printable(support::beginningOf(text, bytesMax), support::Lines::kMany);
}

std::string eventOf(uint64_t type, uint64_t track, const std::string& name,
                    const std::string& category, const Annotations& annotations) {
  ProtoWriter writer;
  writer.number(event::kType, type).number(event::kTrackUuid, track);
  writer.bytes(event::kName, shown(name, kNameBytesMax)).bytes(event::kCategories, category);
  for (const auto& [key, value] : annotations) {
    if (value.empty()) continue;
    ProtoWriter one;
    one.bytes(annotation::kName, key).bytes(annotation::kStringValue, shown(value, kValueBytesMax));
    writer.bytes(event::kDebugAnnotations, one.message());
  }
  return writer.message();
}

std::string endOf(uint64_t track) {
  ProtoWriter writer;
  writer.number(event::kType, event::kSliceEnd).number(event::kTrackUuid, track);
  return writer.message();
}

}  // namespace

uint64_t TraceWriter::addTrack(const std::string& name, uint64_t parent) {
  uint64_t track = tracks_.size() + 1;
  tracks_[track] = {name, parent};
  addDescriptor(track);
  return track;
}

void TraceWriter::addDescriptor(uint64_t track) {
  ProtoWriter writer;
  writer.number(descriptor::kUuid, track);
  writer.bytes(descriptor::kName, shown(tracks_[track].name, kNameBytesMax));
  if (tracks_[track].parent != 0) writer.number(descriptor::kParentUuid, tracks_[track].parent);
  writer.number(descriptor::kChildOrdering, descriptor::kExplicit);
  writer.number(descriptor::kSiblingOrderRank, track);
  addPacket(ProtoWriter().bytes(packet::kTrackDescriptor, writer.message()).message());
}

// Each slice goes on the first lane where it fits. A lane knows the slices that are still open on
// it.
void TraceWriter::addSlices(uint64_t track, std::vector<TraceSlice> slices, Overlap overlap) {
  std::stable_sort(
      slices.begin(), slices.end(), [](const TraceSlice& one, const TraceSlice& other) {
        return one.begin != other.begin ? one.begin < other.begin : one.end > other.end;
      });
  struct Lane {
    std::vector<const TraceSlice*> all = {};
    std::vector<const TraceSlice*> open = {};
  };
  std::vector<Lane> lanes;
  for (const TraceSlice& slice : slices) {
    size_t i = 0;
    for (; i < lanes.size(); ++i) {
      std::vector<const TraceSlice*>& open = lanes[i].open;
      while (!open.empty() && open.back()->end <= slice.begin) open.pop_back();
      bool isInside = overlap == Overlap::kNests && !open.empty() && slice.end <= open.back()->end;
      if (open.empty() || isInside) break;
    }
    if (i == lanes.size()) lanes.emplace_back();
    lanes[i].all.push_back(&slice);
    lanes[i].open.push_back(&slice);
  }
  for (size_t i = 0; i < lanes.size(); ++i) {
    addLane(i == 0 ? track : addTrack(tracks_[track].name, tracks_[track].parent), lanes[i].all);
  }
}

// The reader sorts by time, and keeps the order of what has the same time. Ends are therefore
// written in the order in which slices close.
void TraceWriter::addLane(uint64_t track, const std::vector<const TraceSlice*>& slices) {
  std::vector<const TraceSlice*> open;
  auto close = [&](int64_t until) {
    while (!open.empty() && open.back()->end <= until) {
      addEvent(open.back()->end, kClockBoottime, endOf(track));
      open.pop_back();
    }
  };
  for (const TraceSlice* slice : slices) {
    close(slice->begin);
    addEvent(slice->begin, kClockBoottime,
             eventOf(event::kSliceBegin, track, slice->name, slice->category, slice->annotations));
    open.push_back(slice);
  }
  close(INT64_MAX);
}

void TraceWriter::addInstant(uint64_t track, int64_t time, uint32_t clock, const std::string& name,
                             const std::string& category, const Annotations& annotations) {
  addEvent(time, clock, eventOf(event::kInstant, track, name, category, annotations));
}

void TraceWriter::addClocks(const std::vector<std::pair<uint32_t, int64_t>>& readings) {
  ProtoWriter clocks;
  for (const auto& [clock, time] : readings) {
    ProtoWriter one;
    one.number(snapshot::kClockId, clock);
    one.number(snapshot::kTimestamp, static_cast<uint64_t>(time));
    clocks.bytes(snapshot::kClocks, one.message());
  }
  addPacket(ProtoWriter().bytes(packet::kClockSnapshot, clocks.message()).message());
}

void TraceWriter::addEvent(int64_t time, uint32_t clock, const std::string& event) {
  ProtoWriter writer;
  writer.number(packet::kTimestamp, static_cast<uint64_t>(time));
  writer.number(packet::kTimestampClockId, clock);
  addPacket(writer.bytes(packet::kTrackEvent, event).message());
}

void TraceWriter::addPacket(const std::string& packet) {
  std::string whole = packet + ProtoWriter().number(packet::kSequenceId, 1).message();
  trace_ += ProtoWriter().bytes(trace::kPacket, whole).message();
}

}  // namespace harness::report
